/**
 * `openseal audit` and `openseal evidence` as commands: exit codes, words, report, and a run that
 * is killed.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatAuditReport } from '../../src/audit/report.ts'
import { toHex } from '../../src/core/bytes.ts'
import { formatPolicy } from '../../src/core/policy.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { AUDIT_CATALOGUES, speakAudit } from '../../src/messages/audit/speak.ts'
import { LANGUAGE_TAGS } from '../../src/messages/language.ts'
import { type Commands, openCommands, startAlone } from '../cli/commands.ts'
import { ORIGIN } from '../ledger/fixtures.ts'
import { type AnchoredWorld, openAnchoredWorld } from './anchored-world.ts'
import { openHostile, openWorld, policyOf, serveLedger } from './world.ts'

const ENV = { XDG_STATE_HOME: process.env.XDG_STATE_HOME, LC_ALL: 'C' }

describe('openseal audit', () => {
  let folder: string
  let commands: Commands
  const openseal = (...args: string[]) => commands.run(args, { env: ENV })
  before(async () => {
    commands = openCommands()
    folder = await mkdtemp(join(tmpdir(), 'openseal-audit-'))
  })
  after(async () => {
    await commands.close()
    await rm(folder, { recursive: true })
  })

  describe('of an anchored ledger', () => {
    let world: AnchoredWorld
    let args: string[]
    before(async () => {
      world = await openAnchoredWorld()
      const policy = join(folder, 'policy.json')
      await writeFile(policy, formatPolicy(policyOf(world.served.ledger, [world.pinned])))
      args = ['audit', '--ledger', world.proxy.url, '--policy', policy, '--rpc', world.chain.url]
    })
    beforeEach(() => {
      world.proxy.tamper = () => undefined
    })
    after(() => world.close())

    it('is clean with exit 0, and writes a report that names every anchor', async () => {
      const html = join(folder, 'audit.html')
      const { code, out } = await openseal(...args, '--state', join(folder, 'state'), '--report', html, '--json')
      const { verdict, size, trust } = JSON.parse(out)
      deepEqual([code, verdict, size, trust], [0, 'clean', 700, 'policy'])
      const page = await readFile(html, 'utf8')
      match(page, /The ledger is consistent\./)
      for (const anchored of [100, 300, 700]) ok(page.includes(toHex(await world.served.ledger.rootAt(anchored))))
      match(page, /<svg .*role="img" aria-label="Entries anchored/)
      ok(!/<script|https?:\/\/(?!127)/.test(page))
    })

    it('ends with 5 and the finding’s own sentence, in the language that was asked for', async () => {
      world.proxy.tamper = (path, body) => (path.startsWith('/tile/entries/000') ? body.fill(1, 4, 5) : undefined)
      const { code, out } = await openseal(...args, '--lang', 'de')
      equal(code, 5)
      match(out, /^Das Register ist NICHT in sich stimmig\. Befunde: 1\.\n/)
      match(out, /Ein Eintrag ist nicht der im Baum\. Eintrag 0 \[AUDIT_ENTRY_CHANGED\]/)
    })

    it('ends with 6 if something could not be examined, and with 2 on wrong usage', async () => {
      const [gone, noTrust, noLanguage, noEndpoint] = await Promise.all([
        openseal(...args.slice(0, -1), 'http://127.0.0.1:1', '--json'),
        openseal('audit', '--ledger', world.proxy.url),
        openseal(...args, '--lang', 'xx'),
        openseal(...args, '--rpc', 'no address'),
      ])
      deepEqual([gone.code, noTrust.code, noLanguage.code, noEndpoint.code], [6, 2, 2, 2])
      const { sentence, code } = JSON.parse(gone.out).unfinished[0]
      deepEqual([code, sentence], ['AUDIT_CHAIN_UNREACHABLE', 'An endpoint of the chain did not answer.'])
    })

    it('asks an endpoint that is named with its chain for that chain alone', async () => {
      const { chainId } = world.pinned
      const asked = async (id: number) => {
        const { code, out } = await openseal(...args.slice(0, -1), `${id}=${world.chain.url}`, '--json')
        return [code, JSON.parse(out).unfinished.map((each: { code: string }) => each.code)]
      }
      deepEqual(await Promise.all([asked(chainId), asked(chainId + 1)]), [
        [0, []],
        [6, ['AUDIT_CHAIN_NOT_ASKED']],
      ])
    })

    it('says in words, in JSON and in the report that a chain has no such contract, and accuses nobody', async () => {
      const { contract, ...pinned } = world.pinned
      const nowhere = { ...pinned, contract: `0x${'9'.repeat(40)}` }
      const policy = join(folder, 'nowhere.json')
      await writeFile(policy, formatPolicy(policyOf(world.served.ledger, [world.pinned, { ...nowhere, fromSize: 701 }])))
      const html = join(folder, 'nowhere.html')
      const run = (...more: string[]) =>
        openseal('audit', '--ledger', world.proxy.url, '--policy', policy, '--rpc', world.chain.url, ...more)
      const { code, out } = await run('--report', html)
      const [sentence] = AUDIT_CATALOGUES.en.AUDIT_CONTRACT_NONE.split(':')
      equal(code, 6)
      match(out, /The audit could not be finished\. No contradiction was found/)
      for (const said of [out, await readFile(html, 'utf8')]) {
        ok(said.includes(sentence!) && said.includes(nowhere.contract), said)
        ok(!said.includes('NOT consistent'))
      }
      const { findings, unfinished } = JSON.parse((await run('--json')).out)
      deepEqual([findings, unfinished.map((each: { code: string }) => each.code)], [[], ['AUDIT_CONTRACT_NONE']])
    })

    it('writes the report in every language, and what others say into it as text only', async () => {
      const report = await world.run()
      const reason = '<script>alert(1)</script>"&'
      const told = { detail: 'reason', values: { reason } } as const
      const lies = {
        findings: [{ code: 'AUDIT_ENTRY_CHANGED', ...told }],
        unfinished: [{ code: 'AUDIT_LEDGER_UNREADABLE', ...told }],
      } as const
      const facts = { ledger: reason, trust: 'ledger', time: '2026-01-01T00:00:00Z' } as const
      for (const tag of LANGUAGE_TAGS) {
        const page = formatAuditReport({ ...report, ...lies, verdict: 'inconsistent', evidence: [reason] }, facts, speakAudit(tag))
        ok(!page.includes('<script'))
        ok(page.includes(AUDIT_CATALOGUES[tag].inconsistent))
        ok(page.includes(`<html lang="${tag}" dir="${tag === 'ar' ? 'rtl' : 'ltr'}">`))
      }
    })
  })

  it('ends with 6 when its time ends, also while a ledger is silent about its policy', async () => {
    const world = await openWorld(10)
    const hostile = await openHostile(world.url)
    for (const silent of ['/policy.json', '/checkpoint']) {
      hostile.answer = path => path === silent
      const { code, out } = await openseal('audit', '--ledger', hostile.url, '--trust-ledger', '--timeout', '0.5', '--json')
      const { unfinished } = JSON.parse(out)
      deepEqual([code, unfinished[0].code, unfinished[0].where], [6, 'AUDIT_TIME_ENDED', silent])
    }
    hostile.close()
    await world.close()
  })

  it('says which state folder it cannot use, with exit 6', async () => {
    const world = await openWorld(10)
    const state = join(folder, 'damaged')
    const args = ['audit', '--ledger', world.url, '--trust-ledger', '--state', state, '--json']
    equal((await openseal(...args)).code, 0)
    await writeFile(join(state, 'confirmed.json'), '{}')
    const { code, out } = await openseal(...args)
    deepEqual([code, JSON.parse(out).unfinished[0].code], [6, 'AUDIT_STATE_DAMAGED'])
    await world.close()
  })

  it('goes on after kill -9 where it was', async () => {
    const served = await serveLedger(20_000)
    const proxy = await openHostile(served.url)
    const args = ['audit', '--ledger', proxy.url, '--trust-ledger', '--state', join(folder, 'killed'), '--json']
    const reached = new Promise<void>(resolve => {
      // The first tile after the way so far was remembered is never answered.
      proxy.answer = path => {
        if (!path.startsWith('/tile/0/077')) return false
        resolve()
        return true
      }
    })
    const child = startAlone(args, { env: ENV })
    await reached
    const isKept = () =>
      readFile(join(folder, 'killed', 'tentative.json')).then(
        () => true,
        () => false,
      )
    while (!(await isKept())) await new Promise(resolve => setTimeout(resolve, 20))
    child.kill('SIGKILL')
    await once(child, 'exit')
    proxy.answer = () => false
    const { code, out } = await openseal(...args)
    const { verdict, from, size } = JSON.parse(out)
    deepEqual([code, verdict, from, size], [0, 'clean', 16_384, 20_000])
    proxy.close()
    await served.close()
  })

  it('keeps evidence that convinces others who have the ledger’s key, and nobody with another key', async () => {
    const world = await openWorld(600)
    const other = await serveLedger(700, { seed: 'b' })
    const args = ['audit', '--ledger', world.proxy.url, '--trust-ledger', '--state', join(folder, 'rewritten')]
    equal((await openseal(...args)).code, 0)
    world.proxy.upstream = other.url
    const { code, out } = await openseal(...args, '--json')
    equal(code, 5)
    const [evidence] = JSON.parse(out).evidence
    const file = join(evidence, 'evidence.json')
    const [policy, strange] = [join(folder, 'own.json'), join(folder, 'strange.json')]
    const own = policyOf(world.ledger)
    await writeFile(policy, formatPolicy(own))
    await writeFile(strange, formatPolicy({ ...own, logKeys: [{ vkey: STRANGE_KEY, fromSize: 0 }] }))
    const kept = JSON.parse(await readFile(file, 'utf8'))
    const [without, damaged] = [join(folder, 'without.json'), join(folder, 'damaged.json')]
    await writeFile(without, JSON.stringify({ ...kept, shown: undefined }))
    await writeFile(damaged, JSON.stringify({ ...kept, shown: { ...kept.shown, root: '0'.repeat(64) } }))
    const [proven, byStranger, unproven, broken] = await Promise.all([
      openseal('evidence', file, '--policy', policy, '--json'),
      openseal('evidence', file, '--policy', strange, '--json'),
      openseal('evidence', without, '--policy', policy, '--json'),
      openseal('evidence', damaged, '--policy', policy, '--json'),
    ])
    deepEqual([proven.code, JSON.parse(proven.out).proven], [5, 'rewritten'])
    deepEqual([byStranger.code, JSON.parse(byStranger.out).code], [1, 'NOTE_UNSIGNED'])
    deepEqual([unproven.code, JSON.parse(unproven.out).proven], [6, 'nothing'])
    deepEqual([broken.code, JSON.parse(broken.out).code], [1, 'PROOF_MISMATCH'])
    await Promise.all([world.close(), other.close()])
  })
})

/** Of the same name, by another secret. */
const STRANGE_KEY = formatVkey(createSigner(ORIGIN, new Uint8Array(32)).vkey)
