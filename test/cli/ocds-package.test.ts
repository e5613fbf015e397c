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
import { TextReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import { readPackage } from '../../src/cli/ocds/package.ts'
import { canonicalJson, parseJson } from '../../src/core/json.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { OcdsError } from '../../src/documents/ocds/error.ts'
import { readDocument } from '../../src/documents/read-document.ts'

const AGENCY = 'transport.gov.example'
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'openseal-test-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

async function zipOf(files: { readonly [name: string]: string }): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false })
  for (const [name, text] of Object.entries(files)) await writer.add(name, new TextReader(text))
  return writer.close()
}

async function read(content: string | Uint8Array, name = 'package.json') {
  const path = join(folder, name)
  writeFileSync(path, content)
  const spool = join(folder, 'spool.ndjson')
  const report = await readPackage(path, AGENCY, spool, () => {})
  const lines = readFileSync(spool, 'utf8').trimEnd().split('\n')
  return { report, path, statements: lines.map(line => JSON.parse(line) as Statement) }
}

/**
 * The peak of a process's own memory, in KB. What `resourceUsage` answers begins with the memory of
 * the process that started it.
 */
const PEAK_KB = String.raw`Number(/VmHWM:\s*(\d+)/.exec((await import('node:fs')).readFileSync('/proc/self/status', 'latin1'))[1])`

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
        identifiers: [
          { scheme: 'local', value: 'https://x.example/p' },
          { scheme: 'ocid', value: 'OCDS-x-É/1' },
        ],
        documents: [{ name: 'package.json', mediaType: 'application/json', bytes: Buffer.byteLength(content), sha256: sha256(content) }],
      },
    ])
    assert.deepEqual(report.refused, [])
  })

  it('reports a release that the strict reader refuses and still states the rest', async () => {
    const good = '{"ocid":"A","id":1,"date":"2026-01-01T00:00:00Z"}'
    const bad = [
      ['{"ocid":"A","id":"2","id":"3","date":"2026-01-01T00:00:00Z"}', 'JSON_DUPLICATE_KEY'],
      ['{"ocid":"A","id":"2","date":"2026-01-01","t":"\\ud800"}', 'JSON_SURROGATE'],
      ['{"ocid":"A","id":"2","date":"2026-01-01","n":0.10000000000000000001}', 'JSON_NUMBER'],
      ['{"ocid":"A","id":"placeholder:","date":"2026-01-01T00:00:00Z"}', 'OCDS_RELEASE'],
      ['{"ocid":"placeholder:","id":"2","date":"2026-01-01T00:00:00Z"}', 'OCDS_RELEASE'],
      ['{"ocid":"A ","id":"2","date":"2026-01-01T00:00:00Z"}', 'STATEMENT_MALFORMED'],
      ['{"ocid":"A","date":"2026-01-01T00:00:00Z"}', 'OCDS_RELEASE'],
      ['{"id":"2","date":"2026-01-01T00:00:00Z"}', 'OCDS_RELEASE'],
      [`{"ocid":"${'x'.repeat(513)}","id":"2","date":"2026-01-01T00:00:00Z"}`, 'STATEMENT_MALFORMED'],
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
    const content = '{"uri":"u","releases":[{"ocid":"A","id":"1","date":"2026-01-01T00:00:00Z"}]}'
    assert.deepEqual((await read(content)).statements, (await read(content)).statements)
  })

  it('states only the date of the release itself, and none that only a tool wrote', async () => {
    const dates = [
      '2026-01-01T00:00Z',
      '9999-12-31T23:59:59Z',
      '1969-12-31T23:59:59Z',
      '2026-01-01',
      'soon',
      undefined,
      '1970-01-01T00:00:00Z',
    ]
    const releases = dates.map((date, at) => JSON.stringify({ ocid: 'A', id: String(at), date }))
    const { report, statements } = await read(`{"uri":"u","publishedDate":"2026-02-02T00:00:00Z","releases":[${releases.join(',')}]}`)
    const none = undefined
    assert.deepEqual(report.undated, { count: 4, first: '9999-12-31T23:59:59Z' })
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
      [first, second, third].map(({ statements }) => statements.at(-1)!.identifiers?.find(({ scheme }) => scheme === 'local')?.value),
      ['https://x.example/api', 'https://x.example/api', undefined],
    )
  })

  it('names in the statement of the file every procedure of its releases once, or none if they are many', async () => {
    const named = async (count: number) => {
      const releases = Array.from({ length: count }, (_, n) => [`{"ocid":"N-${n}","id":"1"}`, `{"ocid":"N-${n}","id":"2"}`]).flat()
      const { statements } = await read(`{"releases":[${releases}]}`)
      return statements.at(-1)!.identifiers
    }
    assert.deepEqual(await named(2), [
      { scheme: 'ocid', value: 'N-0' },
      { scheme: 'ocid', value: 'N-1' },
    ])
    assert.equal((await named(64))?.length, 64)
    assert.equal(await named(65), undefined)
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

  it('states the compiled releases of a record package as it states them alone, and refuses one without an ocid', async () => {
    const compiled = '{"ocid":"A","id":"1","tag":["compiled"]}'
    const record = `{"ocid":"A","compiledRelease":${compiled},"versionedRelease":{},"releases":[{"url":"https://x.example/1"}]}`
    const { report, statements } = await read(`{"uri":"u","records":[${record},{"ocid":"B","releases":[]}]}`)
    const alone = await read(compiled)
    assert.deepEqual([statements[0], statements.length], [alone.statements[0], 2])
    assert.match(statements[0]!.revision!, /^compiled:/)
    assert.deepEqual([report.linked, report.refused.map(({ position, code }) => [position, code])], [1, [[2, 'OCDS_RELEASE']]])
  })

  it('makes the same statements of lines and lists as of single files', async () => {
    const releases = ['{"ocid":"A","id":"1"}', '{"ocid":"B","id":"1","x":[{}]}']
    const alone = [(await read(releases[0]!)).statements[0], (await read(releases[1]!)).statements[0]]
    for (const content of [`${releases.join('\n')}\n`, `[${releases.join()}]`]) {
      const { statements } = await read(content)
      assert.deepEqual(statements.slice(0, 2), alone)
      assert.deepEqual(
        statements.slice(2).map(({ record }) => record),
        [`urn:sha256:${sha256(content)}`],
      )
    }
  })

  it('states a packed file and the file in it, each as it would alone', async () => {
    const content = '{"uri":"u","releases":[{"ocid":"A","id":"1"}]}'
    const plain = await read(content, 'a.json')
    const gz = gzipSync(content)
    const packed = await read(gz, 'a.json.gz')
    assert.deepEqual(packed.statements.slice(0, 2), plain.statements)
    assert.deepEqual(
      [packed.statements[2]!.record, packed.statements[2]!.documents],
      [`urn:sha256:${sha256(gz)}`, [{ name: 'a.json.gz', mediaType: 'application/gzip', bytes: gz.length, sha256: sha256(gz) }]],
    )
    assert.deepEqual([packed.report.shape, packed.report.files], ['release-package', 2])
  })

  it('reads a ZIP archive file by file: a bad one stops none of the others', async () => {
    const zip = await zipOf({
      'a/a.json': '{"ocid":"A","id":"1"}',
      'b.json': '{"releases":[',
      'c.jsonl': '{"ocid":"C","id":"1"}',
      'README.md': 'x',
    })
    const { report, statements } = await read(zip, 'all.zip')
    assert.deepEqual(
      statements.map(({ record, documents }) => [record.slice(0, 11), documents[0]!.name]),
      [
        ['A', 'release.json'],
        ['urn:sha256:', 'a.json'],
        ['C', 'release.json'],
        ['urn:sha256:', 'c.jsonl'],
        ['urn:sha256:', 'all.zip'],
      ],
    )
    assert.deepEqual(
      report.refused.map(({ file, code }) => [file, code]),
      [['b.json', 'OCDS_TRUNCATED']],
    )
    assert.deepEqual([report.shape, report.others], ['zip', 1])
  })

  it('refuses archives that are damaged, or unpack to far more than they hold', async () => {
    const spaces = `{"releases":[${' '.repeat(8 * 1024 * 1024)}]}`
    const packed = gzipSync(`{"uri":"u","releases":[${Array.from({ length: 999 }, (_, id) => `{"ocid":"A","id":"${id}"}`)}]}`)
    const cases: [Uint8Array, string, string][] = [
      [gzipSync(spaces), 'a.gz', 'ARCHIVE_BOMB'],
      [packed.subarray(0, -20), 'a.gz', 'ARCHIVE_DAMAGED'],
      [Buffer.concat([packed.subarray(0, 60), Buffer.alloc(9), packed.subarray(60)]), 'a.gz', 'ARCHIVE_DAMAGED'],
      [await zipOf({ 'a.json': spaces }), 'a.zip', 'ZIP_TOO_LARGE'],
      [(await zipOf({ 'a.json': '{}' })).subarray(0, -9), 'a.zip', 'ZIP_REFUSED'],
    ]
    for (const [bytes, name, code] of cases) await assert.rejects(read(bytes, name), { code }, `${name} ${code}`)
  })

  it('notices a release that contradicts an earlier one of the same file', async () => {
    const releases = ['{"ocid":"A","id":"1"}', '{"ocid":"A","id":"2"}', '{"ocid":"A","id":"1","x":1}', '{"id":"1","ocid":"A"}']
    assert.deepEqual((await read(`{"uri":"u","releases":[${releases.join(',')}]}`)).report.edits, [3])
  })

  it('makes one statement a project of OC4IDS, as of a file with this project alone, and one of the file', async () => {
    const projects = [
      '{"id":"oc4ids-x-1","updated":"2026-01-02T00:00:00Z","title":"A road","language":"en"}',
      '{ "title": "A bridge", "id": "oc4ids-x-2" }',
    ]
    for (const [content, shape] of [
      [`{"uri":"https://x.example/p","projects":[${projects.join()}]}`, 'project-package'],
      [`[${projects.join()}]`, 'json-list'],
      [projects.join('\n'), 'json-lines'],
    ] as const) {
      const { report, statements } = await read(content)
      for (const [at, project] of projects.entries()) {
        const { documents, type, agency, action, ...members } = statements[at]!
        assert.deepEqual(members, (await readDocument('project.json', Buffer.from(project))).members)
        assert.deepEqual([type, agency, action], ['openseal/statement@v1', AGENCY, 'publish'])
        const canonical = canonicalJson(parseJson(project))
        const digest = sha256(canonical)
        assert.deepEqual(documents, [
          { name: 'project.json', mediaType: 'application/json', bytes: Buffer.byteLength(canonical), sha256: digest, jcs: digest },
        ])
      }
      assert.deepEqual([statements[2]!.record, statements.length], [`urn:sha256:${sha256(content)}`, 3])
      assert.deepEqual(
        [report.shape, report.files, report.labels.slice(0, 2)],
        [shape, 1, ['oc4ids-x-1 2026-01-02T00:00:00Z', 'oc4ids-x-2']],
      )
    }
    const one = await read(projects[0]!)
    assert.deepEqual([one.report.shape, one.statements.length], ['bare-project', 2])
    const bad = await read(`{"projects":[{"title":"x"},7,${projects[0]}]}`)
    assert.deepEqual(
      [bad.statements.length, bad.report.refused.map(({ position, code }) => [position, code])],
      [
        2,
        [
          [1, 'OCDS_RELEASE'],
          [0, 'OCDS_RELEASE'],
        ],
      ],
    )
  })

  it('names the kind of a file that is not OCDS', async () => {
    const line = '{"ocid":"A","id":"1"}\n'
    const cases: [string | Uint8Array, string, RegExp][] = [
      ['', 'OCDS_EMPTY', /is empty/],
      [gzipSync(gzipSync(line)), 'OCDS_KIND', /gzip archive inside/],
      [Buffer.from(`\ufeff${line}`), 'OCDS_KIND', /byte order mark/],
      [Buffer.from(line, 'utf16le'), 'OCDS_KIND', /UTF-16/],
      ['Éléments', 'OCDS_MALFORMED', /no object at byte 0/],
      ['{"a":1}', 'OCDS_SHAPE', /not a release package/],
      ['{"uri":"u","releases":[', 'OCDS_TRUNCATED', /ends in the middle/],
    ]
    await assert.rejects(read(await zipOf({ 'a.txt': line }), 'a.zip'), { code: 'OCDS_SHAPE' })
    for (const [content, code, message] of cases)
      await assert.rejects(read(content), error => error instanceof OcdsError && error.code === code && message.test(error.message), code)
  })

  it('notices a file that grew or was replaced while it was read', async () => {
    const path = join(folder, 'changing.json')
    const content = '{"uri":"u","releases":[{"ocid":"A","id":"1","date":"2026-01-01T00:00:00Z"}]}'
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

  it('reads a package of 250 MB in the memory that one of 25 MB takes', async function () {
    this.timeout(120_000)
    const tender = JSON.stringify({ description: 'x'.repeat(525_000), quantity: 1 })
    const program = `
      import { readPackage } from ${JSON.stringify(new URL('../../src/cli/ocds/package.ts', import.meta.url).href)}
      const report = await readPackage(process.argv[1], 'a.example', process.argv[1] + '.spool', () => {})
      process.stdout.write(JSON.stringify({ lines: report.labels.length, peakMb: ${PEAK_KB} / 1024 }))`
    const peakMbOf = (releases: number) => {
      const path = join(folder, `${releases}.json`)
      const file = openSync(path, 'w')
      writeSync(file, '{"uri":"u","publishedDate":"2026-01-01T00:00:00Z","releases":[')
      for (let id = 0; id < releases; id++) {
        const release = `{"ocid":"ocds-example-${id}","id":"release-example-${id}","date":"2026-01-01T00:00:00Z","tender":${tender}}`
        writeSync(file, `${id === 0 ? '' : ','}${release}\n`)
      }
      writeSync(file, ']}')
      closeSync(file)
      assert.ok(statSync(path).size > releases * 525_000)
      const args = ['--max-old-space-size=100', '--input-type=module', '-e', program, path]
      const { lines, peakMb } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
      assert.equal(lines, releases + 1)
      return peakMb
    }
    const [small, large] = [peakMbOf(50), peakMbOf(500)]
    assert.ok(large < small + 100, `${large} MB, and ${small} MB for a tenth`)
  })
})
