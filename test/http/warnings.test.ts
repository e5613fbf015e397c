/** Warnings and dry runs: what a submitter is told before it is public. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Statement } from '../../src/core/statements/statement.ts'
import { type Finder, openFinder } from '../../src/finder/finder.ts'
import { createWarner } from '../../src/ledger/warnings.ts'
import { silentLog } from '../../src/logger.ts'
import { type AnyJson, linesOf, openService, type Service, statement } from './service.ts'

const reason = { reason: { code: 'correction' } }
const withdraw = (n: number, more: object = {}) => statement(n, { action: 'withdraw', documents: [], ...reason, ...more })
const amend = (n: number, more: object = {}) => statement(n, { action: 'amend', ...reason, ...more })
const documents = (n: number, name = 'tender.pdf') => ({ documents: [{ ...statement(n).documents[0]!, name }] })
const codes = ({ json }: { json: AnyJson }) => (json.warnings ?? []).map(({ code }: { code: string }) => code)

describe('http: warnings', () => {
  let service: Service
  let finder: Finder
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-warnings-'))
    service = await openService({ recordsLike: (agency, record) => finder.recordsLike(agency, record) })
    finder = await openFinder({ ledger: service.ledger, folder, steadyMs: () => performance.now(), log: silentLog })
  })
  after(async () => {
    await finder.stop()
    await service.close()
    await rm(folder, { recursive: true })
  })

  const dryRun = (body: unknown) => service.send('/v1/records?dry-run', body, service.key)
  const dryStream = (lines: object[]) =>
    service.send('/v1/records?dry-run', lines.map(line => JSON.stringify(line)).join('\n'), service.key, 'application/x-ndjson')

  it('logs nothing in a dry run, and says whether the statement is known', async () => {
    const { size } = service.ledger.head()
    const answer = await dryRun(statement(1))
    deepEqual([answer.status, answer.json], [200, { warnings: [] }])
    equal(service.ledger.head().size, size)
    const { json } = await service.submit(statement(1))
    equal('warnings' in json, false)
    deepEqual((await dryRun(statement(1))).json, { known: json.index, warnings: [] })
  })

  it('refuses a dry run for the same reasons as a submission', async () => {
    equal((await dryRun(statement(1, { extra: 1 }))).json.code, 'STATEMENT_MALFORMED')
    equal((await service.send('/v1/records?dry-run', statement(1), 'wrong')).status, 401)
    equal((await dryRun(statement(1, { agency: 'health.gov.example' }))).json.code, 'KEY_OTHER_AGENCY')
  })

  it('logs nothing if the query is misspelled', async () => {
    const { size } = service.ledger.head()
    for (const query of ['?dryrun', '?dry-run=1', '?dry-run&x', '?dry_run'])
      equal((await service.send(`/v1/records${query}`, statement(2), service.key)).json.code, 'QUERY_MALFORMED', query)
    equal(service.ledger.head().size, size)
  })

  it('takes empty files and far dates, and warns of them', async () => {
    const empty = { documents: [{ ...statement(3).documents[0]!, bytes: 0 }] }
    deepEqual(codes(await service.submit(statement(3, { ...empty, published: '2026-02-02T00:00:00Z' }))), [
      'EMPTY_DOCUMENT',
      'PUBLISHED_FUTURE',
    ])
    deepEqual(codes(await service.submit(statement(4, { published: '1999-01-01T00:00:00Z' }))), ['PUBLISHED_OLD'])
    deepEqual(codes(await service.submit(statement(5, { published: undefined }))), [])
  })

  it('warns of a silent edit, and not of an annex or a file that was withdrawn and published rightly', async () => {
    const first = await service.submit(statement(10))
    const edit = statement(10, documents(11))
    const { json } = await dryRun(edit)
    deepEqual(codes({ json }), ['SILENT_EDIT'])
    match(json.warnings[0].detail, new RegExp(`^Entry ${first.json.index} published other content under the same name without a revision`))
    deepEqual(codes(await dryRun(statement(10, documents(11, 'annex.pdf')))), [])
    deepEqual(codes(await service.submit(withdraw(10))), [])
    deepEqual(codes(await service.submit(edit)), [])
  })

  it('warns of amendments and withdrawals of unknown records and versions', async () => {
    deepEqual(codes(await dryRun(withdraw(20))), ['RECORD_UNKNOWN'])
    deepEqual(codes(await dryRun(amend(20, { target: '1' }))), ['RECORD_UNKNOWN'])
    await service.submit(statement(20, { revision: '1' }))
    deepEqual(codes(await dryRun(amend(20, { revision: '2', target: '1' }))), [])
    deepEqual(codes(await dryRun(amend(20, { revision: '2', target: '0' }))), ['TARGET_UNKNOWN'])
    deepEqual(codes(await service.submit(withdraw(20, { target: 'one' }))), ['TARGET_UNKNOWN'])
  })

  it('warns of an id that differs from a known one only by case, spaces, dashes or look-alike letters', async () => {
    await service.submit(statement(30, { record: 'AB-6Η47 x' }))
    await finder.tick()
    for (const record of ['ab-6η47 X', 'АB-6Η47 x', 'AB-6H47x', 'AB\u20136Η47 x']) {
      const { json } = await dryRun(statement(31, { record }))
      deepEqual(codes({ json }), ['ID_CONFUSABLE'], record)
      match(json.warnings[0].detail, /"AB-6Η47 x"/)
    }
    for (const record of ['AB-6Η47 x', 'AB-6Η47 y', 'AB-6N47 x'])
      deepEqual(codes(await dryRun(statement(31, { record, revision: '2' }))), [], record)
  })

  it('tells an agency that publishes a withdrawn or amended version again that nothing was logged', async () => {
    await service.submit(statement(40))
    await service.submit(withdraw(40))
    const again = await service.submit(statement(40))
    deepEqual([again.status, codes(again)], [200, ['KNOWN_CHANGED']])
    deepEqual(codes(await dryRun(statement(40))), ['KNOWN_CHANGED'])
    deepEqual(linesOf(await service.stream(JSON.stringify(statement(40))))[0].warnings, ['KNOWN_CHANGED'])
    await service.submit(statement(41))
    await service.submit(statement(41, documents(42)))
    deepEqual(codes(await service.submit(statement(41))), ['KNOWN_CHANGED'])
    // The other side of the edit: nothing came after it.
    deepEqual(codes(await service.submit(statement(41, documents(42)))), [])
  })

  it('compares each line of a dry run with the log and with the lines before it', async () => {
    const { size } = service.ledger.head()
    const known = await service.submit(statement(1))
    const answer = await dryStream([
      statement(1),
      statement(50),
      statement(50, documents(51)),
      withdraw(50),
      statement(50, documents(52)),
      statement(53, { record: 'LOCAL-50' }),
      withdraw(54),
      statement(55, { extra: 1 }),
    ])
    const [first, second, third, fourth, fifth, sixth, seventh, eighth, summary] = linesOf(answer)
    deepEqual(first, { line: 1, status: 200, known: known.json.index })
    deepEqual(second, { line: 2, status: 200 })
    deepEqual(third, { line: 3, status: 200, warnings: ['SILENT_EDIT'] })
    deepEqual(
      [fourth, fifth],
      [
        { line: 4, status: 200 },
        { line: 5, status: 200 },
      ],
    )
    deepEqual(sixth, { line: 6, status: 200, warnings: ['ID_CONFUSABLE'] })
    deepEqual(seventh, { line: 7, status: 200, warnings: ['RECORD_UNKNOWN'] })
    deepEqual([eighth.line, eighth.code], [8, 'STATEMENT_MALFORMED'])
    deepEqual(summary, { accepted: 6, known: 1, rejected: 1 })
    equal(service.ledger.head().size, size)
  })

  it('gives the warnings that cost nothing with each line of a stream', async () => {
    const lines = [statement(60, { published: '1999-01-01T00:00:00Z' }), statement(61)].map(line => JSON.stringify(line)).join('\n')
    const [first, second] = linesOf(await service.stream(lines))
    deepEqual([first.status, first.warnings], [201, ['PUBLISHED_OLD']])
    deepEqual([second.status, second.warnings], [201, undefined])
  })

  it('reads a record once for many known lines of it in a row', async () => {
    const lines = Array.from({ length: 50 }, (_, at) => JSON.stringify(statement(80, documents(at))))
    await service.stream(lines.join('\n'))
    let reads = 0
    const counted = (index: number) => {
      reads++
      return service.ledger.statement(index)
    }
    const warner = createWarner({ ledger: { ...service.ledger, statement: counted }, host: service.host })
    const warn = warner.stream()
    const statements = lines.map(line => JSON.parse(line) as Statement)
    const told = await Promise.all(
      statements.map(async known => warn(known, { index: (await service.ledger.findKnown(known))!, known: true })),
    )
    deepEqual(
      told.map(found => found.map(({ code }) => code)),
      statements.map((_, at) => (at < 49 ? ['KNOWN_CHANGED'] : [])),
    )
    equal(reads, 50)
  })

  it('reads a bounded part of a record with very many versions, and accuses nobody by it', async () => {
    const many = Array.from({ length: 400 }, (_, at) => JSON.stringify(statement(70, { revision: String(at), ...documents(at) })))
    await service.stream(many.join('\n'))
    let reads = 0
    const counted = (index: number) => {
      reads++
      return service.ledger.statement(index)
    }
    const warner = createWarner({ ledger: { ...service.ledger, statement: counted }, host: service.host })
    const told = async (body: object) => (await warner.dryRun()(body as Statement)).warnings.map(({ code }) => code)
    // Whether the first version is there is not looked up, so nothing is said of it.
    deepEqual(await told(amend(70, { target: '0' })), [])
    deepEqual(await told(statement(70, { revision: '399', ...documents(7) })), ['SILENT_EDIT'])
    deepEqual(await told(statement(70, { revision: '0', ...documents(0) })), [])
    equal(reads <= 3 * 128, true, String(reads))
  })
})
