/**
 * The receipts of a package: fetched in ranges, each checked, and kept as one file with a receipt a
 * line.
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { parseReceipt, type Receipt, receiptIndex } from '../core/receipt.ts'
import { identityOf, parseStatement, statementBody } from '../core/statements/statement.ts'
import type { Client } from './client.ts'
import { readAnswer } from './client-error.ts'
import { FileError } from './hash-file.ts'
import { fileLines } from './lines.ts'
import { replaceFile } from './receipt-file.ts'
import { identityIn, isBetter, type Received, type Receiver, type Standing, type StateCounts } from './received.ts'

/**
 * How many of the receipts are in each state; `missing` are those that the ledger did not return.
 */
export type ReceiptCounts = StateCounts & { readonly missing: number }

export const NO_RECEIPTS: ReceiptCounts = { anchored: 0, sealed: 0, unchecked: 0, disowned: 0, missing: 0 }

const MAX_RECEIPTS = 10_000
const MAX_GAP = 32

/** The identities of the statements in a file with one a line, in its order. */
export async function readIdentities(spool: string): Promise<string[]> {
  const identities: string[] = []
  for await (const line of fileLines(spool))
    if (line !== '') identities.push(identityOf(statementBody(parseStatement(JSON.parse(line), { salted: false }))))
  return identities
}

/**
 * Writes the receipts of these indexes, given with the identity of each statement. Existing
 * receipts are kept, unless the new one is of the same statement and better.
 * @throws CommandError if one is invalid; then nothing is written
 */
export async function writeReceiptLines(
  { client, receiver }: { readonly client: Client; readonly receiver: Receiver },
  path: string,
  wanted: ReadonlyMap<number, string>,
): Promise<ReceiptCounts> {
  const counts = { ...NO_RECEIPTS, missing: wanted.size }
  if (wanted.size === 0) return counts
  const spool = `${path}.new`
  const states = new Map<number, Received['state']>()
  async function* fetched() {
    for await (const received of readReceived(client, receiver, wanted)) {
      states.set(received.index, received.state)
      yield `${received.text}\n`
    }
  }
  try {
    await replaceFile(spool, fetched())
    const kept = new Map<number, Standing['state']>()
    await replaceFile(path, merged({ path, spool, receiver, wanted, states, kept }))
    for (const [index, state] of states) counts[kept.get(index) ?? state]++
    return { ...counts, missing: wanted.size - states.size }
  } finally {
    await rm(spool, { force: true })
  }
}

/**
 * Fetches the receipts of these indexes, given with the identity of each statement, and checks
 * each.
 */
export async function* readReceived(client: Client, receiver: Receiver, wanted: ReadonlyMap<number, string>): AsyncGenerator<Received> {
  const seen = new Set<number>()
  for (const { from, to } of rangesOf([...wanted.keys()])) {
    for await (const line of client.readLines(`/v1/receipts/${from}/${to}`)) {
      const { index, receipt } = readAnswer(client.url, line) as { index: number; receipt?: unknown }
      const identity = wanted.get(index)
      if (identity === undefined || receipt === undefined || seen.has(index)) continue
      seen.add(index)
      yield await receiver.check(JSON.stringify(receipt), { index, identity })
    }
  }
}

type Merge = {
  readonly path: string
  readonly spool: string
  readonly receiver: Receiver
  readonly wanted: ReadonlyMap<number, string>
  readonly states: ReadonlyMap<number, Received['state']>
  readonly kept: Map<number, Standing['state']>
}

/** The existing lines that are kept, then the new ones. */
async function* merged({ path, spool, receiver, wanted, states, kept }: Merge): AsyncGenerator<string> {
  if (existsSync(path)) {
    for await (const line of fileLines(path)) {
      if (line === '') continue
      const { receipt, index } = readOldLine(line, path)
      const state = states.get(index)
      const isSame = state !== undefined && identityIn(receipt) === wanted.get(index)
      if (isSame && (kept.has(index) || (await isBetter(receiver, { state }, line)))) continue
      if (isSame) kept.set(index, (await receiver.standing(line))?.state ?? 'sealed')
      yield `${line}\n`
    }
  }
  for await (const line of fileLines(spool)) if (line !== '' && !kept.has(receiptIndex(parseReceipt(line)))) yield `${line}\n`
}

function readOldLine(line: string, path: string): { receipt: Receipt; index: number } {
  try {
    const receipt = parseReceipt(line)
    return { receipt, index: receiptIndex(receipt) }
  } catch (cause) {
    throw new FileError('FILE_EXISTS', `${path} is there already and holds something else than receipts. Move it away first.`, { cause })
  }
}

/**
 * Ranges that cover the indexes, in few requests rather than exact ones: `from` inclusive, `to`
 * exclusive.
 */
function rangesOf(indexes: readonly number[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = []
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && index - last.to <= MAX_GAP && index - last.from < MAX_RECEIPTS) last.to = index + 1
    else ranges.push({ from: index, to: index + 1 })
  }
  return ranges
}
