/**
 * The audit by a policy that asks for witnesses: what it looks at, and what it says where they are
 * too few.
 */
import { deepEqual } from 'node:assert/strict'
import { formatCheckpoint, parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosign, createSigner, formatVkey, parseNote, type Signer, signNote } from '../../src/core/tlog/note.ts'
import { ORIGIN, signer } from '../ledger/fixtures.ts'
import { useAnchoredWorld } from './anchored-world.ts'
import { policyOf, type Tamper } from './world.ts'

const WITNESSES = [11, 12, 13].map(byte => createSigner(`witness-${byte}.example`, new Uint8Array(32).fill(byte), 4))
const cosigned = (note: string, witnesses: readonly Signer[]) =>
  note + witnesses.map(witness => cosign(parseNote(note).text, 1_790_000_000, witness)).join('')
/**
 * Adds cosignatures to the checkpoint in the receipt of entry 699, with which the newest anchored
 * checkpoint ends.
 */
const inReceipt =
  (change: (note: string) => string): Tamper =>
  (path, body) => {
    if (path !== '/v1/records/699/receipt') return undefined
    const receipt = JSON.parse(body.toString())
    const [proof, text, signatures] = receipt.proof.split('\n\n')
    return JSON.stringify({ ...receipt, proof: `${proof}\n\n${change(`${text}\n\n${signatures}`)}` })
  }

describe('audit by a policy that asks for witnesses', () => {
  const anchored = useAnchoredWorld()

  const run = async (quorum = 2) => {
    const witnesses = WITNESSES.map(({ vkey }) => formatVkey(vkey))
    const { exit, findings, unfinished } = await anchored.world.run({
      policy: { ...policyOf(anchored.world.served.ledger, [anchored.world.pinned]), witnesses, quorum },
    })
    return [exit, findings.map(({ code }) => code), unfinished.map(({ code, values }) => [code, values])]
  }

  it('is clean where enough of them have cosigned the newest checkpoint, or the newest one that is anchored', async () => {
    anchored.world.proxy.tamper = (path, body) => (path === '/checkpoint' ? cosigned(body.toString(), WITNESSES.slice(0, 2)) : undefined)
    deepEqual(await run(), [0, [], []])
    anchored.world.proxy.tamper = inReceipt(note => cosigned(note, WITNESSES.slice(1)))
    deepEqual(await run(), [0, [], []])
    deepEqual(await run(0), [0, [], []])
  })

  it('does not call too few of them a contradiction, re-derives everything, and says what nobody can tell', async () => {
    deepEqual(await run(), [6, [], [['AUDIT_COSIGNATURES_FEW', { count: 0, quorum: 2 }]]])
    anchored.world.proxy.tamper = inReceipt(note => cosigned(note, WITNESSES.slice(2)))
    deepEqual(await run(), [6, [], [['AUDIT_COSIGNATURES_FEW', { count: 1, quorum: 2 }]]])
    // One that signs twice counts once.
    anchored.world.proxy.tamper = inReceipt(note => cosigned(cosigned(note, WITNESSES.slice(2)), WITNESSES.slice(2)))
    deepEqual(await run(), [6, [], [['AUDIT_COSIGNATURES_FEW', { count: 1, quorum: 2 }]]])
  })

  it('finds a false signature in the name of a witness, and a cosigned checkpoint that is not of this history', async () => {
    const stranger = createSigner(WITNESSES[0]!.vkey.name, new Uint8Array(32).fill(99), 4)
    const lie = (note: string) => cosigned(note, [{ ...stranger, vkey: WITNESSES[0]!.vkey }])
    anchored.world.proxy.tamper = (path, body) => (path === '/checkpoint' ? lie(body.toString()) : undefined)
    deepEqual((await run()).slice(0, 2), [5, ['AUDIT_CHECKPOINT_FORGED']])
    const other = signNote(formatCheckpoint({ origin: ORIGIN, size: 700, root: new Uint8Array(32).fill(9) }), signer)
    anchored.world.proxy.tamper = inReceipt(() => cosigned(other, WITNESSES))
    deepEqual((await run()).slice(0, 2), [5, ['AUDIT_HISTORY_REWRITTEN']])
    deepEqual(parseCheckpoint(parseNote(other).text).size, 700)
  })
})
