/** The statements of the log and their receipts. */
import { anchorHint } from '../anchor/final-anchors.ts'
import type { StoredToken } from '../anchor/stored.ts'
import type { VouchedRound, VouchedRounds } from '../anchor/vouched.ts'
import { hashLeaf } from '../core/hash.ts'
import { formatReceipt, type ReceiptToken } from '../core/receipt.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { type QuotedNote, quoteNote } from '../core/tlog/tlog-proof.ts'
import { readStatement, readUnchecked } from '../log/checked-statements.ts'
import { LedgerError } from '../log/errors.ts'
import type { LoggedChange } from '../log/log-keys.ts'
import type { Prover } from '../log/prover.ts'
import type { LogView } from '../log/view.ts'
import type { Documents } from '../store/port/documents.ts'
import type { LogStore } from '../store/port/log.ts'
import type { Requests } from './erasure/requests.ts'

export type Statements = {
  /**
   * The canonical text of a statement; undefined if it was erased, or waits to be erased.
   * @throws LedgerError RECORD_NOT_FOUND beyond the head
   */
  statement(index: number): Promise<string | undefined>
  /**
   * The same, also while it waits to be erased: for what is derived from it, never to be shown.
   * @throws LedgerError RECORD_NOT_FOUND beyond the head
   */
  heldStatement(index: number): Promise<string | undefined>
  /**
   * The receipt's text, anchored as soon as a final anchor covers the index.
   * @throws LedgerError RECORD_NOT_FOUND, RECORD_ERASED, RECORD_ERASING
   */
  receipt(index: number): Promise<string>
  /** The same without its newline, for a statement that the caller has at hand. */
  receiptOf(index: number, statementText: string): Promise<string>
  /** The receipt of a change of the log's key, under the key that it ended. */
  keyReceipt(change: LoggedChange): Promise<string>
}

type Deps = {
  readonly store: LogStore & Documents
  readonly view: LogView
  readonly prover: Prover
  readonly vouched: Pick<VouchedRounds, 'covering' | 'cosigned' | 'at'>
  readonly requests: Pick<Requests, 'due'>
}

/** Creates the part of a ledger that reads statements and writes receipts. */
export function createStatements({ store, view, prover, vouched, requests }: Deps): Statements {
  /** The note of the last receipt: consecutive ones often share a checkpoint. */
  let last: { readonly note: string; readonly quoted: QuotedNote } | undefined
  const quote = (note: string): QuotedNote => {
    if (last?.note !== note) last = { note, quoted: quoteNote(note) }
    return last.quoted
  }

  async function assertReached(index: number): Promise<void> {
    if (!Number.isSafeInteger(index) || index < 0 || !(await view.reaches(index + 1)))
      throw new LedgerError('RECORD_NOT_FOUND', `There is no record ${index} in this ledger.`)
  }

  async function heldStatement(index: number): Promise<string | undefined> {
    await assertReached(index)
    const bytes = await readStatement(store, view.nodes, index)
    return bytes === undefined ? undefined : decodeText(bytes)
  }

  /** For a receipt, whose proof is verified from this text: so the leaf is not compared here. */
  async function statementForReceipt(index: number): Promise<string> {
    const due = await requests.due(index)
    await assertReached(index)
    if (due !== undefined)
      throw new LedgerError('RECORD_ERASING', `The statement of record ${index} is no longer shown. It will be erased after ${due}.`)
    const bytes = await readUnchecked(store, index)
    if (bytes !== undefined) return decodeText(bytes)
    throw new LedgerError('RECORD_ERASED', `The statement of record ${index} was erased. Receipts handed out before stay valid.`)
  }

  /** By the checkpoint of a size, with what vouches for it. */
  async function format(index: number, statementText: string, { size, checkpoint, cosignatures, timestamps, anchors }: VouchedRound) {
    const leafHash = hashLeaf(encodeEntry(statementText))
    const note = (checkpoint ?? (await prover.checkpointAt(size))) + cosignatures.map(({ line }) => `${line}\n`).join('')
    const proof = { index, proof: await prover.inclusionHashes(index, size, leafHash), note }
    return formatReceipt({ statementText, proof, anchors: [...timestamps.map(tokenOf), ...anchors.map(anchorHint)] }, quote(note))
  }

  /** The first final round; otherwise the newest that enough witnesses have signed, or the head. */
  async function receiptOf(index: number, statementText: string): Promise<string> {
    const round = (await vouched.covering(index)) ?? (await vouched.cosigned(index))
    if (round !== undefined) return format(index, statementText, round)
    const { size, note } = view.head()
    return format(index, statementText, { size, checkpoint: note, cosignatures: [], timestamps: [], anchors: [], isCosigned: false })
  }

  return {
    statement: async index => ((await requests.due(index)) === undefined ? heldStatement(index) : undefined),
    heldStatement,
    receipt: async index => `${await receiptOf(index, await statementForReceipt(index))}\n`,
    receiptOf,
    async keyReceipt({ index, note }) {
      const size = index + 1
      return `${await format(index, await statementForReceipt(index), { ...(await vouched.at(size)), checkpoint: note })}\n`
    },
  }
}

/** The time stamp as a receipt carries it. */
function tokenOf({ size, token }: StoredToken): ReceiptToken {
  return { type: 'rfc3161', size, token }
}

function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
