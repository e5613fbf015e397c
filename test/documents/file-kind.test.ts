/** Files are named for what they are. */
import { deepEqual, equal } from 'node:assert/strict'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { toUtf8 } from '../../src/core/bytes.ts'
import { isJsonLines, kindOfHead, kindOfJson } from '../../src/documents/file-kind.ts'

const MARK = '\ufeff'
const utf16 = (text: string, isBigEndian = false) => {
  const bytes = Buffer.from(text, 'utf16le')
  return isBigEndian ? bytes.swap16() : bytes
}
/** The first entry of a ZIP as an archiver writes it. */
const zipOf = (name: string, content = 'x') => {
  const data = deflateRawSync(content)
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50)
  head.writeUInt16LE(8, 8)
  head.writeUInt32LE(data.length, 18)
  head.writeUInt16LE(name.length, 26)
  return Buffer.concat([head, Buffer.from(name), data])
}

describe('documents/file-kind', () => {
  it('recognises archives, spreadsheets and text in other encodings by their first bytes', () => {
    const kinds = (...heads: Uint8Array[]) => heads.map(kindOfHead)
    deepEqual(kinds(gzipSync('x'), zipOf('a.pdf'), Buffer.from('PK\x05\x06'.padEnd(22, '\0'))), ['gzip', 'zip', 'zip'])
    deepEqual(kinds(zipOf('xl/workbook.xml'), Buffer.concat([zipOf('[Content_Types].xml'), zipOf('xl/a.xml')])), [
      'spreadsheet',
      'spreadsheet',
    ])
    const odf = (type: string) => zipOf(`mimetypeapplication/vnd.oasis.opendocument.${type}`)
    deepEqual(kinds(odf('spreadsheet'), odf('text'), zipOf('[Content_Types].xml'), zipOf('word/document.xml')), [
      'spreadsheet',
      undefined,
      undefined,
      undefined,
    ])
    deepEqual(
      kinds(toUtf8(`${MARK}{}`), utf16('{}'), utf16('{}', true), utf16(`${MARK}{}`), utf16(`${MARK}{}`, true)),
      Array(5).fill('encoding'),
    )
  })

  it('does not mistake ordinary files for one of these', () => {
    for (const text of ['', '{', '{"a":1}', '%PDF-1.7', 'Ωδε', 'PK', 'PKZIP', '契約', '"a"'])
      equal(kindOfHead(toUtf8(text)), undefined, text)
    for (const bytes of [
      [0, 1, 0, 0],
      [0x1f, 0x8b, 0],
      [0xff, 0xd8, 0xff, 0xe0],
      [0, 0, 0, 0x18],
      [0x49, 0x49, 0x2a, 0],
    ])
      equal(kindOfHead(new Uint8Array(bytes)), undefined, String(bytes))
  })

  it('recognises the shapes of OCDS data by their members, whatever they begin with', () => {
    const release = { ocid: 'ocds-1', id: '1', date: '2026-01-01T00:00:00Z' }
    equal(kindOfJson({ tag: ['compiled'], ...release }), 'compiled-release')
    equal(
      kindOfJson({ ocid: 'ocds-1', tag: [{ releaseID: '1', releaseDate: 'd', releaseTag: [], value: ['tender'] }] }),
      'versioned-release',
    )
    equal(kindOfJson({ ocid: 'ocds-1', language: [{ releaseID: '1', releaseDate: 'd', value: 'en' }] }), 'versioned-release')
    equal(kindOfJson({ version: '0.9', projects: [] }), 'oc4ids')
    equal(kindOfJson({ id: 'oc4ids-abc-1', title: 'Bridge' }), 'oc4ids')
    equal(kindOfJson([release]), 'json-list')
    for (const plain of [
      release,
      { ...release, tag: ['tender'] },
      { releases: [{ tag: ['compiled'] }] },
      { records: [] },
      {},
      'oc4ids-1',
      7,
    ])
      equal(kindOfJson(plain), undefined)
  })

  it('distinguishes JSON lines from one JSON text, however it is laid out', () => {
    for (const text of ['{"a":1}\n{"b":2}\n', '\n [1]\r\n\r\n[2]', '{"a":1}\n{"b"']) equal(isJsonLines(text), true, text)
    for (const text of ['{"a":1}\n', '{"a":1}', '{\n{', '{"a":\n{"b":2}}', '[\n[1],\n[2]]', 'x\n{}', '1\n2', ''])
      equal(isJsonLines(text), false, text)
  })
})
