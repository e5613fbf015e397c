/** Cutting releases out of a file: every chunk boundary, every way a file can be damaged. */
import assert from 'node:assert/strict'
import { OcdsError } from '../../../src/documents/ocds/error.ts'
import { MAX_RELEASE_BYTES } from '../../../src/documents/ocds/outline.ts'
import { createScanner, type FoundRelease } from '../../../src/documents/ocds/scan.ts'
import type { Envelope } from '../../../src/documents/ocds/tally.ts'

function scan(bytes: Uint8Array, chunkBytes = bytes.length || 1): { releases: string[]; envelope: Envelope } {
  const releases: string[] = []
  const scanner = createScanner(release => releases.push(Buffer.from(release.bytes!).toString()))
  for (let at = 0; at < bytes.length; at += chunkBytes) scanner.push(bytes.subarray(at, at + chunkBytes))
  return { envelope: scanner.end(), releases }
}

const text = (value: string) => Buffer.from(value)

function codeOf(bytes: Uint8Array, chunkBytes?: number): string | undefined {
  try {
    scan(bytes, chunkBytes)
    return undefined
  } catch (error) {
    assert.ok(error instanceof OcdsError, String(error))
    return error.code
  }
}

const PACKAGE = text(
  '{ "uri": "https://x.example/\\"p\\u00fc\\"", "publisher": {"releases": [{"no": 1}], "a": "]}"},\r\n "rele\\u0061ses": [ {"ocid":"A","t":"}]\\\\"} ,\n{"id":"ü","n":[{},[]]} ], "version":"1.1" }\n',
)
const RELEASES = ['{"ocid":"A","t":"}]\\\\"}', '{"id":"ü","n":[{},[]]}']

