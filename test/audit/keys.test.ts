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
import { createLogSigner } from '../../src/log/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { ORIGIN, openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { listen, stop } from '../listen.ts'
import { testHost } from '../test-host.ts'
import { codesOf, policyOf } from './world.ts'

const signerOf = (seed: number) => createLogSigner(ORIGIN, new Uint8Array(32).fill(seed))

describe('audit of a ledger that changed its key', () => {
  it('is clean where the policy knows both keys, and says which change it does not know', async () => {
    const store = createMemoryStore()
    const before = await openTestLedger(store, { signer: signerOf(1) })
    await before.submit(statementOf('a'))
    await before.changeKey(formatVkey(signerOf(2).vkey))
    const ledger = await openTestLedger(store, { signer: signerOf(2) })
    await ledger.submit(statementOf('b'))
    const host = testHost({ nowMs: () => 0 })
    const agencies = createAgencies({ store, host })
    const policy = () => policyOf(ledger)
    const server = createServer(createApp({ ledger, agencies, policy, operatorKey: 'operator', host, log: silentLog }).callback())
    const url = await listen(server)
    const run = (logKeys: readonly PolicyKey[]) => {
      const source = createHttpSource({ url, fetch, timeoutMs: 60_000, retries: 0, parallel: 8 })
      return audit({ source, policy: { ...policy(), logKeys }, chains: [], state: createMemoryState(), parallel: 8 })
    }
    const keys = ledger.logKeys()
    equal((await run(keys)).exit, 0)
    deepEqual(codesOf(await run(keys.slice(0, 1))), ['AUDIT_CHECKPOINT_FORGED'])
    deepEqual(codesOf(await run(keys.slice(1))), ['AUDIT_GENESIS_MISMATCH', 'AUDIT_KEY_CHANGE'])
    stop(server)
    await ledger.close()
  })
})
