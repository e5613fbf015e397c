/** Agencies and their keys: shown once, stored hashed, expiring, revocable at once. */
import assert from 'node:assert/strict'
import { createAgencies } from '../../../src/ledger/agencies/agencies.ts'
import { createMemoryStore } from '../../../src/store/memory/memory.ts'
import { testHost } from '../../test-host.ts'

describe('agencies', () => {
  let nowMs = Date.UTC(2026, 0, 1)
  let steadyMs = 0
  const open = () => {
    const store = createMemoryStore()
    return {
      store,
      agencies: createAgencies({ store, host: testHost({ nowMs: () => nowMs, steadyMs: () => steadyMs }) }),
    }
  }

  it('registers an agency once, under a DNS name only', async () => {
    const { agencies } = open()
    const city = await agencies.add({ id: 'city.example', name: 'The City' })
    assert.deepEqual(city, { id: 'city.example', name: 'The City', created: '2026-01-01T00:00:00Z' })
    await assert.rejects(agencies.add({ id: 'city.example', name: 'Again' }), { code: 'AGENCY_EXISTS' })
    for (const id of ['City.example', 'city', '', 'city..example', '-city.example', `${'a'.repeat(64)}.example`])
      await assert.rejects(agencies.add({ id, name: 'x' }), { code: 'AGENCY_ID_MALFORMED' }, id)
    assert.deepEqual(await agencies.list(), [city])
    await assert.rejects(agencies.get('town.example'), { code: 'AGENCY_NOT_FOUND' })
  })

  it('lets one of two registrations at the same moment through', async () => {
    const { agencies } = open()
    const both = await Promise.allSettled(['One', 'Two'].map(name => agencies.add({ id: 'city.example', name })))
    assert.deepEqual(
      both.map(outcome => outcome.status),
      ['fulfilled', 'rejected'],
    )
  })

  it('knows a key again, and never stores it', async () => {
    const { agencies, store } = open()
    await agencies.add({ id: 'city.example', name: 'The City' })
    const { key, keyId } = await agencies.addKey('city.example', { label: 'script' })
    assert.deepEqual(await agencies.authenticate(key), { agency: 'city.example', keyId, role: 'submit' })
    const stored = JSON.stringify(await store.listDocuments('agency-keys'))
    assert.ok(!stored.includes(key) && !stored.includes(key.slice(-43)))
    assert.deepEqual(await agencies.keys('city.example'), [{ keyId, role: 'submit', label: 'script', created: '2026-01-01T00:00:00Z' }])
  })

  it('refuses a key with one character changed, cut off or made up', async () => {
    const { agencies } = open()
    await agencies.add({ id: 'city.example', name: 'The City' })
    const { key } = await agencies.addKey('city.example', {})
    const changed = key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A')
    for (const wrong of [changed, key.slice(0, -1), `${key} `, '', 'osk_', key.toUpperCase()])
      await assert.rejects(agencies.authenticate(wrong), { code: 'KEY_UNKNOWN' }, wrong)
  })

  it('refuses a revoked key from that moment on, and an expired one from its second on', async () => {
    const { agencies } = open()
    await agencies.add({ id: 'city.example', name: 'The City' })
    const revoked = await agencies.addKey('city.example', {})
    const expiring = await agencies.addKey('city.example', { expires: '2026-01-01T00:00:05Z' })
    assert.equal((await agencies.authenticate(revoked.key)).agency, 'city.example')
    await agencies.revokeKey('city.example', revoked.keyId)
    await agencies.revokeKey('city.example', revoked.keyId)
    await assert.rejects(agencies.authenticate(revoked.key), { code: 'KEY_REVOKED' })
    nowMs += 4999
    assert.equal((await agencies.authenticate(expiring.key)).agency, 'city.example')
    nowMs += 1
    await assert.rejects(agencies.authenticate(expiring.key), { code: 'KEY_EXPIRED' })
  })

  it('notices within a second that another node revoked a key', async () => {
    const { agencies, store } = open()
    const otherNode = createAgencies({ store, host: testHost({ nowMs: () => nowMs }) })
    await agencies.add({ id: 'city.example', name: 'The City' })
    const { key, keyId } = await agencies.addKey('city.example', {})
    assert.equal((await agencies.authenticate(key)).keyId, keyId)
    await otherNode.revokeKey('city.example', keyId)
    // A clock that was set back keeps no key alive.
    nowMs -= 86_400_000
    steadyMs += 1000
    await assert.rejects(agencies.authenticate(key), { code: 'KEY_REVOKED' })
  })

  it('reports at once whether the key of a session is still valid', async () => {
    const { agencies } = open()
    await agencies.add({ id: 'city.example', name: 'The City' })
    const { keyId } = await agencies.addKey('city.example', { role: 'admin', expires: '2026-06-01T00:00:00Z' })
    assert.deepEqual(await agencies.holderOf(keyId), { agency: 'city.example', keyId, role: 'admin' })
    await assert.rejects(agencies.holderOf('0123456789abcdef'), { code: 'KEY_UNKNOWN' })
    await agencies.revokeKey('city.example', keyId)
    await assert.rejects(agencies.holderOf(keyId), { code: 'KEY_REVOKED' })
    const { keyId: expiring } = await agencies.addKey('city.example', { expires: '2025-01-01T00:00:00Z' })
    await assert.rejects(agencies.holderOf(expiring), { code: 'KEY_EXPIRED' })
  })

  it("does not revoke another agency's key", async () => {
    const { agencies } = open()
    await agencies.add({ id: 'city.example', name: 'The City' })
    await agencies.add({ id: 'town.example', name: 'The Town' })
    const { keyId, key } = await agencies.addKey('city.example', {})
    await assert.rejects(agencies.revokeKey('town.example', keyId), { code: 'KEY_NOT_FOUND' })
    assert.equal((await agencies.authenticate(key)).agency, 'city.example')
  })
})