describe('scan of an OCDS file', () => {
  it('hands out each release unchanged, wherever the chunks are cut', () => {
    for (let chunkBytes = 1; chunkBytes <= PACKAGE.length; chunkBytes++) {
      const { releases, envelope } = scan(PACKAGE, chunkBytes)
      assert.deepEqual(releases, RELEASES, `chunks of ${chunkBytes}`)
      assert.equal(envelope.shape, 'release-package')
      assert.equal(envelope.members.uri, 'https://x.example/"pü"')
    }
  })

  it('finds the releases and the summaries embedded in the records of a record package, and in nothing else', () => {
    const { releases, envelope } = scan(
      text(
        '{"uri":"u","records":[{"ocid":"A","compiledRelease":{"releases":[{"x":1}]},"releases":[{"id":"1"},{"id":"2"}]},{"releases":[]},{"ocid":"B"}]}',
      ),
    )
    assert.deepEqual(releases, ['{"releases":[{"x":1}]}', '{"id":"1"}', '{"id":"2"}'])
    assert.equal(envelope.shape, 'record-package')
  })

  it('takes no member for a summary because every object has its name', () => {
    const { releases } = scan(
      text('{"records":[{"ocid":"A","constructor":{"id":"x"},"toString":{"id":"y"},"__proto__":{"id":"z"},"releases":[{"id":"1"}]}]}'),
    )
    assert.deepEqual(releases, ['{"id":"1"}'])
  })

  it('finds them if they come first in a record', () => {
    const { releases } = scan(text('{"records":[{"releases":[{"id":"1"}]},{"ocid":"A","releases":[{"id":"2"}]}]}'))
    assert.deepEqual(releases, ['{"id":"1"}', '{"id":"2"}'])
  })

  it('hands out a release that is too large without its bytes, and those after it whole', () => {
    const found: FoundRelease[] = []
    const scanner = createScanner(release => found.push(release))
    scanner.push(text('{"releases":[{"id":"'))
    const filler = new Uint8Array(1024 * 1024).fill(0x78)
    for (let read = 0; read <= MAX_RELEASE_BYTES; read += filler.length) scanner.push(filler)
    scanner.push(text('"},{"id":"2"}]}'))
    scanner.end()
    assert.deepEqual(found, [{ position: 1 }, { position: 2, bytes: Uint8Array.from(text('{"id":"2"}')) }])
  })

  it('refuses more than 16 MiB around the releases', () => {
    const scanner = createScanner(() => {})
    scanner.push(text('{"uri":"'))
    const filler = new Uint8Array(1024 * 1024).fill(0x78)
    assert.throws(
      () => {
        for (let read = 0; read <= 16; read++) scanner.push(filler)
      },
      { code: 'OCDS_TOO_LARGE' },
    )
  })

  it('knows a bare release by its ocid', () => {
    const release = '{"ocid":"A","id":"1","tender":{"id":1}}'
    const { releases, envelope } = scan(text(`\n ${release}\n`))
    assert.deepEqual([releases, envelope.shape], [[release], 'bare-release'])
  })

  it('finds the projects of OC4IDS, in a package and alone, and none in a record or a release', () => {
    const found: FoundRelease[] = []
    const scanner = createScanner(release => found.push(release))
    const projects = ['{"id":"oc4ids-1","projects":[{"id":"x"}]}', '{"id":"oc4ids-2"}']
    scanner.push(text(`{"uri":"u","projects":[${projects},[]]} {"id":"oc4ids-3","tender":{"projects":[1]}}{"ocid":"A","id":"oc4ids-4"}`))
    const { shape, strangers } = scanner.end()
    assert.deepEqual([shape, strangers], ['json-lines', 1])
    assert.deepEqual(
      found.map(({ bytes, isProject }) => [Buffer.from(bytes!).toString(), isProject]),
      [
        ...projects.map(project => [project, true]),
        ['{"id":"oc4ids-3","tender":{"projects":[1]}}', true],
        ['{"ocid":"A","id":"oc4ids-4"}', undefined],
      ],
    )
  })

  it('takes lines and lists of releases, records and packages, wherever the chunks are cut', () => {
    const parts = [
      '{"ocid":"A","t":"}\\"{"}',
      '{"uri":"u","releases":[{"id":"1"}]}',
      '{"ocid":"B","releases":[{"id":"2"}],"compiledRelease":{"ocid":"B"}}',
      '{"records":[{"ocid":"C","versionedRelease":{"ocid":"C"}}]}',
      '{"other":[{"ocid":"D"}]}',
    ]
    const expected = [parts[0], '{"id":"1"}', '{"id":"2"}', '{"ocid":"B"}', '{"ocid":"C"}']
    for (const [shape, file] of [
      ['json-lines', text(`${parts.join('\n')}\n`)],
      ['json-lines', text(parts.join(''))],
      ['json-list', text(` [${parts.join(' ,\n')}]`)],
    ] as const)
      for (let chunkBytes = 1; chunkBytes <= file.length; chunkBytes++) {
        const { releases, envelope } = scan(file, chunkBytes)
        assert.deepEqual([releases, envelope], [expected, { shape, members: {}, strangers: 1 }], `${shape} ${chunkBytes}`)
      }
  })

  it('distinguishes compiled and versioned summaries of a record', () => {
    const found: (string | undefined)[] = []
    const scanner = createScanner(({ summary }) => found.push(summary))
    scanner.push(text('{"records":[{"versionedRelease":{},"releases":[{}],"compiledRelease":{}}]}'))
    scanner.end()
    assert.deepEqual(found, ['versioned', undefined, 'compiled'])
  })

  it('is not led astray by escapes, brackets and quotes in strings, nor by white space before the file', () => {
    const releases = ['{"t":"a\\"}]{[","u":"\\\\"}', '{"id":"\\\\\\"]"}']
    const file = text(`\t\r\n {\t"note":"\\"}]{[\\\\","releases":[${releases.join()}],"end":"\\\\"}`)
    for (const chunkBytes of [1, 2, file.length]) assert.deepEqual(scan(file, chunkBytes).releases, releases)
  })

  it('does not count a list among the records as a record', () => {
    const { releases } = scan(text('{"records":[[{"releases":[{"id":"1"}]}],{"ocid":"A","releases":[{"id":"2"}]}]}'))
    assert.deepEqual(releases, ['{"id":"2"}'])
  })

  it('counts elements that are not objects, null included', () => {
    assert.equal(scan(text('{"releases":[{"id":"1"},null,"x",7,0,[{"id":"2"}]]}')).envelope.strangers, 5)
    assert.equal(scan(text('{"records":[{"ocid":"A","releases":[0,{}]},0,[],"x"]}')).envelope.strangers, 4)
    assert.equal(scan(text('{"ocid":"A","other":[0,1],"releases":[{},{}]}')).envelope.strangers, 0)
  })

  it('calls a file that is cut off anywhere truncated', () => {
    const whole = text('{"uri":"u","releases":[{"ocid":"A","t":"ü\\u00fc"},{}],"version":"1.1"}')
    const records = text('{"uri":"u","records":[{"ocid":"A","releases":[{}]},{"ocid":"B"}]}')
    for (const file of [whole, records])
      for (let end = 0; end < file.length; end++) assert.equal(codeOf(file.subarray(0, end)), 'OCDS_TRUNCATED', `after ${end}`)
  })

  it('refuses what is not UTF-8, in whatever chunks it comes', () => {
    const latin1 = Buffer.from('{"uri":"u","releases":[{"title":"señal"}]}', 'latin1')
    for (let chunkBytes = 1; chunkBytes <= latin1.length; chunkBytes++) assert.equal(codeOf(latin1, chunkBytes), 'OCDS_NOT_UTF8')
    assert.equal(codeOf(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), PACKAGE]), 1), 'OCDS_NOT_UTF8')
    assert.equal(codeOf(Buffer.from('{"ocid":"A"}', 'utf16le')), 'OCDS_MALFORMED')
  })

  it('refuses a key given twice around the releases, spelt with an escape too', () => {
    assert.equal(codeOf(text('{"uri":"a","releases":[],"uri":"b"}')), 'OCDS_DUPLICATE_KEY')
    assert.equal(codeOf(text('{"releases":[{}],"rele\\u0061ses":[{}]}')), 'OCDS_DUPLICATE_KEY')
    assert.equal(codeOf(text('{"records":[{"ocid":"A","releases":[],"ocid":"B"}]}')), 'OCDS_DUPLICATE_KEY')
  })

  it('refuses what is not JSON, or not OCDS, by its own code', () => {
    for (const bad of [
      'x',
      '"x"',
      '{"releases":[{}]} x',
      '{"releases":[{}]} [{"ocid":"A"}]',
      '[{"ocid":"A"}] {"ocid":"B"}',
      '[{"ocid":"A"} {"ocid":"B"}]',
      '[{"ocid":"A"}}',
      '{"releases":[{} {}]}',
      '{"releases":[{}}',
      '{"uri" "u","releases":[]}',
      '{"releases":[{}],}',
      '{"a":1 2,"releases":[]}',
    ]) {
      assert.equal(codeOf(text(bad)), 'OCDS_MALFORMED', bad)
    }
    for (const other of [
      '[]',
      '[1]',
      '[{"id":"A"}]',
      '{"id":"A"}\n{"id":"B"}',
      '{}',
      '{"uri":"u","release":[]}',
      '{"releases":{"id":1}}',
      '{"records":{}}',
    ])
      assert.equal(codeOf(text(other)), 'OCDS_SHAPE', other)
  })
})
