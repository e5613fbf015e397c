/** The change of the log's key. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { canonicalJson } from '../../../src/core/json.ts'
import { canonicalForm, parseAnyStatement } from '../../../src/core/statements/registry.ts'
import { SALT } from './statements.ts'

describe('core/statements/key-change', () => {
  const change = {
    type: 'openseal/key@v1',
    origin: 'ledger.example/log',
    oldKey: 'ledger.example/log+00000001+Aa==',
    newKey: 'ledger.example/log+00000002+Ab==',
    fromSize: 3,
    created: '2026-11-24T00:00:00Z',
    salt: SALT,
  }

  it('is read in any spelling, and written in its canonical form', () => {
    const read = parseAnyStatement(change)
    deepEqual(read, change)
    equal(canonicalForm(read), canonicalJson(change))
  })

  it('is refused with any member missing, unknown or out of bounds', () => {
    const wrong: readonly object[] = [
      ...Object.keys(change)
        .filter(name => name !== 'type')
        .map(name => ({ [name]: undefined })),
      { more: 1 },
      { origin: '' },
      { origin: 'other.example' },
      { oldKey: 'other.example+00000001+Aa==' },
      { newKey: change.oldKey },
      { newKey: 'ledger.example/logs+00000002+Ab==' },
      { fromSize: 2 },
      { fromSize: 3.5 },
      { fromSize: '3' },
      { created: '2026-11-24' },
      { salt: 'short' },
    ]
    for (const damage of wrong) {
      const damaged = JSON.parse(JSON.stringify({ ...change, ...damage }))
      throws(() => parseAnyStatement(damaged), { code: 'STATEMENT_MALFORMED' }, JSON.stringify(damage))
    }
    const long = { ...change, newKey: `${change.newKey}${'A'.repeat(140 * 1024)}` }
    throws(() => parseAnyStatement(long), { code: 'STATEMENT_TOO_LARGE' })
  })

  it('names the member that is not what it must be', () => {
    for (const name of ['origin', 'oldKey', 'newKey', 'fromSize', 'created', 'salt'])
      throws(() => parseAnyStatement({ ...change, [name]: [] }), { code: 'STATEMENT_MALFORMED', message: new RegExp(`^${name} `) })
    throws(() => parseAnyStatement({ ...change, more: 1 }), { message: /^the change of keys has an unknown member "more"/ })
  })

  it('may have 128 KiB', () => {
    const room = 128 * 1024 - canonicalJson(change).length
    parseAnyStatement({ ...change, newKey: change.newKey + 'A'.repeat(room) })
    throws(() => parseAnyStatement({ ...change, newKey: `${change.newKey}A${'A'.repeat(room)}` }), { code: 'STATEMENT_TOO_LARGE' })
  })
})
