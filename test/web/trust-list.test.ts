/**
 * One national page checks receipts of ledgers in three countries in one drop. The page in a real
 * Chromium, its form, the command line, the offline file and the library say the same.
 */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { Browser, Page } from 'playwright-core'
import { parseTrustList } from '../../src/core/trust.ts'
import { createFileReader, createJsonRpcReader, createLedgerReader, planChecks, readReceipt } from '../../src/verifier/index.ts'
import { type Commands, openCommands } from '../cli/commands.ts'
import { launchBrowser } from './browser.ts'
import { check, type Given, given, textOf, usePolicy, verdicts } from './verify-tool.ts'
import { openWorld, type World } from './world.ts'

const NAME = 'National archive'
/** The ledger of the page first. Nobody lists the last one. */
const LEDGERS = [
  { name: 'Own country', origin: 'own.example/log', chainId: 1 },
  { name: 'Ruritania', origin: 'ruritania.example/log', chainId: 2 },
  { name: 'Μολδοβία', origin: 'moldavia.example/log', chainId: 3 },
  { name: 'Stranger', origin: 'stranger.example/log', chainId: 4 },
] as const
const EXPECTED = ['anchored', 'anchored', 'withdrawn', 'unsupported']

/** Without the marks around quoted names. */
const plainOf = (text: string) => text.replace(/[\u2068\u2069]/g, '')

