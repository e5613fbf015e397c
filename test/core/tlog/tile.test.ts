import { deepEqual, equal, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { fromUtf8, toUtf8 } from '../../../src/core/bytes.ts'
import {
  decodeBundle,
  decodeTile,
  encodeBundle,
  encodeTile,
  formatBundlePath,
  formatTilePath,
  parseTilePath,
  TILE_HEIGHT,
  TILE_WIDTH,
  type TilePath,
  tileWidthAt,
} from '../../../src/core/tlog/tile.ts'
import { code, damage, damages, parsedOrRefused } from '../damage.ts'
import { someLeaves } from './naive.ts'

const format = (path: TilePath) => (path.kind === 'entries' ? formatBundlePath(path) : formatTilePath(path))
const anyIndex = fc.oneof(fc.nat({ max: 2000 }), fc.maxSafeNat())
const anyWidth = fc.integer({ min: 1, max: 256 })
const anyPath: fc.Arbitrary<TilePath> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 63 }), anyIndex, anyWidth)
    .map(([level, index, width]) => ({ kind: 'tile' as const, level, index, width })),
  fc.tuple(anyIndex, anyWidth).map(([index, width]) => ({ kind: 'entries' as const, index, width })),
)

describe('tile path', () => {
  it('writes the published example', () => {
    equal(formatTilePath({ level: 0, index: 1234067, width: 256 }), 'tile/0/x001/x234/067')
    equal(formatTilePath({ level: 0, index: 1234067, width: 5 }), 'tile/0/x001/x234/067.p/5')
    equal(formatTilePath({ level: 2, index: 0, width: 256 }), 'tile/2/000')
    equal(formatBundlePath({ index: 273, width: 112 }), 'tile/entries/273.p/112')
    equal(formatBundlePath({ index: 1000, width: 256 }), 'tile/entries/x001/000')
    deepEqual(parseTilePath('tile/0/x001/x234/067.p/5'), { kind: 'tile', level: 0, index: 1234067, width: 5 })
    deepEqual(parseTilePath('tile/entries/000'), { kind: 'entries', index: 0, width: 256 })
  })

  it('reads what it writes', () => {
    fc.assert(fc.property(anyPath, path => deepEqual(parseTilePath(format(path)), path)))
  })

  it('refuses every other spelling', () => {
    for (const path of [
      '',
      'tile',
      '/tile/0/000',
      'tile/0/0',
      'tile/0/00',
      'tile/0/1000',
      'tile/00/000',
      'tile/01/000',
      'tile/64/000',
      'tile/-1/000',
      'tile/x/000',
      'tile/0/x000/067',
      'tile/0/x001/x067',
      'tile/0/001/067',
      'tile/0/x01/067',
      'tile/0/000/',
      'tile/0/000.p',
      'tile/0/000.p/',
      'tile/0/000.p/0',
      'tile/0/000.p/05',
      'tile/0/000.p/256',
      'tile/0/000.p/257',
      'tile/0/000.p/1\n',
      'tile/0/000?x',
      'tile/0/%30%30%30',
      'tile/entries/x999/x999/x999/x999/x999/x999/999',
      'tile/Entries/000',
      'tile/entries/٠٠٠',
    ]) {
      throws(() => parseTilePath(path), code('TILE_PATH'), path)
    }
  })

  it('answers any damage with a code or with what was asked, spelled alike', () => {
    fc.assert(
      fc.property(anyPath, damages, (path, how) => {
        const parsed = parsedOrRefused(() => fromUtf8(damage(toUtf8(format(path)), how)))
        const read = parsed === undefined ? undefined : parsedOrRefused(() => parseTilePath(parsed))
        if (read) equal(format(read), parsed)
      }),
      { numRuns: 2000 },
    )
  })
})

/** Every tile of a tree of `size`, level by level from the bottom, by the widths alone. */
function tilesOf(size: number) {
  const tiles: { readonly level: number; readonly index: number; readonly width: number }[] = []
  for (let level = 0; tileWidthAt(level, 0, size) > 0; level++) {
    for (let index = 0; tileWidthAt(level, index, size) > 0; index++) tiles.push({ level, index, width: tileWidthAt(level, index, size) })
  }
  return tiles
}

