/** Reports: everything of a check in one file, which is checked again and never believed. */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { LANGUAGE_TAGS, speak } from '../../src/messages/language.ts'
import { sayReport } from '../../src/messages/verdict.ts'
import { type Checkup, renderReport, VERSION } from '../../src/report/report.ts'
import {
  type CurrencyReader,
  createFileReader,
  digestsOf,
  type GivenFile,
  OpenSealError,
  openReport,
  planChecks,
  readReceipt,
  readReport,
  recognize,
  recognizeZipped,
  type VerdictCode,
  withoutRepeats,
} from '../../src/verifier/index.ts'
import { chainWith, createWorld, FILE, GENESIS, listingOf, policyWith, STATEMENT, WITHDRAWAL } from '../verifier/world.ts'

const HOSTILE = '</script><script>alert(1)</script><!--\u202e"\'=1+1'
const say = speak('en')
const policy = policyWith()

/** A file as it is read, with this name. */
const fileOf = (name: string, bytes: Uint8Array): GivenFile => ({
  name,
  read: { digest: digestsOf(bytes), releases: [], releasesLeftOut: 0 },
})
const readText = (text: string) => {
  const reader = createFileReader()
  reader.update(new TextEncoder().encode(text))
  return reader.finish()
}

async function checkAll(
  files: readonly GivenFile[],
  world: ReturnType<typeof createWorld>,
  receipts = [] as Parameters<typeof planChecks>[1],
) {
  const tasks = planChecks(files, receipts, { policy, trust: 'policy', chain: [chainWith(world)] })
  return Promise.all(tasks.map(task => task.run()))
}

const checkup = (all: Checkup['all'], more: Partial<Checkup> = {}): Checkup => ({
  ...{ all, unread: [], policy, endpoints: ['https://rpc.example/secret-key'], ledgers: ['https://ledger.example/'] },
  ...{ nowMs: Date.UTC(2026, 10, 30, 21, 5, 7), clock: { of: 'device', zone: 'Europe/Athens' } },
  ...more,
})

