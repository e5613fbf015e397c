/** The genesis, entry 0 of every ledger. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { canonicalJson, type Json } from '../../src/core/json.ts'
import { canonicalStatement, parseAnyStatement } from '../../src/core/statement.ts'
import { SALT } from './statements.ts'

describe('core/genesis', () => {
  const genesis = {
    type: 'openseal/genesis@v1',
    origin: 'log.example/one',
    logKey: 'log.example/one+00000000+AAAA',
    anchors: [{ type: 'evm', chainId: 1, contract: `0x${'ab'.repeat(20)}`, logId: `0x${'cd'.repeat(32)}` }],
    created: '2026-11-23T10:00:00Z',
    salt: SALT,
  }

  it('is read, and has its RFC 8785 form', () => {
    const read = parseAnyStatement(genesis)
    deepEqual(read, genesis)
    equal(canonicalStatement(read), canonicalJson(genesis))
  })

  it('refuses a key of another name, unknown members, a bad time, salt or anchor', () => {
    const [anchor] = genesis.anchors
    for (const change of [
      { logKey: 'other+00000000+AAAA' },
      { origin: '' },
      { more: 1 },
      { created: 'today' },
      { salt: 'A' },
      { anchors: {} },
      { anchors: [{ ...anchor, chainId: 0 }] },
      { anchors: [{ ...anchor, contract: `0x${'AB'.repeat(20)}` }] },
      { anchors: [{ ...anchor, logId: '0x' }] },
      { anchors: [{ ...anchor, x: 1 }] },
    ]) {
      throws(() => parseAnyStatement({ ...genesis, ...change } as Json), { code: 'STATEMENT_MALFORMED' })
    }
    throws(() => parseAnyStatement({ ...genesis, anchors: [{ ...anchor, type: 'btc' }] } as Json), { code: 'STATEMENT_UNSUPPORTED' })
  })
})
