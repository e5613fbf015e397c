/**
 * From an OCDS file to statements: what each release says, what is left out and why, in bounded
 * memory.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { normaliseDate } from '../../src/cli/ocds/date.ts'
import { readPackage } from '../../src/cli/ocds/package.ts'
import { canonicalJson, parseJson } from '../../src/core/json.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { OcdsError } from '../../src/documents/ocds/error.ts'

const AGENCY = 'transport.gov.example'
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'openseal-test-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

async function read(content: string | Uint8Array, name = 'package.json') {
  const path = join(folder, name)
  writeFileSync(path, content)
  const spool = join(folder, 'spool.ndjson')
  const report = await readPackage(path, AGENCY, spool, () => {})
  const lines = readFileSync(spool, 'utf8').trimEnd().split('\n')
  return { report, path, statements: lines.map(line => JSON.parse(line) as Statement) }
}

describe('an OCDS file as statements', () => {
  it('makes one statement a release and one of the file', async () => {
    const release =
      '{"id":"r 1","ocid":"OCDS-x-É/1","date":"2026-01-31T23:30:00-01:30","tender":{"title":" A\\nbridge "},"language":"en","n":1.50,"gone":null}'
    const content = `{"uri":"https://x.example/p","publishedDate":"2026-02-02","releases":[${release}]}`
    const { statements, report } = await read(content)
    const canonical = canonicalJson(parseJson(release, { allowNull: true }))
    const hash = sha256(canonical)
    const common = { type: 'openseal/statement@v1', agency: AGENCY, kind: 'procurement', action: 'publish' }
    assert.deepEqual(statements, [
      {
        ...common,
        record: 'OCDS-x-É/1',
        revision: 'r 1',
        identifiers: [{ scheme: 'ocid', value: 'OCDS-x-É/1' }],
        title: 'A bridge',
        language: 'en',
        published: '2026-02-01T01:00:00Z',
        documents: [{ name: 'release.json', mediaType: 'application/json', bytes: Buffer.byteLength(canonical), sha256: hash, jcs: hash }],
      },
      {
        ...common,
        record: `urn:sha256:${sha256(content)}`,
        identifiers: [{ scheme: 'local', value: 'https://x.example/p' }],
        documents: [{ name: 'package.json', mediaType: 'application/json', bytes: Buffer.byteLength(content), sha256: sha256(content) }],
      },
    ])
    assert.deepEqual(report.refused, [])
  })

  it('reports a release that the strict reader refuses and still states the rest', async () => {
    const good = '{"ocid":"A","id":1,"date":"2026-01-01"}'
    const bad = [
      ['{"ocid":"A","id":"2","id":"3","date":"2026-01-01"}', 'JSON_DUPLICATE_KEY'],
      ['{"ocid":"A","id":"2","date":"2026-01-01","t":"\\ud800"}', 'JSON_SURROGATE'],
      ['{"ocid":"A","id":"2","date":"2026-01-01","n":0.10000000000000000001}', 'JSON_NUMBER'],
      ['{"ocid":"A","id":"placeholder:","date":"2026-01-01"}', 'OCDS_RELEASE'],
      ['{"ocid":"placeholder:","id":"2","date":"2026-01-01"}', 'OCDS_RELEASE'],
      ['{"ocid":"A ","id":"2","date":"2026-01-01"}', 'STATEMENT_MALFORMED'],
      ['{"ocid":"A","date":"2026-01-01"}', 'OCDS_RELEASE'],
      ['{"id":"2","date":"2026-01-01"}', 'OCDS_RELEASE'],
      [`{"ocid":"${'x'.repeat(513)}","id":"2","date":"2026-01-01"}`, 'STATEMENT_MALFORMED'],
      ['{"ocid" "A"}', 'JSON_MALFORMED'],
    ] as const
    const content = `{"uri":"u","releases":[${[...bad.map(([text]) => text), good].join(',')}]}`
    const { report, statements } = await read(content)
    assert.deepEqual(
      report.refused.map(({ position, code }) => [position, code]),
      bad.map(([, code], at) => [at + 1, code]),
    )
    assert.deepEqual(
      statements.map(({ record, revision, published }) => [record, revision, published]),
      [
        ['A', '1', '2026-01-01T00:00:00Z'],
        [`urn:sha256:${sha256(content)}`, undefined, undefined],
      ],
    )
  })

  it('counts releases that are only linked to', async () => {
    const { report, statements } = await read(
      '{"uri":"u","publishedDate":"2026-01-01T00:00:00Z","records":[{"ocid":"A","releases":[{"url":"https://x.example/1","date":"2026-01-01T00:00:00Z"}]}]}',
    )
    assert.deepEqual([report.linked, statements.length], [1, 1])
  })

  it('states a bare release twice: by its content, and the file by its bytes', async () => {
    const content = '{ "ocid": "A", "id": "1", "date": "2026-01-01T00:00:00Z" }'
    const { statements } = await read(content)
    const jcs = sha256('{"date":"2026-01-01T00:00:00Z","id":"1","ocid":"A"}')
    assert.deepEqual(
      statements.map(({ record, documents }) => [record, documents[0]!.sha256, documents[0]!.jcs]),
      [
        ['A', jcs, jcs],
        [`urn:sha256:${sha256(content)}`, sha256(content), jcs],
      ],
    )
  })

  it('makes the same statements of the same file each time', async () => {
    const content = '{"uri":"u","releases":[{"ocid":"A","id":"1","date":"2026-01-01"}]}'
    assert.deepEqual((await read(content)).statements, (await read(content)).statements)
  })

  it('states only the date of the release itself, and none that only a tool wrote', async () => {
    const dates = ['2026-01-01', '9999-12-31T23:59:59Z', '1969-12-31T23:59:59Z', '0001-01-01', 'soon', undefined, '1970-01-01']
    const releases = dates.map((date, at) => JSON.stringify({ ocid: 'A', id: String(at), date }))
    const { statements } = await read(`{"uri":"u","publishedDate":"2026-02-02T00:00:00Z","releases":[${releases.join(',')}]}`)
    const none = undefined
    assert.deepEqual(
      statements.map(({ published }) => published),
      ['2026-01-01T00:00:00Z', none, none, none, none, none, '1970-01-01T00:00:00Z', none],
    )
  })

  it('gives two pages of one answer records of their own, and keeps no placeholder', async () => {
    const page = (n: number, uri = 'https://x.example/api') =>
      `{"uri":"${uri}","publishedDate":"2026-02-02T00:00:00Z","releases":[{"ocid":"A-${n}","id":"${n}"}]}`
    const [first, second, third] = [await read(page(1), 'p1.json'), await read(page(2), 'p2.json'), await read(page(3, 'placeholder:'))]
    const records = [first, second, third].map(({ statements }) => statements.at(-1)!.record)
    assert.equal(new Set(records).size, 3)
    assert.deepEqual(
      [first, second, third].map(({ statements }) => statements.at(-1)!.identifiers?.[0]?.value),
      ['https://x.example/api', 'https://x.example/api', undefined],
    )
  })

  it('gives a compiled or versioned release a revision of its own, so that no release is compared with it', async () => {
    const release = '{"ocid":"A","id":"1","date":"2026-01-01","tag":["tender"]}'
    const compiled = '{"ocid":"A","id":"1","date":"2026-01-01","tag":["compiled"]}'
    const versioned = '{"ocid":"A","tag":[{"releaseID":"1","releaseDate":"2026-01-01","releaseTag":["tender"],"value":["tender"]}]}'
    const { statements, report } = await read(`{"uri":"u","releases":[${release},${compiled},${versioned}]}`)
    const digests = statements.map(({ documents }) => documents[0]!.sha256)
    assert.deepEqual(
      statements.map(({ revision }) => revision),
      ['1', `compiled:${digests[1]}`, `versioned:${digests[2]}`, undefined],
    )
    assert.deepEqual([report.refused, report.edits], [[], []])
  })

  it('says of the compiled releases in a record package that only the whole file covers them', async () => {
    const record = '{"ocid":"A","compiledRelease":{"ocid":"A"},"versionedRelease":{},"releases":[{"url":"https://x.example/1"}]}'
    const { report } = await read(`{"uri":"u","records":[${record},{"ocid":"B","releases":[]}]}`)
    assert.deepEqual([report.summaries, report.linked, report.labels.length], [2, 1, 1])
  })

  it('notices a release that contradicts an earlier one of the same file', async () => {
    const releases = ['{"ocid":"A","id":"1"}', '{"ocid":"A","id":"2"}', '{"ocid":"A","id":"1","x":1}', '{"id":"1","ocid":"A"}']
    assert.deepEqual((await read(`{"uri":"u","releases":[${releases.join(',')}]}`)).report.edits, [3])
  })

  it('names the kind of a file that is not OCDS', async () => {
    const line = '{"ocid":"A","id":"1"}\n'
    const cases: [string | Uint8Array, string, RegExp][] = [
      ['', 'OCDS_EMPTY', /is empty/],
      [gzipSync(line), 'OCDS_KIND', /gzip archive/],
      [Buffer.from('504b030414000000', 'hex'), 'OCDS_KIND', /ZIP archive/],
      [Buffer.concat([Buffer.from('504b030414000000', 'hex'), Buffer.from('xl/workbook.xml')]), 'OCDS_KIND', /spreadsheet/],
      [line + line, 'OCDS_KIND', /JSON lines/],
      [`[${line}]`, 'OCDS_KIND', /JSON list/],
      ['{"projects":[]}', 'OCDS_KIND', /OC4IDS/],
      [Buffer.from(`\ufeff${line}`), 'OCDS_KIND', /byte order mark/],
      [Buffer.from(line, 'utf16le'), 'OCDS_KIND', /UTF-16/],
      ['Éléments', 'OCDS_MALFORMED', /no object at byte 0/],
      ['{"a":1}', 'OCDS_SHAPE', /not a release package/],
      ['{"uri":"u","releases":[', 'OCDS_TRUNCATED', /ends in the middle/],
    ]
    for (const [content, code, message] of cases)
      await assert.rejects(read(content), error => error instanceof OcdsError && error.code === code && message.test(error.message), code)
  })

  it('converts dates with offsets to UTC, and refuses texts that are not dates', () => {
    const cases = [
      ['2026-01-31', '2026-01-31T00:00:00Z'],
      ['2016-11-04T21:55:56.042551+02:00', '2016-11-04T19:55:56Z'],
      ['2026-12-31T23:00:00-0400', '2027-01-01T03:00:00Z'],
      ['2024-02-29T10:00Z', '2024-02-29T10:00:00Z'],
      ['2026-01-01 10:00:00', '2026-01-01T10:00:00Z'],
      ['2026-02-30', undefined],
      ['2026-01-01T25:00:00Z', undefined],
      ['2026-01-01T10:00:00+99:00', undefined],
      ['0000-01-01T00:00:00+14:00', undefined],
      ['31/01/2026', undefined],
      ['', undefined],
    ] as const
    for (const [text, expected] of cases) assert.equal(normaliseDate(text), expected, text)
  })

  it('notices a file that grew or was replaced while it was read', async () => {
    const path = join(folder, 'changing.json')
    const content = '{"uri":"u","releases":[{"ocid":"A","id":"1","date":"2026-01-01"}]}'
    for (const other of [`${content} `, content.replace('"1"', '"2"')]) {
      writeFileSync(path, content)
      const change = (done: number) => {
        if (done === 0) return
        writeFileSync(`${path}.new`, other)
        renameSync(`${path}.new`, path)
      }
      const reading = readPackage(path, AGENCY, join(folder, 'spool.ndjson'), change)
      await assert.rejects(reading, { code: 'FILE_CHANGED' })
    }
  })

  it('reads a package of 500 MB in bounded memory', async function () {
    this.timeout(120_000)
    const path = join(folder, 'large.json')
    const file = openSync(path, 'w')
    const filler = JSON.stringify({ description: 'x'.repeat(525_000), quantity: 1 })
    writeSync(file, '{"uri":"u","publishedDate":"2026-01-01T00:00:00Z","releases":[')
    const releases = 1000
    for (let id = 0; id < releases; id++) {
      writeSync(
        file,
        `${id === 0 ? '' : ','}{"ocid":"ocds-example-${id}","id":"release-example-${id}","date":"2026-01-01T00:00:00Z","tender":${filler}}\n`,
      )
    }
    writeSync(file, ']}')
    closeSync(file)
    const program = `
      import { readPackage } from ${JSON.stringify(new URL('../../src/cli/ocds/package.ts', import.meta.url).href)}
      const report = await readPackage(process.argv[1], 'a.example', process.argv[1] + '.spool', () => {})
      process.stdout.write(JSON.stringify({ lines: report.labels.length, maxRssMb: process.resourceUsage().maxRSS / 1024 }))`
    const args = ['--max-old-space-size=100', '--input-type=module', '-e', program, path]
    const { lines, maxRssMb } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
    assert.ok(statSync(path).size > 500 * 1024 * 1024)
    assert.equal(lines, releases + 1)
    assert.ok(maxRssMb < 300, `${maxRssMb} MB`)
  })
})
