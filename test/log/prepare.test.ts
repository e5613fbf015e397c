/**
 * From a statement to what is logged of it: salts that no two statements share, and look-ups
 * without repeats.
 */
import { deepEqual, equal } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Statement } from '../../src/core/statements/statement.ts'
import { createSalts, prepare } from '../../src/log/prepare.ts'
import { statementOf } from '../ledger/fixtures.ts'

describe('log/prepare', () => {
  it('gives each statement a salt of its own, of 32 drawn bytes that no other gets, over many draws', () => {
    const draws: Buffer[] = []
    const salt = createSalts(count => {
      const drawn = randomBytes(count)
      draws.push(drawn)
      return drawn
    })
    const salts = Array.from({ length: 1000 }, () => salt())
    equal(new Set(salts).size, 1000)
    const drawn = Buffer.concat(draws)
    deepEqual(
      salts,
      Array.from({ length: 1000 }, (_, i) => drawn.subarray(32 * i, 32 * (i + 1)).toString('base64url')),
    )
  })

  it('looks up each digest of a statement once, however often its documents have it', () => {
    const document = { name: 'a', mediaType: 'text/plain', bytes: 1 }
    const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
    const documents = [
      { ...document, sha256: a },
      { ...document, sha256: b, jcs: a },
      { ...document, sha256: a, jcs: a },
      { ...document, sha256: b },
    ]
    const statement: Statement = { ...statementOf('r', 1), documents }
    deepEqual(prepare(statement, () => 'A'.repeat(43)).prepared.digests, [a, b])
  })
})
