/** The entry that logs a time stamp. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { canonicalJson } from '../../../src/core/json.ts'
import { canonicalForm, parseAnyStatement, statementType } from '../../../src/core/statements/registry.ts'
import { SALT } from './statements.ts'

describe('core/statements/timestamp', () => {
  const entry = {
    type: 'openseal/timestamp@v1',
    size: 1,
    sha256: 'ab'.repeat(32),
    created: '2026-11-24T00:00:00Z',
    salt: SALT,
  }

  it('is read in any spelling, and written in its canonical form', () => {
    const read = parseAnyStatement(entry)
    deepEqual(read, entry)
    equal(canonicalForm(read), canonicalJson(entry))
    const { subject, digests } = statementType(entry.type)
    deepEqual([subject(read), digests(read)], [undefined, []])
  })

  it('is refused with any member missing, unknown or out of bounds', () => {
    const wrong: readonly object[] = [
      ...['size', 'sha256', 'created', 'salt'].flatMap(name => [{ [name]: undefined }, { [name]: [] }]),
      { more: 1 },
      { size: 0 },
      { size: 1.5 },
      { size: '1' },
      { size: 2 ** 53 },
      { sha256: 'AB'.repeat(32) },
      { sha256: 'ab'.repeat(31) },
      { sha256: `${'ab'.repeat(32)}0` },
      { created: '2026-11-24' },
      { salt: 'short' },
    ]
    for (const damage of wrong) {
      const damaged = JSON.parse(JSON.stringify({ ...entry, ...damage }))
      throws(() => parseAnyStatement(damaged), { code: 'STATEMENT_MALFORMED' }, JSON.stringify(damage))
    }
    throws(() => parseAnyStatement({ ...entry, more: 1 }), { message: /^the time stamp has an unknown member "more"/ })
  })
})
