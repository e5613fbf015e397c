/** The tombstone of an erased statement. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { toHex } from '../../../src/core/bytes.ts'
import { encodeEntry } from '../../../src/core/statements/entry.ts'
import { ERASURE_REASONS } from '../../../src/core/statements/erasure.ts'
import { canonicalForm, isRecordStatement, parseAnyStatement, statementType } from '../../../src/core/statements/registry.ts'
import { identityOf } from '../../../src/core/statements/statement.ts'
import { SALT } from './statements.ts'

describe('core/statements/erasure', () => {
  const erasure = { type: 'openseal/erasure@v1', index: 7, reason: { code: 'personal-data' }, by: 'agency', salt: SALT }

  it('has this canonical form, entry and identity, whatever the order of its members', () => {
    const { salt, ...rest } = erasure
    const read = parseAnyStatement({ salt, ...rest })
    const text = `{"by":"agency","index":7,"reason":{"code":"personal-data"},"salt":"${SALT}","type":"openseal/erasure@v1"}`
    equal(canonicalForm(read), text)
    equal(toHex(encodeEntry(text)), '013b728b244b8f134f63e1b45a12138043626fcc2aa3fa56189069a532a1b884fe')
    equal(identityOf(statementType(read.type).body(read)), 'ff3b062acf666b9e7c6468c958ca6b65f076ceac3ad2ac0887daf4e469a36f63')
  })

  it('is about no record and lists no digest, so that nobody finds what it erased by it', () => {
    const read = parseAnyStatement(erasure)
    const { subject, digests } = statementType(read.type)
    deepEqual([isRecordStatement(read), subject(read), digests(read)], [false, undefined, []])
  })

  it('knows four reasons, and that an agency or the operator asked', () => {
    for (const code of ERASURE_REASONS)
      for (const by of ['agency', 'operator']) deepEqual(parseAnyStatement({ ...erasure, reason: { code }, by }).type, erasure.type)
  })

  it('is refused with any member missing, unknown or out of bounds, and the message names it', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      ...['index', 'reason', 'by', 'salt'].map(name => [{ [name]: undefined }, new RegExp(`lacks ${name}`)] as const),
      [{ more: 1 }, /the erasure has an unknown member "more"/],
      [{ index: 0 }, /^index /],
      [{ index: 1.5 }, /^index /],
      [{ index: 2 ** 53 }, /^index /],
      [{ index: '7' }, /^index /],
      [{ reason: 'personal-data' }, /^reason is not an object/],
      [{ reason: {} }, /^reason lacks code/],
      [{ reason: { code: 'correction' } }, /^reason\.code /],
      [{ reason: { code: ['legal'] } }, /^reason\.code /],
      [{ reason: { code: 'legal', text: 'a name' } }, /^reason has an unknown member "text"/],
      [{ by: 'court' }, /^by /],
      [{ by: [] }, /^by /],
      [{ salt: 'short' }, /^salt /],
    ]
    for (const [damage, message] of wrong)
      throws(() => parseAnyStatement(JSON.parse(JSON.stringify({ ...erasure, ...damage }))), { code: 'STATEMENT_MALFORMED', message })
  })
})