describe('report', () => {
  it('is of the version of the package', () => {
    equal(VERSION, JSON.parse(readFileSync('package.json', 'utf8')).version)
  })

  it('says what was checked, by whom, when and by which clock, and first what was not', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const all = await checkAll([fileOf('a.json', FILE), fileOf('b.txt', new Uint8Array(3))], world, [
      readReceipt('a.json.receipt.json', await world.receipt(1), 'a.json'),
    ])
    for (const tag of LANGUAGE_TAGS) {
      const text = renderReport(speak(tag), checkup(all, { unread: [{ name: 'z.zip/x', why: 'encrypted' }] }))
      for (const part of [
        digestsOf(FILE).sha256,
        `${FILE.length}`,
        '2026-11-30T21:05:07Z',
        'Europe/Athens',
        'rpc.example',
        'ledger.example',
        VERSION,
        policy.origin,
        'z.zip/x',
      ])
        ok(text.includes(part), `${tag} ${part}`)
      doesNotMatch(text, /secret-key|undefined|\{\w+\}<|<script(?! type="application\/json")|<link|<img|src=/)
      ok(text.indexOf(speak(tag)('report.unchecked')) < text.indexOf(speak(tag)('sum.title')))
    }
    const text = renderReport(say, checkup(all))
    match(text, /23:05:07/)
    match(text, /Not checked for newer versions, because no ledger was asked: 1/)
    match(text, /Files without a verdict: 1/)
    match(text, /by the clock of the device/)
    // Every check, in its order.
    deepEqual(
      [...text.matchAll(/<tr><td>[✓✗–]<\/td><td>(\w+)<br>/g)].map(([, name]) => name),
      ['document', 'statement', 'inclusion', 'checkpoint', 'cosignatures', 'anchor', 'finality', 'currency'],
    )
  })

  it('says first how much could not be checked, of files and of their parts', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const receipts = [readReceipt('r', await world.receipt(1))]
    const tasks = planChecks([fileOf('a.json', FILE)], receipts, { policy, trust: 'policy', chain: [] })
    const [silent] = await Promise.all(tasks.map(task => task.run()))
    const part = { kind: 'release', position: 1 } as const
    const refused = { name: 'p.json', part, problem: 'release-refused' } as const
    const finding = { ...silent!.own[0]!.finding!, part }
    const linesOf = (all: Checkup['all']) =>
      [
        ...(/<h2>What was not checked[\s\S]*?<p class="soft">/.exec(renderReport(say, checkup(all)))?.[0].matchAll(/<li>(.*?)<\/li>/g) ??
          []),
      ].map(([, line]) => line)
    equal(finding.result.verdict, 'unchecked')
    deepEqual(linesOf([silent!]), ['Not checked: 1'])
    deepEqual(linesOf([{ own: silent!.own, parts: [{ finding }, refused], partsLeftOut: 2 }]), [
      'Not checked: 1',
      'Parts of files that were not checked: 4',
    ])
  })

  it('counts in its list of what was not checked as its summary does, and has another word for no verdict', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const receipts = [readReceipt('r', await world.receipt(1))]
    const [open] = await Promise.all(
      planChecks([fileOf('a.json', FILE)], receipts, { policy, trust: 'policy', chain: [] }).map(task => task.run()),
    )
    const without = { own: [{ name: 'b', problem: 'need-receipt' }], parts: [], partsLeftOut: 0 } as const
    for (const tag of LANGUAGE_TAGS) {
      const text = renderReport(speak(tag), checkup([open!, open!, without]))
      const rows = [...text.matchAll(/<td class="mark">([^<]*)<\/td><td class="count">([^<]*)</g)].map(([, mark, count]) => [mark, count])
      const [unchecked, none] = [speak(tag)('mark.unchecked'), speak(tag)('mark.none')]
      deepEqual(
        new Map(rows as [string, string][]),
        new Map([
          [none, '1'],
          [unchecked, '2'],
        ]),
        tag,
      )
      ok(text.includes(`<li>${unchecked}: 2</li>`), tag)
      ok(unchecked.toLowerCase() !== none.toLowerCase(), tag)
    }
  })

  it('says that nobody was asked for newer versions, or that a ledger was asked and nobody answered', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const receipt = readReceipt('r', await world.receipt(1))
    const asking = async (currency: CurrencyReader | undefined) => {
      const ledger = currency && { name: '', findReceipts: async () => [], readReceipt: async () => '', currency }
      const tasks = planChecks([fileOf('a.json', FILE)], [receipt], { policy, trust: 'policy', chain: [chainWith(world)], ledger })
      const text = renderReport(say, checkup(await Promise.all(tasks.map(task => task.run()))))
      return [/<dt>Newer versions<\/dt><dd>(.*?)<\/dd>/.exec(text)?.[1], /<li>(Not checked for newer.*?)<\/li>/.exec(text)?.[1]]
    }
    deepEqual(await asking(undefined), ['nobody was asked', 'Not checked for newer versions, because no ledger was asked: 1'])
    const silent = () => Promise.reject(new OpenSealError('LEDGER_UNREACHABLE', 'gone'))
    deepEqual(await asking(silent), ['nobody answered', 'Not checked for newer versions, because no ledger answered: 1'])
    deepEqual(await asking(listingOf(world)), ['the ledger was asked and answered', undefined])
  })

  it('quotes what became of each file on a test network too', () => {
    const one = (verdict: VerdictCode, finding?: VerdictCode) => ({ name: 'x', verdict, ...(finding && { finding }) })
    const files = [
      one('anchored', 'anchored'),
      one('test-network', 'anchored'),
      one('test-network', 'withdrawn'),
      one('test-network', 'withdrawn'),
      one('test-network'),
      one('invalid', 'invalid'),
    ]
    const text = `<script type="application/json" id="openseal-report">${JSON.stringify({ type: 'openseal/report@v1', time: '2026-11-30T21:05:07Z', version: VERSION, policy: {}, files, receipts: [] })}</script>`
    const data = readReport(text)
    match(
      sayReport(say, 'r.html', data!),
      /It said: Does not fit: 1 · On the record, withdrawn \(Test network\): 2 · Test network: 2 · On the record: 1\./,
    )
  })

  it('carries hostile names as data, and gives back the receipts as they were', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const receipt = await world.receipt(1)
    const all = await checkAll([fileOf(HOSTILE, FILE), fileOf('\ud800lone', FILE)], world, [readReceipt('r', receipt)])
    const text = renderReport(say, checkup(all))
    equal(text.match(/<script/g)?.length, 1)
    doesNotMatch(text, /\u202e/)
    const data = readReport(text)
    deepEqual(data?.receipts, [receipt])
    deepEqual(
      data?.files.map(({ name }) => name),
      [HOSTILE, '\ufffdlone'],
    )
    const given = recognize('report.html', readText(text))
    ok(given.kind === 'report')
  })

  it('is checked again when it is opened: what it claims is quoted, and never makes anything green', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const all = await checkAll([fileOf('a.json', FILE)], world, [readReceipt('r', await world.receipt(1))])
    const text = renderReport(say, checkup(all))
    const verdictsOf = async (report: string, files: readonly GivenFile[] = []) => {
      const given = recognize('report.html', readText(report))
      if (given.kind !== 'report') return given.kind
      const opened = openReport('report.html', given.data)
      const again = await checkAll(withoutRepeats([...opened.files, ...files]), world, opened.receipts)
      return again.flatMap(({ own }) =>
        own.map(({ finding }) => [finding?.result.verdict, finding?.result.isGreen, finding?.result.subject]),
      )
    }
    deepEqual(await verdictsOf(text), [['anchored', false, 'fingerprint']])
    // The file takes the place of its fingerprint, by its content or by its name.
    deepEqual(await verdictsOf(text, [fileOf('renamed', FILE)]), [['anchored', false, 'file']])
    deepEqual(await verdictsOf(text, [fileOf('folder/A.json', new Uint8Array(9))]), [['invalid', false, 'file']])
    const forged = text
      .replace(digestsOf(FILE).sha256, '0'.repeat(64))
      .replace(`"sha256":"${digestsOf(FILE).sha256}"`, `"sha256":"${'0'.repeat(64)}"`)
    deepEqual(await verdictsOf(forged), [['invalid', false, 'fingerprint']])
    const unsigned = text.replace(/(\\\\u2014 \S+ \S{20})(\S)/, (_, before: string, digit: string) => before + (digit === 'A' ? 'B' : 'A'))
    ok(unsigned !== text)
    deepEqual(await verdictsOf(unsigned), [['invalid', false, 'fingerprint']])
  })

  it('makes no document green that passes for a report of itself, alone or in an archive that is on the record', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const receipt = await world.receipt(1)
    const text = renderReport(say, checkup(await checkAll([fileOf('contract.html', FILE)], world, [readReceipt('r', receipt)])))
    const given = recognize('contract.html', readText(`<!doctype html><h1>Another contract</h1>${text}`))
    ok(given.kind === 'report')
    const { files, receipts } = openReport('contract.html', given.data)
    const ledger = {
      name: '',
      findReceipts: async () => [],
      readReceipt: async () => receipt,
      currency: listingOf(world),
    } satisfies Parameters<typeof planChecks>[2]['ledger']
    const check = async (all: readonly GivenFile[]) => {
      const tasks = planChecks(all, receipts, { policy, trust: 'policy', chain: [chainWith(world)], ledger })
      return (await Promise.all(tasks.map(task => task.run()))).flatMap(({ own }) => own.map(({ finding }) => finding))
    }
    const [pasted] = await check([{ ...files[0]!, reportedAs: undefined } as unknown as GivenFile])
    deepEqual([pasted?.result.isGreen, pasted?.result.exit], [true, 0], 'the same fingerprint, pasted')
    const [opened] = await check(files)
    deepEqual(
      [opened?.fileName, opened?.result.verdict, opened?.result.isGreen, opened?.result.exit],
      ['contract.html/contract.html', 'anchored', false, 3],
    )
    // An archive does not cover what only a report in it names.
    const zip: GivenFile = { ...fileOf('z.zip', FILE), read: { ...fileOf('z.zip', FILE).read, kind: 'zip' } }
    const unknown = {
      ...files[0]!,
      name: 'r.html/b.pdf',
      reportedAs: 'b.pdf',
      read: { ...files[0]!.read, digest: { bytes: 0, sha256: '1'.repeat(64) } },
    }
    const found = await recognizeZipped('z.zip', zip.read, async () => ({ files: [unknown], receipts: [], unread: [] }))
    ok(found.kind === 'archive')
    deepEqual(
      (await check(found.files)).map(finding => finding?.result.verdict),
      ['anchored', 'unknown'],
    )
  })

  it('leaves out a fingerprint by its name only if one file of the report has that name', () => {
    const of = (name: string, digit: string) => ({ name, verdict: 'anchored' as const, sha256: digit.repeat(64) })
    const data = { type: 'openseal/report@v1', time: '2026-11-30T21:05:07Z', version: VERSION, policy: {}, receipts: [] } as const
    const leftOf = (names: readonly string[], given: string) => {
      const { files } = openReport('r.html', { ...data, files: names.map((name, at) => of(name, String(at))) })
      return withoutRepeats([...files, fileOf(given, new Uint8Array(1))]).map(({ name }) => name)
    }
    deepEqual(leftOf(['1/a.pdf', '2/b.pdf'], 'here/A.pdf'), ['r.html/2/b.pdf', 'here/A.pdf'])
    deepEqual(leftOf(['1/a.pdf', '2/a.pdf'], 'a.pdf'), ['r.html/1/a.pdf', 'r.html/2/a.pdf', 'a.pdf'])
    deepEqual(leftOf(['1/a.pdf', '2/a.pdf'], '1/a.pdf'), ['r.html/2/a.pdf', '1/a.pdf'])
  })

  it('reads no report that is cut off, of another type or with places that do not exist', async () => {
    const text = renderReport(say, checkup([]))
    ok(readReport(text))
    const damages = [
      text.slice(0, text.indexOf('"policy"')),
      text.replace('openseal/report@v1', 'openseal/report@v9'),
      text.replace('"files":[]', '"files":[{"name":"a","verdict":"anchored","receipt":0}]'),
      text.replace('"files":[]', '"files":[{"name":"a","verdict":"green"}]'),
      text.replace('"receipts":[]', '"receipts":[{}]'),
      text.replace(/"time":"[^"]*"/, '"time":"<b>"'),
      text.replace('"files":[]', '"files":[],"files":[]'),
    ]
    for (const [at, damaged] of damages.entries()) {
      ok(damaged !== text, String(at))
      equal(readReport(damaged), undefined, String(at))
      equal(recognize('r.html', readText(damaged)).kind, 'file', String(at))
    }
  })

  it('puts the gravest file first, and links each verdict to the first file of it', async () => {
    const world = createWorld([GENESIS, STATEMENT, WITHDRAWAL])
    const chain = [chainWith(world)]
    const listed = [{ index: 2, receiptText: await world.receipt(2) }]
    const ledger = { name: '', findReceipts: async () => [], readReceipt: async () => '', currency: listingOf(world, listed) }
    const files = [fileOf('good.json', FILE), fileOf('forged.json', new Uint8Array(2))]
    const receipts = await Promise.all(
      ['good', 'forged'].map(async name => ({ ...readReceipt(`${name}.json.receipt.json`, await world.receipt(1)), isInside: true })),
    )
    const all = await Promise.all(planChecks(files, receipts, { policy, trust: 'policy', chain, ledger }).map(task => task.run()))
    const text = renderReport(say, checkup(all))
    match(text, /Does not fit<\/td><td class="count">1<\/td><td><a href="#r1"><bdi>forged\.json/)
    match(text, /On the record, withdrawn<\/td><td class="count">1<\/td><td><a href="#r2"><bdi>good\.json/)
    match(text, /Read on the record’s page why it was withdrawn/)
    match(text, /At least one byte of your file differs/)
  })
})
