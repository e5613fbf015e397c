/** The genesis, entry 0 of every ledger. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { canonicalJson, type Json } from '../../../src/core/json.ts'
import { canonicalForm, parseAnyStatement } from '../../../src/core/statements/registry.ts'
import { SALT } from './statements.ts'

describe('core/statements/genesis', () => {
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
    equal(canonicalForm(read), canonicalJson(genesis))
  })

  it('may name the code of each contract, and need not, as in ledgers that began before', () => {
    const anchors = [{ ...genesis.anchors[0], codeSha256: 'ef'.repeat(32) }]
    deepEqual(parseAnyStatement({ ...genesis, anchors } as Json), { ...genesis, anchors })
    for (const codeSha256 of ['EF'.repeat(32), 'ef'.repeat(31), `0x${'ef'.repeat(32)}`, 7, null])
      throws(() => parseAnyStatement({ ...genesis, anchors: [{ ...genesis.anchors[0], codeSha256 }] } as Json), {
        code: 'STATEMENT_MALFORMED',
      })
  })

  it('refuses a key of another name, unknown members, a bad time, salt or anchor', () => {
    const [anchor] = genesis.anchors
    for (const change of [
      { anchors: [{ ...anchor, contract: `${anchor!.contract}0` }] },
      { anchors: [{ ...anchor, contract: ` ${anchor!.contract}` }] },
      { anchors: [{ ...anchor, logId: `${anchor!.logId}0` }] },
      { anchors: [{ ...anchor, logId: ` ${anchor!.logId}` }] },
      { anchors: Array(65).fill(anchor) },
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

  it('names the member that is not what it must be', () => {
    const refuses = (change: object, message: RegExp) =>
      throws(() => parseAnyStatement({ ...genesis, ...change } as Json), { code: 'STATEMENT_MALFORMED', message })
    for (const name of ['origin', 'logKey', 'anchors', 'created', 'salt']) refuses({ [name]: 7 }, new RegExp(`^${name} `))
    for (const name of ['chainId', 'contract', 'logId'])
      refuses({ anchors: [{ ...genesis.anchors[0], [name]: [] }] }, new RegExp(`${name} `))
    refuses({ more: 1 }, /^the genesis has an unknown member "more"/)
  })

  it('may have up to 64 anchors, and 128 KiB', () => {
    const anchors = Array(64).fill(genesis.anchors[0])
    deepEqual(parseAnyStatement({ ...genesis, anchors } as Json), { ...genesis, anchors })
    const room = 128 * 1024 - canonicalJson(genesis).length
    parseAnyStatement({ ...genesis, logKey: genesis.logKey + 'A'.repeat(room) })
    throws(() => parseAnyStatement({ ...genesis, logKey: genesis.logKey + 'A'.repeat(room + 1) }), { code: 'STATEMENT_TOO_LARGE' })
  })
})
