/** The receipts of many files, each written beside its file. */
import { OpenSealError } from '../../core/errors.ts'
import { parseReceipt, receiptIndex } from '../../core/receipt.ts'
import { identityOf, parseStatement, statementBody } from '../../core/statements/statement.ts'
import type { Client } from '../client.ts'
import { fileLines } from '../lines.ts'
import { remark, startProgress } from '../output.ts'
import { readIfThere, receiptPath, receiptsPath, replaceFile, writeReceiptOfVersion } from '../receipt-file.ts'
import { NO_RECEIPTS, type ReceiptCounts, readReceived, writeReceiptLines } from '../receipt-lines.ts'
import { identityIn, isBetter, ownFault, type Received, type Receiver } from '../received.ts'
import type { PlannedEntry } from './plan.ts'

/** The statements of an entry that are in the log: their indexes by the line in the spool. */
export type Sealed = { readonly entry: PlannedEntry; readonly indexes: ReadonlyMap<number, number> }

type Asking = { readonly client: Client; readonly receiver: Receiver }
type Counts = { -readonly [state in keyof ReceiptCounts]: number }

/** The work of an entry: the identities by index, and their outcome. */
type Waiting = { readonly entry: PlannedEntry; readonly open: Map<number, string>; readonly received: Received[] }

/** Each write waits for the disk, so a few run at once. */
const WRITES_AT_ONCE = 16
/** Receipts of more releases are not collected in memory, but written file by file. */
const MAX_COLLECTED = 1000

/**
 * Writes what is missing, with few requests for all files. A receipt that is there already is
 * fetched again only if `renew` says so. Returns how many are in each state; those that were there
 * count as sealed.
 */
export async function writeAllReceipts(asking: Asking, spool: string, sealed: readonly Sealed[], renew: boolean): Promise<ReceiptCounts> {
  const counts: Counts = { ...NO_RECEIPTS }
  const identities = await identitiesOf(spool, new Set(sealed.flatMap(({ indexes }) => [...indexes.keys()])))
  const waiting: Waiting[] = []
  for (const { entry, indexes } of sealed) {
    const all = new Map([...indexes].map(([line, index]) => [index, identities.get(line)!] as const))
    const open = renew ? all : await missingOf(entry, all)
    counts.sealed += all.size - open.size
    if (!entry.isOcds || (open.size <= MAX_COLLECTED && !renew)) waiting.push({ entry, open, received: [] })
    else await guarded(counts, open.size, async () => add(counts, await writeReceiptLines(asking, receiptsPath(entry.paths[0]!), all)))
  }
  await fetchAll(asking, waiting, counts)
  for (const { open } of waiting) counts.missing += open.size
  return counts
}

async function fetchAll({ client, receiver }: Asking, waiting: readonly Waiting[], counts: Counts): Promise<void> {
  const wanted = new Map(waiting.flatMap(({ open }) => [...open]))
  const byIndex = new Map<number, Waiting[]>()
  for (const each of waiting) for (const index of each.open.keys()) byIndex.set(index, [...(byIndex.get(index) ?? []), each])
  const progress = startProgress('writing receipts', wanted.size)
  let writing: Promise<void>[] = []
  let done = 0
  try {
    for await (const received of readReceived(client, receiver, wanted)) {
      for (const each of byIndex.get(received.index) ?? []) {
        each.open.delete(received.index)
        each.received.push(received)
        if (each.open.size === 0) writing.push(guarded(counts, each.received.length, () => write(receiver, each, counts)))
      }
      progress.update(++done)
      if (writing.length < WRITES_AT_ONCE) continue
      await Promise.all(writing)
      writing = []
    }
  } finally {
    await Promise.all(writing)
    progress.stop()
  }
}

async function write(receiver: Receiver, { entry, received }: Waiting, counts: Counts): Promise<void> {
  if (entry.isOcds) await appendLines(receiptsPath(entry.paths[0]!), received)
  else
    for (const each of received)
      for (const path of entry.paths) await writeReceiptOfVersion(path, `${each.text}\n`, old => isBetter(receiver, each, old))
  for (const { state } of received) counts[state]++
}

/** Adds receipts to those of a package, and drops old ones that prove nothing. */
async function appendLines(path: string, received: readonly Received[]): Promise<void> {
  const fresh = new Set(received.map(({ index }) => index))
  const kept = linesOf((await readIfThere(path)) ?? '').filter(line => {
    const index = receiptIndex(parseReceipt(line)) // anything but a receipt is not ours to change
    return ownFault(line) === undefined || !fresh.has(index)
  })
  await replaceFile(path, `${[...kept, ...received.map(({ text }) => text)].join('\n')}\n`)
}

/** The receipts that are not beside the files yet. */
async function missingOf({ isOcds, paths }: PlannedEntry, all: ReadonlyMap<number, string>): Promise<Map<number, string>> {
  const there = await Promise.all((isOcds ? [receiptsPath(paths[0]!)] : paths.map(receiptPath)).map(identitiesBeside))
  return new Map([...all].filter(([index, identity]) => there.some(found => found.get(index) !== identity)))
}

async function identitiesBeside(path: string): Promise<Map<number, string | undefined>> {
  try {
    // One that proves nothing is as good as missing.
    const texts = linesOf((await readIfThere(path)) ?? '').filter(text => ownFault(text) === undefined)
    const receipts = texts.map(text => parseReceipt(text))
    return new Map(receipts.map(receipt => [receiptIndex(receipt), identityIn(receipt)]))
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return new Map() // damaged, which is reported when it would be replaced
  }
}

/** A receipt that cannot be written is missing, and keeps none of the others. */
async function guarded(counts: Counts, number: number, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    if (!(error instanceof OpenSealError) || error.code.startsWith('LEDGER_')) throw error
    counts.missing += number
    remark(`${error.message} [${error.code}]`)
  }
}

/** The identities of the statements in these lines. */
async function identitiesOf(spool: string, lines: ReadonlySet<number>): Promise<Map<number, string>> {
  const identities = new Map<number, string>()
  let number = 0
  for await (const line of fileLines(spool)) {
    number++
    if (lines.has(number)) identities.set(number, identityOf(statementBody(parseStatement(JSON.parse(line), { salted: false }))))
  }
  return identities
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(line => line.trim() !== '')
}

function add(counts: Counts, more: ReceiptCounts): void {
  for (const state of Object.keys(more) as (keyof ReceiptCounts)[]) counts[state] += more[state]
}
