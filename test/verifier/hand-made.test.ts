/** Receipts that somebody made by hand, so that few vouchers look like many. None is ever green. */
import { deepEqual } from 'node:assert/strict'
import { toBase64 } from '../../src/core/bytes.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import type { ReceiptAnchor } from '../../src/core/receipt.ts'
import { formatTime } from '../../src/core/time.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosign, createSigner, formatVkey, type Signer } from '../../src/core/tlog/note.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import { verify } from '../../src/verifier/verify.ts'
import { type Issued, issue, issuedBy, STAMPED_AT, stamp, TIME_STAMPING } from '../timestamp/authority.ts'
import { createWorld, FILE, GENESIS, hintOf, LOG, listingOf, ORIGIN, STATEMENT, WITNESSES, type World } from './world.ts'

const WORLD = createWorld([GENESIS, STATEMENT])
/** Another history of the same size under the same key. */
const FORK = createWorld([{ ...GENESIS, salt: 'E'.repeat(43) }, STATEMENT])
const YEAR_9999 = 253_402_300_799

const authority = (name: string) => {
  const root = issue({ name: `${name} Root`, ca: true, usage: 0x06 })
  const tsa = issuedBy(root, { name: `${name} TSA`, serial: 2, purposes: [TIME_STAMPING], usage: 0xc0 })
  return { name, root, tsa }
}
const ONE = authority('One')
const TWO = authority('Two')
const textOf = ({ size, root }: World) => formatCheckpoint({ origin: ORIGIN, size, root })
const tokenOf = ({ tsa }: { readonly tsa: Issued }, world = WORLD, size = world.size): ReceiptAnchor => {
  const token = toBase64(stamp({ data: Buffer.from(textOf(world)), signer: tsa, certificates: [tsa] }))
  return { type: 'rfc3161', size, token }
}
const POLICY = parsePolicy(
  JSON.stringify({
    type: 'openseal/policy@v1',
    origin: ORIGIN,
    logKeys: [{ vkey: formatVkey(LOG.vkey) }],
    witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)),
    quorum: 2,
    anchors: [ONE, TWO].map(({ name, root }) => ({ type: 'rfc3161', name, certificates: [toBase64(root.der)], production: true })),
    requireAnchors: 2,
  }),
)

describe('verifier: receipts made by hand', () => {
  const [first, second] = WITNESSES as [Signer, Signer]
  const lineOf = (witness: Signer, { world = WORLD, time = STAMPED_AT } = {}) => cosign(textOf(world), time, witness)
  const ownKey = createSigner(ORIGIN, new Uint8Array(32).fill(1), 4)
  const otherName = createSigner('second.example', new Uint8Array(32).fill(2), 4)
  const both = [lineOf(first), lineOf(second)]
  const two = [tokenOf(ONE), tokenOf(TWO)]

  const ask = async (lines: readonly string[], anchors: readonly ReceiptAnchor[]) => {
    const receipt = JSON.parse(await WORLD.receipt(1, { hints: anchors }))
    const made = JSON.stringify({ ...receipt, proof: receipt.proof + lines.join('') })
    const asked = { file: digestsOf(FILE), policy: POLICY, chain: [], currency: listingOf(WORLD), trust: 'policy' } as const
    const { verdict, isGreen, date, failed } = await verify({ ...asked, receipt: made })
    return [verdict, isGreen, failed ?? date]
  }

  it('take no date from cosignatures, of 1970 or of the year 9999', async () => {
    const lines = [lineOf(first, { time: 0 }), lineOf(second, { time: YEAR_9999 })]
    deepEqual(await ask(lines, two), ['anchored', true, formatTime(STAMPED_AT * 1000)])
  })

  it('are not vouched for by fewer witnesses that sign more than once, or under other names', async () => {
    for (const [what, ...lines] of [
      ['one witness twice', lineOf(first), lineOf(first, { time: 0 })],
      ['the key of the log', lineOf(first), lineOf(ownKey)],
      ['the key of a witness under another name', lineOf(first), lineOf(otherName)],
      ['a signature of another checkpoint', lineOf(first), lineOf(second, { world: FORK })],
      ['the line of one witness in the name of another', lineOf(first), lineOf(first).replace(first.vkey.name, second.vkey.name)],
    ] as const)
      deepEqual(await ask(lines, two), ['invalid', false, 'cosignatures'], what)
  })

  it('are not vouched for by fewer authorities that stamp more than once, or something else', async () => {
    const hint = hintOf(WORLD)
    const again = tokenOf(ONE)
    for (const [what, ...anchors] of [
      ['one authority twice', tokenOf(ONE), again],
      ['one token twice', again, again],
      ['a time stamp of another checkpoint', tokenOf(ONE), tokenOf(TWO, FORK)],
      ['a time stamp of another size', tokenOf(ONE), tokenOf(TWO, WORLD, WORLD.size + 1)],
      ['anchors on two chains that the policy does not name', tokenOf(ONE), hint, { ...hint, chainId: 2 }],
      ['an anchor of a tree to come', tokenOf(ONE), { ...hint, size: WORLD.size + 1 }],
    ] as const)
      deepEqual(await ask(both, anchors), ['sealed', false, undefined], what)
  })
})
