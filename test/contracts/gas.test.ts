// The gas limits that the documentation promises, and the published table itself.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { formatGasPage, type GasRow, LIMITS, measureGas } from '../../scripts/gas.ts'

describe('docs/results/gas.md', () => {
  let rows: readonly GasRow[]

  before(async () => {
    rows = await measureGas()
  })

  it('shows an anchor of at most a million records within its limit, from the costliest earlier size too', () => {
    const anchors = rows.filter(row => row.call === 'anchor' && row.records <= 1_000_000)
    assert.equal(anchors.length, 9)
    for (const row of anchors) assert.ok(row.gas <= LIMITS.anchor, `${row.records} records, ${row.what}: ${row.gas}`)
  })

  it('shows an inclusion check within its limit above the base cost', () => {
    const checks = rows.filter(row => row.call === 'verifyInclusion')
    assert.equal(checks.length, 3)
    for (const row of checks) assert.ok(row.gas <= LIMITS.inclusion, `${row.records} records: ${row.gas}`)
  })

  it('has the figures that are measured', () => {
    const page = readFileSync(new URL('../../docs/results/gas.md', import.meta.url), 'utf8')
    assert.equal(page, formatGasPage(rows), 'run: npm run gas -- --write')
  })
})
