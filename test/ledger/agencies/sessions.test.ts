/** Sessions: random tokens that are stored hashed, and end with their time or with their key. */
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { createAgencies } from '../../../src/ledger/agencies/agencies.ts'
import { createSessions } from '../../../src/ledger/agencies/sessions.ts'
import { createMemoryStore } from '../../../src/store/memory/memory.ts'
import { testHost } from '../../test-host.ts'

const HOUR_MS = 3_600_000
const AGENCY = 'city.example'

describe('sessions', () => {
  let nowMs: number
  beforeEach(() => {
    nowMs = Date.UTC(2026, 0, 1)
  })
  const open = async (operatorKey = 'operator-key-of-the-tests') => {
    const store = createMemoryStore()
    const means = { store, host: testHost({ nowMs: () => nowMs }) }
    const agencies = createAgencies(means)
    await agencies.add({ id: AGENCY, name: 'The City' })
    const again = (key = operatorKey) => createSessions({ ...means, agencies: createAgencies(means), operatorKey: key })
    return { store, agencies, sessions: createSessions({ ...means, agencies, operatorKey }), again }
  }

  it('gives every session another token, and stores only its hash', async () => {
    const { store, sessions } = await open()
    const tokens = [await sessions.open({ kind: 'operator' }), await sessions.open({ kind: 'operator' })]
    notEqual(tokens[0], tokens[1])
    const stored = JSON.stringify(await store.listDocuments('sessions'))
    for (const token of tokens) ok(!stored.includes(token))
    equal(await sessions.read('A'.repeat(43)), undefined)
  })

  it('goes on after a restart and on another node', async () => {
    const { agencies, sessions, again } = await open()
    const { keyId } = await agencies.addKey(AGENCY, { role: 'admin' })
    const holder = { kind: 'agency', agency: AGENCY, keyId, role: 'admin' } as const
    deepEqual(await again().read(await sessions.open(holder)), holder)
  })

  it('ends after eight hours, when it is closed, and when the clock was set far back', async () => {
    const { sessions } = await open()
    const token = await sessions.open({ kind: 'operator' })
    nowMs += 8 * HOUR_MS - 1
    deepEqual(await sessions.read(token), { kind: 'operator' })
    nowMs += 1
    equal(await sessions.read(token), undefined)
    nowMs -= 10 * HOUR_MS
    equal(await sessions.read(token), undefined)
    nowMs += 3 * HOUR_MS
    await sessions.close(token)
    equal(await sessions.read(token), undefined)
  })

  it('ends at once with its key, on every node', async () => {
    const { agencies, sessions, again } = await open()
    const made = await agencies.addKey(AGENCY, { expires: '2026-01-01T01:00:00Z' })
    const token = await sessions.open({ kind: 'agency', ...(await agencies.authenticate(made.key)) })
    const other = await agencies.addKey(AGENCY, {})
    const revoked = await sessions.open({ kind: 'agency', ...(await agencies.authenticate(other.key)) })
    const node = again()
    ok(await node.read(revoked))
    await agencies.revokeKey(AGENCY, other.keyId)
    equal(await node.read(revoked), undefined)
    ok(await node.read(token))
    nowMs += HOUR_MS
    equal(await node.read(token), undefined)
  })

  it("ends with the operator's key", async () => {
    const { sessions, again } = await open()
    const token = await sessions.open({ kind: 'operator' })
    equal(await again('another-operator-key').read(token), undefined)
  })

  it('keeps sixteen sessions of a key, and no ended ones', async () => {
    const { store, sessions } = await open()
    const first = await sessions.open({ kind: 'operator' })
    nowMs += 1000
    for (let n = 0; n < 16; n++) await sessions.open({ kind: 'operator' })
    equal(await sessions.read(first), undefined)
    nowMs += 8 * HOUR_MS
    await sessions.open({ kind: 'operator' })
    equal((await store.listDocuments('sessions')).length, 1)
  })
})