describe('web/trust-list', function () {
  this.timeout(120_000)
  let worlds: World[]
  let own: World
  let commands: Commands
  let browser: Browser
  let folder: string
  let files: Given[]
  const listOf = (indexes: readonly number[]) => ({
    type: 'openseal/trust@v1',
    name: NAME,
    entries: indexes.map(at => ({
      name: LEDGERS[at]!.name,
      ledger: worlds[at]!.url,
      policy: JSON.parse(JSON.stringify(worlds[at]!.policy())),
    })),
  })
  const endpoints = () => worlds.map(({ chain }, at) => ({ url: chain.url, serves: LEDGERS[at]!.chainId }))

  before(async () => {
    worlds = []
    const neighbours = await Promise.all(LEDGERS.slice(1).map(({ origin, chainId }) => openWorld({ origin, chainId })))
    worlds = [undefined as unknown as World, ...neighbours]
    const others = parseTrustList(JSON.stringify(listOf([1, 2])))
    const verifyRpc = neighbours.slice(0, 2).map(({ chain }, at) => ({ url: chain.url, serves: LEDGERS[at + 1]!.chainId }))
    own = await openWorld({ ...LEDGERS[0], others, verifyRpc })
    worlds = [own, ...neighbours]
    files = []
    for (const [at, world] of worlds.entries()) {
      const index = Number(await world.submit('tender', `file ${at}`))
      if (EXPECTED[at] === 'withdrawn')
        await world.submit('tender', '', { action: 'withdraw', reason: { code: 'court-order' }, documents: [] })
      await world.anchor()
      files.push(given(`${at}.txt`, `file ${at}`), given(`${at}.txt.receipt.json`, await world.ledger.receipt(index)))
    }
    commands = openCommands()
    browser = await launchBrowser()
    folder = await mkdtemp(join(tmpdir(), 'openseal-list-'))
    for (const { name, buffer } of files) await writeFile(join(folder, name), buffer)
    await writeFile(join(folder, 'list.json'), JSON.stringify(listOf([0, 1, 2])))
  })
  after(async () => {
    await browser?.close()
    await commands?.close()
    for (const world of worlds) await world?.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => {
    for (const world of worlds) world.chain.state.down = false
  })

  const onPage = async (address: string, use: (page: Page) => Promise<void>) => {
    const context = await browser.newContext({ locale: 'en-GB' })
    try {
      const page = await context.newPage()
      await page.goto(address)
      await use(page)
    } finally {
      await context.close()
    }
  }
  const byForm = async (more: readonly (readonly [string, string])[] = []) => {
    const body = new FormData()
    for (const { name, buffer } of files) body.append('files', new File([new Uint8Array(buffer)], name))
    for (const [name, text] of more) body.append('policy', new File([text], name))
    const text = await (await fetch(`${own.url}/en/verify`, { method: 'POST', body })).text()
    return { text, found: [...text.matchAll(/<article[^>]* data-verdict="([^"]*)"/g)].map(([, verdict]) => verdict) }
  }
  const byCommand = async (args: readonly string[] = [], rpc = endpoints()) => {
    const named = rpc.flatMap(({ url, serves }) => ['--rpc', `${serves}=${url}`])
    const names = files.map(({ name }) => name).filter(name => name.endsWith('.txt'))
    const given = ['verify', ...names, '--policy', 'list.json', '--ledger', own.url, ...named, ...args]
    return commands.run(given, { cwd: folder })
  }
  type Told = { verdict: string; trust: string; sentence: string; asked: string; list: { name: string; entry?: string; known?: string[] } }
  const told = async (rpc = endpoints()) => JSON.parse((await byCommand(['--json'], rpc)).out) as Told[]

  it('gives the same verdicts by the library, the command line, the form and the page', async () => {
    const list = parseTrustList(JSON.stringify(listOf([1, 2])))
    const given = files.flatMap(({ name, buffer }) =>
      name.endsWith('.json') ? [readReceipt(name, buffer.toString(), name.slice(0, 5))] : [],
    )
    const read = files.flatMap(({ name, buffer }) => {
      if (name.endsWith('.json')) return []
      const reader = createFileReader()
      reader.update(buffer)
      return [{ name, read: reader.finish() }]
    })
    const open = (url: string, origin: string) => createLedgerReader({ url, origin, fetch, timeoutMs: 5000 })
    const tasks = planChecks(read, given, {
      policy: own.policy(),
      others: list,
      trust: 'ledger',
      chain: endpoints().map(endpoint => createJsonRpcReader({ ...endpoint, fetch, timeoutMs: 5000 })),
      ledger: open(own.url, own.ledger.origin),
      ledgerOf: ({ ledger, origin }) => open(ledger!, origin),
    })
    const answers = await Promise.all(tasks.map(task => task.run()))
    const results = answers.map(answer => answer.own[0]!.finding!.result)
    deepEqual(
      results.map(({ verdict, trust, list: by, asked }) => [verdict, trust, by?.name, by?.entry, asked]),
      [
        ['anchored', 'ledger', undefined, undefined, 'ledger'],
        ['anchored', 'list', NAME, 'Ruritania', 'ledger'],
        ['withdrawn', 'list', NAME, 'Μολδοβία', 'ledger'],
        ['unsupported', 'list', NAME, undefined, 'nobody'],
      ],
    )
    deepEqual(
      (await told()).map(({ verdict, list: by }) => [verdict, by.entry]),
      EXPECTED.map((verdict, at) => [verdict, at < 3 ? LEDGERS[at]!.name : undefined]),
    )
    deepEqual((await byForm()).found, EXPECTED)
    await onPage(`${own.url}/en/verify`, async page => {
      await check(page, files)
      deepEqual(await verdicts(page), EXPECTED)
    })
  })

  it('shows whose ledger it is, by whose list, and which ledgers the list knows', async () => {
    const { sha256 } = parseTrustList(JSON.stringify(listOf([1, 2])))
    const expectShown = (text: string) => {
      match(text, /Ledger\s*Ruritania \(ruritania\.example\/log\)/)
      match(text, new RegExp(`Checked by the policy of “Ruritania” in the list “${NAME}”\\. The list has the SHA-256 ${sha256}\\.`))
      match(text, new RegExp(`This proof is from a ledger that the list “${NAME}” does not know\\. The list knows: Ruritania, Μολδοβία\\.`))
      equal(text.match(/Checked by the rules that the ledger itself publishes/g)?.length, 1)
    }
    const plain = (text: string) => plainOf(text.replace(/<[^>]*>/g, ''))
    expectShown(plain((await byForm()).text))
    await onPage(`${own.url}/en/verify`, async page => {
      await check(page, files)
      for (const closed of await page.locator('#results details').all()) await closed.evaluate(node => node.setAttribute('open', ''))
      expectShown(plain(await textOf(page.locator('#results'))))
    })
    const { out, code } = await byCommand()
    equal(code, 7)
    for (const country of ['Ruritania', 'Μολδοβία'])
      match(plain(out).replace(/\s+/g, ' '), new RegExp(`Checked by the policy of “${country}” in the list “${NAME}”`))
  })

  it('tells assistants whose ledger it is, by whose list, and the page of that ledger, over HTTP and by the command', async () => {
    const rpc = endpoints().flatMap(({ url, serves }) => ['--rpc', `${serves}=${url}`])
    const args = ['scripts/run.js', 'src/cli/main.ts', 'mcp', '--policy', join(folder, 'list.json'), '--ledger', own.url, ...rpc]
    // The service is told another address than it listens on.
    const pages = { url: 'http://localhost', transport: new StreamableHTTPClientTransport(new URL(`${own.url}/mcp`)), own: 'ledger' }
    const stdio = { url: own.url, transport: new StdioClientTransport({ command: process.execPath, args }), own: 'list' }
    for (const { url, transport, own: trust } of [pages, stdio]) {
      const client = new Client({ name: 'test', version: '1' })
      await client.connect(transport)
      const told: (readonly unknown[])[] = []
      for (const { name, buffer } of files.filter(each => each.name.endsWith('.json'))) {
        const { structuredContent } = await client.callTool({ name: 'verify_receipt', arguments: { receipt: buffer.toString() } })
        const { verdict, trust, page, sentence } = structuredContent as { [member: string]: string }
        told.push([name[0], verdict, trust, page, /by the policy of “[^”]*” in the list “[^”]*”/.exec(plainOf(sentence!))?.[0]])
      }
      await client.close()
      const by = (name: string) => `by the policy of “${name}” in the list “${NAME}”`
      deepEqual(told, [
        ['0', 'anchored', trust, `${url}/records/1`, trust === 'list' ? by(LEDGERS[0].name) : undefined],
        ['1', 'anchored', 'list', `${worlds[1]!.url}/records/1`, by(LEDGERS[1].name)],
        ['2', 'withdrawn', 'list', `${worlds[2]!.url}/records/1`, by(LEDGERS[2].name)],
        ['3', 'unsupported', 'list', `${url}/verify`, undefined],
      ])
    }
  })

  it('looks a file without a receipt up in every ledger of the list, and says which were asked and which did not answer', async () => {
    const bare = ['file 1', 'file 2', 'nobody'].map(text => given(`${text}.txt`.replace(' ', '-'), text))
    const names = bare.map(({ name }) => join(folder, 'bare', name))
    await mkdir(join(folder, 'bare'))
    for (const [at, { buffer }] of bare.entries()) await writeFile(names[at]!, buffer)
    const rpc = endpoints().flatMap(({ url, serves }) => ['--rpc', `${serves}=${url}`])
    const byList = async (policy: unknown) => {
      await writeFile(join(folder, 'asked.json'), JSON.stringify(policy))
      const { out, code } = await commands.run(['verify', ...names, '--policy', 'asked.json', '--ledger', own.url, ...rpc, '--json'], {
        cwd: folder,
      })
      const rows = JSON.parse(out) as (Told & { problem?: string; lookedUp: { answered: string[]; silent: string[] } })[]
      return {
        code,
        rows: rows.map(({ verdict, problem, list, lookedUp }) => [
          verdict ?? problem,
          list?.entry,
          lookedUp.answered.length,
          lookedUp.silent,
        ]),
      }
    }
    const [, there, far] = LEDGERS.map(({ name }) => name)
    deepEqual(await byList(listOf([0, 1, 2])), {
      code: 4,
      rows: [
        ['anchored', there, 3, []],
        ['withdrawn', far, 3, []],
        ['unknown', undefined, 3, []],
      ],
    })
    const dead = listOf([0, 1, 2])
    dead.entries[2]!.ledger = 'http://127.0.0.1:9'
    deepEqual(await byList(dead), {
      code: 6,
      rows: [
        ['anchored', there, 2, [far]],
        ['ledger-gone', undefined, 2, [far]],
        ['ledger-gone', undefined, 2, [far]],
      ],
    })
    // Another ledger than the policy's knows nothing of its records.
    await writeFile(join(folder, 'other.json'), JSON.stringify(worlds[1]!.policy()))
    const other = await commands.run(['verify', names[2]!, '--policy', 'other.json', '--ledger', own.url, ...rpc], { cwd: folder })
    equal(other.code, 6)
    match(
      plainOf(other.out),
      /The ledger that was asked is not the one that your policy is for, so its answer says nothing about this file\./,
    )
    const { out } = await commands.run(['verify', names[2]!, '--policy', 'asked.json', '--ledger', own.url, ...rpc], { cwd: folder })
    match(
      plainOf(out),
      /It is not known yet whether there is a record of this file\. Looked up in these ledgers: Own country, Ruritania\. These ledgers did not answer: Μολδοβία\./,
    )

    const lookedUp = /Looked up in these ledgers: own\.example\/log, Ruritania, Μολδοβία\./g
    const body = new FormData()
    for (const { name, buffer } of bare) body.append('files', new File([new Uint8Array(buffer)], name))
    const text = await (await fetch(`${own.url}/en/verify`, { method: 'POST', body })).text()
    deepEqual(
      [...text.matchAll(/<article[^>]* data-verdict="([^"]*)"/g)].map(([, verdict]) => verdict),
      ['anchored', 'withdrawn', 'unknown'],
    )
    equal(plainOf(text).match(lookedUp)?.length, 3)
    await onPage(`${own.url}/en/verify`, async page => {
      await check(page, bare)
      deepEqual(await verdicts(page), ['anchored', 'withdrawn', 'unknown'])
      equal(plainOf(await textOf(page.locator('#results'))).match(lookedUp)?.length, 3)
    })
  })

  it('says that newer versions were not checked where a neighbour’s ledger does not answer', async () => {
    const list = listOf([0, 1, 2])
    list.entries[2]!.ledger = 'http://127.0.0.1:9'
    await writeFile(join(folder, 'list.json'), JSON.stringify(list))
    const [, there, silent] = await told()
    await writeFile(join(folder, 'list.json'), JSON.stringify(listOf([0, 1, 2])))
    deepEqual([there!.verdict, there!.asked], ['anchored', 'ledger'])
    deepEqual([silent!.verdict, silent!.asked], ['anchored', 'nobody'])
    match(silent!.sentence, /^We did not check for newer versions\./)
  })

  it('shows the ledgers and fingerprints of a list before a reader trusts it, and asks none of its ledgers by the form', async () => {
    const list = listOf([0, 2])
    const text = JSON.stringify(list)
    const { entries, sha256 } = parseTrustList(text)
    await onPage(`${own.url}/en/verify`, async page => {
      await check(page, [...files, given('mine.json', text)])
      deepEqual(await verdicts(page), EXPECTED)
      const asked = await textOf(page.locator('#policy-part'))
      for (const shown of [NAME, ...entries.flatMap(entry => [entry.name, entry.origin, entry.sha256]), sha256])
        match(asked, new RegExp(shown))
      await usePolicy(page)
      deepEqual(await verdicts(page), ['anchored', 'unsupported', 'withdrawn', 'unsupported'])
    })
    const { found, text: answered } = await byForm([['mine.json', text]])
    deepEqual(found, ['anchored', 'unsupported', 'anchored', 'unsupported'])
    match(answered, /We did not check for newer versions\./)
  })

  it('is saved in the offline file and in reports, and read back from them', async () => {
    const offline = await (await fetch(`${own.url}/openseal-verifier.html`)).text()
    await writeFile(join(folder, 'offline.html'), offline)
    await onPage(`file://${join(folder, 'offline.html')}`, async page => {
      await check(page, files)
      deepEqual(await verdicts(page), ['anchored', 'anchored', 'anchored', 'unsupported'])
      match(await textOf(page.locator('#results')), /We did not check for newer versions\./)
    })
    const body = new FormData()
    for (const { name, buffer } of files) body.append('files', new File([new Uint8Array(buffer)], name))
    body.append('as', 'report')
    await writeFile(join(folder, 'report.html'), await (await fetch(`${own.url}/en/verify`, { method: 'POST', body })).text())
    const rpc = endpoints().flatMap(({ url, serves }) => ['--rpc', `${serves}=${url}`])
    const args = ['verify', '1.txt', '--receipt', '1.txt.receipt.json', '--policy', 'report.html', '--ledger', own.url, ...rpc, '--json']
    const { out } = await commands.run(args, { cwd: folder })
    const { verdict, list } = JSON.parse(out) as Told
    deepEqual([verdict, list.name, list.entry], ['anchored', `${NAME} + ${own.ledger.origin}`, 'Ruritania'])
  })

  it('names in a report the ledgers that were asked, and no other', async () => {
    const askedIn = (report: string) => /Asked about newer versions<\/dt>\s*<dd>(.*?)<\/dd>/s.exec(report)?.[1]?.match(/[^<>]+(?=<\/bdi>)/g)
    const [, there, far] = worlds.map(({ url }) => new URL(url).host)
    const byReport = async (more: readonly (readonly [string, string])[]) => {
      const body = new FormData()
      for (const { name, buffer } of files) body.append('files', new File([new Uint8Array(buffer)], name))
      for (const [name, text] of more) body.append('policy', new File([text], name))
      body.append('as', 'report')
      return askedIn(await (await fetch(`${own.url}/en/verify`, { method: 'POST', body })).text())
    }
    deepEqual(await byReport([]), [own.ledger.origin, there, far])
    // The form asks no ledger of a list that a reader uploaded.
    deepEqual(await byReport([['mine.json', JSON.stringify(listOf([0, 2]))]]), [own.ledger.origin])
    await onPage(`${own.url}/en/verify`, async page => {
      await check(page, files)
      const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save-report').click()])
      deepEqual(askedIn(await readFile(await download.path(), 'utf8')), [new URL(own.url).host, there, far])
    })
  })

  it('serves the list of the page, and no list where there is none', async () => {
    const served = await fetch(`${own.url}/trust.json`)
    deepEqual(parseTrustList(await served.text()), parseTrustList(JSON.stringify(listOf([1, 2]))))
    equal(served.headers.get('content-type'), 'application/json; charset=utf-8')
    equal((await fetch(`${worlds[1]!.url}/trust.json`)).status, 404)
    doesNotMatch(await (await fetch(`${worlds[1]!.url}/en/verify`)).text(), /trust\.json/)
  })

  it('lets a dead endpoint of one ledger harm no other', async () => {
    // A record of its own, because the service keeps the chain's answers about others for a while.
    const index = Number(await worlds[2]!.submit('another', 'another file'))
    await worlds[2]!.anchor()
    files.splice(4, 2, given('2.txt', 'another file'), given('2.txt.receipt.json', await worlds[2]!.ledger.receipt(index)))
    for (const { name, buffer } of files) await writeFile(join(folder, name), buffer)
    worlds[2]!.chain.state.down = true
    const expected = ['anchored', 'anchored', 'unchecked', 'unsupported']
    deepEqual((await byForm()).found, expected)
    deepEqual(
      (await told()).map(({ verdict }) => verdict),
      expected,
    )
    await onPage(`${own.url}/en/verify`, async page => {
      await check(page, files)
      deepEqual(await verdicts(page), expected)
    })
    // The command says which ledger it has asked: the one of the receipt.
    match((await byCommand()).err, new RegExp(`Asked: the ledger at ${worlds[2]!.url};`))
  })
})
