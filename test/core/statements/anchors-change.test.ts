/** The change of the log's anchors. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { canonicalJson, type Json } from '../../../src/core/json.ts'
import { canonicalForm, parseAnyStatement } from '../../../src/core/statements/registry.ts'
import { SALT } from './statements.ts'

describe('core/statements/anchors-change', () => {
  const anchor = {
    type: 'evm',
    chainId: 1,
    contract: `0x${'ab'.repeat(20)}`,
    codeSha256: 'ef'.repeat(32),
    logId: `0x${'cd'.repeat(32)}`,
  }
  const change = {
    type: 'openseal/anchors@v1',
    origin: 'log.example/one',
    anchors: [anchor, { ...anchor, chainId: 10 }],
    created: '2026-11-23T10:00:00Z',
    salt: SALT,
  }

  it('is read, and has its RFC 8785 form', () => {
    const read = parseAnyStatement(change)
    deepEqual(read, change)
    equal(canonicalForm(read), canonicalJson(change))
  })

  it('is refused with any member missing, unknown or out of bounds', () => {
    for (const damage of [
      ...Object.keys(change)
        .filter(name => name !== 'type')
        .map(name => ({ [name]: undefined })),
      { more: 1 },
      { origin: '' },
      { anchors: [] },
      { anchors: Array.from({ length: 65 }, (_, at) => ({ ...anchor, chainId: at + 1 })) },
      { anchors: [{ ...anchor, codeSha256: undefined }] },
      { anchors: [{ ...anchor, codeSha256: 'EF'.repeat(32) }] },
      { anchors: [{ ...anchor, codeSha256: ` ${anchor.codeSha256}` }] },
      { anchors: [{ ...anchor, contract: `0x${'AB'.repeat(20)}` }] },
      { anchors: [{ ...anchor, production: true }] },
      { created: 'today' },
      { salt: 'A' },
    ]) {
      const damaged = JSON.parse(JSON.stringify({ ...change, ...damage }))
      throws(() => parseAnyStatement(damaged), { code: 'STATEMENT_MALFORMED' }, JSON.stringify(damage))
    }
    throws(() => parseAnyStatement({ ...change, anchors: [{ ...anchor, type: 'btc' }] } as Json), { code: 'STATEMENT_UNSUPPORTED' })
    throws(() => parseAnyStatement({ ...change, origin: 'A'.repeat(128 * 1024) }), { code: 'STATEMENT_TOO_LARGE' })
  })

  it('lists no log twice, whatever code is claimed for it', () => {
    const twice = { ...change, anchors: [anchor, { ...anchor, codeSha256: '00'.repeat(32) }] }
    throws(() => parseAnyStatement(twice as Json), { code: 'STATEMENT_MALFORMED', message: 'anchors[1] is listed twice' })
  })
})
