/**
 * The audit of a ledger that changed its key: clean where the policy knows both, a finding where it
 * does not.
 */
import { deepEqual, equal } from 'node:assert/strict'
import { createServer } from 'node:http'
import { audit } from '../../src/audit/audit.ts'
import { createHttpSource } from '../../src/audit/source.ts'
import { createMemoryState } from '../../src/audit/state.ts'
import type { PolicyKey } from '../../src/core/policy.ts'
import { formatVkey } from '../../src/core/tlog/note.ts'
import { createApp } from '../../src/http/app.ts'
import { createAgencies } from '../../src/ledger/agencies/agencies.ts'
import type { EndedKey } from '../../src/log/grace.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { ORIGIN, openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { listen, stop } from '../listen.ts'
import { testHost } from '../test-host.ts'
import { codesOf, policyOf } from './world.ts'

const signerOf = (seed: number) => createLogSigner(ORIGIN, new Uint8Array(32).fill(seed))

describe('audit of a ledger that changed its key', () => {
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  /** Serves a ledger whose key changed after its second entry, and audits it by some of its keys. */
  async function serve(endedKey?: EndedKey) {
    const store = createMemoryStore()
    const before = await openTestLedger(store, { signer: signerOf(1) })
    await before.submit(statementOf('a'))
    await before.changeKey(formatVkey(signerOf(2).vkey))
    const ledger = await openTestLedger(store, { signer: signerOf(2), ...(endedKey && { endedKey }) })
    await ledger.submit(statementOf('b'))
    const host = testHost({ nowMs: () => 0 })
    const agencies = createAgencies({ store, host })
    const policy = () => policyOf(ledger)
    const server = createServer(createApp({ ledger, agencies, policy, operatorKey: 'operator', host, log: silentLog }).callback())
    const url = await listen(server)
    closers.push(
      () => stop(server),
      () => void ledger.close(),
    )
    const run = (logKeys: readonly PolicyKey[]) => {
      const source = createHttpSource({ url, fetch, timeoutMs: 60_000, retries: 0, parallel: 8 })
      return audit({ source, policy: { ...policy(), logKeys }, chains: [], state: createMemoryState(), parallel: 8 })
    }
    return { keys: ledger.logKeys(), run }
  }

  it('is clean where the policy knows both keys, and says which change it does not know', async () => {
    const { keys, run } = await serve()
    equal((await run(keys)).exit, 0)
    deepEqual(codesOf(await run(keys.slice(0, 1))), ['AUDIT_CHECKPOINT_FORGED'])
    deepEqual(codesOf(await run(keys.slice(1))), ['AUDIT_GENESIS_MISMATCH', 'AUDIT_KEY_CHANGE'])
  })

  it('says so too while the old key signs beside the new one, and does not count it after its end', async () => {
    const { keys, run } = await serve({ read: async () => signerOf(1), lacks: () => {}, done: () => {} })
    const [old, next] = keys as [PolicyKey, PolicyKey]
    equal((await run(keys)).exit, 0)
    deepEqual(codesOf(await run([{ vkey: old.vkey, fromSize: 0 }])), ['AUDIT_KEY_CHANGE'])
    deepEqual(codesOf(await run([old])), ['AUDIT_CHECKPOINT_FORGED'])
    deepEqual(codesOf(await run([next])), ['AUDIT_GENESIS_MISMATCH', 'AUDIT_KEY_CHANGE'])
  })
})