describe('tiles of a tree', () => {
  it('has the published shape at size 70,000', () => {
    const byLevel = [0, 1, 2, 3].map(level => tilesOf(70_000).filter(tile => tile.level === level))
    deepEqual(
      byLevel.map(tiles => [tiles.length, tiles.at(-1)?.width]),
      [
        [274, 112],
        [2, 17],
        [1, 1],
        [0, undefined],
      ],
    )
    equal(byLevel.flat().filter(({ width }) => width === 256).length, 273 + 1)
  })

  it('has one full tile and one hash above it at size 256', () => {
    deepEqual(tilesOf(256), [
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ])
    deepEqual(tilesOf(255), [{ level: 0, index: 0, width: 255 }])
    deepEqual(tilesOf(0), [])
  })

  it('spans eight levels of the tree', () => equal(2 ** TILE_HEIGHT, TILE_WIDTH))

  it('counts the hashes of a tile at any size', () => {
    deepEqual([tileWidthAt(0, 273, 70_000), tileWidthAt(0, 274, 70_000), tileWidthAt(63, 0, 2 ** 53 - 1)], [112, 0, 0])
    deepEqual(
      [tileWidthAt(6, 0, 2 ** 53 - 1), tileWidthAt(0, 2 ** 45 - 1, 2 ** 53 - 1), tileWidthAt(0, 2 ** 53 - 1, 2 ** 53 - 1)],
      [31, 255, 0],
    )
  })
})

describe('tile bytes', () => {
  it('reads back the hashes that it was made of', () => {
    for (const width of [0, 1, 112, 256]) {
      const hashes = someLeaves(width)
      equal(encodeTile(hashes).length, 32 * width)
      deepEqual(decodeTile(encodeTile(hashes), width), hashes)
    }
  })

  it('refuses a tile of another width', () => {
    const bytes = encodeTile(someLeaves(3))
    for (const damaged of [bytes.subarray(1), bytes.subarray(32), Uint8Array.of(...bytes, 0)])
      throws(() => decodeTile(damaged, 3), code('TILE_MALFORMED'))
  })
})

describe('entry bundle', () => {
  const anyEntries = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 })

  it('is each entry after its length in two bytes', () => {
    deepEqual(encodeBundle([Uint8Array.of(7), new Uint8Array(0)]), Uint8Array.of(0, 1, 7, 0, 0))
    const long = new Uint8Array(65_535).fill(1)
    deepEqual(decodeBundle(encodeBundle([long]), 1), [long])
    deepEqual(encodeBundle([long]).subarray(0, 2), Uint8Array.of(255, 255))
    for (const length of [255, 256, 257, 511, 512]) {
      const entry = new Uint8Array(length).fill(2)
      deepEqual(encodeBundle([entry]).subarray(0, 2), Uint8Array.of(length >> 8, length & 255))
      deepEqual(decodeBundle(encodeBundle([entry, entry]), 2), [entry, entry])
    }
  })

  it('reads back the entries that it was made of', () => {
    fc.assert(fc.property(anyEntries, entries => deepEqual(decodeBundle(encodeBundle(entries), entries.length), entries)))
  })

  it('refuses an entry that is too long', () => {
    throws(() => encodeBundle([new Uint8Array(65_536)]), code('BUNDLE_MALFORMED'))
  })

  it('refuses a bundle that is cut off or has another width', () => {
    const bytes = encodeBundle([Uint8Array.of(1, 2), Uint8Array.of(3)])
    for (let end = 0; end < bytes.length; end++) throws(() => decodeBundle(bytes.subarray(0, end), 2), code('BUNDLE_MALFORMED'))
    throws(() => decodeBundle(bytes, 1), code('BUNDLE_MALFORMED'))
    throws(() => decodeBundle(bytes, 3), code('BUNDLE_MALFORMED'))
  })

  it('answers any damage with a code or with entries that encode alike', () => {
    fc.assert(
      fc.property(anyEntries, damages, (entries, how) => {
        const bytes = damage(encodeBundle(entries), how)
        const read = parsedOrRefused(() => decodeBundle(bytes, entries.length))
        if (read) deepEqual(encodeBundle(read), bytes)
      }),
      { numRuns: 1000 },
    )
  })
})
