/** A receipt that witnesses and a time stamp vouch for, with its file and a policy that asks for both. */

import { toBase64 } from '../../src/core/bytes.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { issue, issuedBy, type KeyKind, stamp, TIME_STAMPING } from '../timestamp/authority.ts'
import { createWorld, FILE, GENESIS, LOG, ORIGIN, STATEMENT } from './world.ts'

const WITNESSES = [2, 3, 4].map(byte => createSigner(`witness-${byte}.example`, new Uint8Array(32).fill(byte), 4))

/** Three cosignatures, and a token whose signer chains to a root through a CA. */
export async function stampedReceipt(kind: KeyKind = 'rsa') {
  const world = createWorld([GENESIS, STATEMENT])
  const { size, root } = world
  const ca = issue({ name: 'One Root', ca: true, kind, usage: 0x06 })
  const middle = issuedBy(ca, { name: 'One CA', ca: true, kind, serial: 2, usage: 0x06 })
  const signer = issuedBy(middle, { name: 'One TSA', kind, serial: 3, purposes: [TIME_STAMPING], usage: 0xc0 })
  const data = Buffer.from(formatCheckpoint({ origin: ORIGIN, size, root }))
  const token = toBase64(stamp({ data, signer, certificates: [signer, middle] }))
  const receipt = await world.receipt(1, { witnesses: WITNESSES, hints: [{ type: 'rfc3161', size, token }] })
  const policy = JSON.stringify({
    type: 'openseal/policy@v1',
    origin: ORIGIN,
    logKeys: [{ vkey: formatVkey(LOG.vkey) }],
    witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)),
    quorum: 3,
    anchors: [{ type: 'rfc3161', name: 'One', certificates: [toBase64(ca.der)], production: true }],
  })
  return { receipt, policy, parsed: parsePolicy(policy), file: Buffer.from(FILE) }
}
