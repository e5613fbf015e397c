/** Manifests as spreadsheet programs write them, and what is wrong with them. */
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { OpenSealError } from '../../src/core/errors.ts'
import { readManifest } from '../../src/documents/manifest.ts'

const read = (text: string | Uint8Array) => readManifest(typeof text === 'string' ? new TextEncoder().encode(text) : text)
const codes = (text: string) => read(text).map(row => ('code' in row ? row.code : row.file))

describe('documents/manifest', () => {
  it('reads a row for each file, by the names of its columns', () => {
    deepEqual(
      read(
        'file,record,kind,identifiers,reason,reasonText,sha256,state\r\n"a, b.pdf",2026/1,decision,ecli=ECLI:X|ojs=2026/S 1-2,correction,"a ""typo""\nin it",AB,sealed\r\n\r\nc.pdf,,,,,,,\r\n',
      ),
      [
        {
          row: 2,
          file: 'a, b.pdf',
          members: {
            kind: 'decision',
            record: '2026/1',
            identifiers: [
              { scheme: 'ecli', value: 'ECLI:X' },
              { scheme: 'ojs', value: '2026/S 1-2' },
            ],
            reason: { code: 'correction', text: 'a "typo"\nin it' },
          },
          sha256: 'ab',
        },
        { row: 4, file: 'c.pdf', members: {} },
      ],
    )
  })

  it('reads semicolons, tabs, byte order marks and UTF-16', () => {
    const expected = [{ row: 2, file: 'é.pdf', members: { record: 'a,b' } }]
    for (const text of ['file;record\né.pdf;a,b\n', 'file\trecord\né.pdf\ta,b\n', '\ufefffile,record\né.pdf,"a,b"\n']) {
      deepEqual(read(text), expected)
      deepEqual(read(Buffer.from(`\ufeff${text}`, 'utf16le')), expected)
    }
  })

  it('reports a bad row in its place, and reads the others', () => {
    deepEqual(codes('file,record,identifiers\na,1,\nb,2\nc,3,x\n,4,\na,5,\nd,6,'), [
      'a',
      'MANIFEST_ROW',
      'MANIFEST_ROW',
      'MANIFEST_ROW',
      'MANIFEST_FILE_TWICE',
      'd',
    ])
  })

  it('refuses a header that would lose its column, and texts that are not CSV', () => {
    for (const [text, code] of [
      ['', 'MANIFEST_HEADER'],
      ['record,file\n', 'MANIFEST_HEADER'],
      ['file,revison\n', 'MANIFEST_HEADER'],
      ['file,record,record\n', 'MANIFEST_HEADER'],
      ['file,__proto__\n', 'MANIFEST_HEADER'],
      ['file,record\n"a', 'MANIFEST_MALFORMED'],
      ['file,record\na"b,c\n', 'MANIFEST_MALFORMED'],
      [`file,record\na,${'x'.repeat(70_000)}\n`, 'MANIFEST_MALFORMED'],
      [`file\n${'a\n'.repeat(100_001)}`, 'MANIFEST_TOO_LARGE'],
    ] as const)
      throws(() => read(text), { code }, text.slice(0, 40))
    throws(() => read(Buffer.from('file,title\na,é\n', 'latin1')), { code: 'TEXT_NOT_UTF8' })
  })

  it('keeps no more rows in memory than a manifest may have', () => {
    const before = process.memoryUsage().rss
    throws(() => read(`file\n${'\n'.repeat(8_000_000)}`), { code: 'MANIFEST_TOO_LARGE' })
    ok(process.memoryUsage().rss - before < 800 * 1024 * 1024)
  })

  it('ends in rows or in one of our codes, whatever bytes are changed', () => {
    const text = new TextEncoder().encode('file,record,title\n"a, b.pdf",1,"T ""x"""\nc.pdf,2,\n')
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), (at, byte) => {
        const damaged = text.slice()
        damaged[at] = byte
        try {
          for (const row of read(damaged)) equal(typeof row.file, 'string')
        } catch (error) {
          equal(error instanceof OpenSealError, true, String(error))
        }
      }),
      { numRuns: 1000 },
    )
  })
})
