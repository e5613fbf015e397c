/**
 * `openseal receipt`: fetches a receipt, or completes one that was only sealed when it was handed
 * out.
 */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, parseJson } from '../core/json.ts'
import { parseReceipt, receiptIndex } from '../core/receipt.ts'
import { visibleJson } from '../core/visible.ts'
import { createClient } from './client.ts'
import { CommandError, EXIT_USAGE, parseIndex, UsageError, withExample, withLedger } from './command.ts'
import { FileError } from './hash-file.ts'
import { print, printJson, remark } from './output.ts'
import { readIfThere, receiptPath, receiptsPath, replaceFile, textOf, writeReceipt } from './receipt-file.ts'
import {
  DISOWNED,
  exitOfStates,
  isBetter,
  NOT_ASKED,
  OWN_WORD,
  openReceiver,
  type Receiver,
  type StateCounts,
  type TrustOptions,
  withTrust,
} from './received.ts'

type Options = TrustOptions & { readonly ledger: string; readonly json?: boolean; readonly upgrade?: string; readonly out?: string }

/**
 * A receipt in a file, as one line or as the whole file. `write` returns the text with another
 * receipt in its place.
 */
type Held = { readonly text: string; readonly place: string; write(text: string): string }

/** Fills the command. */
export function addReceipt(command: Command, setExit: (code: number) => void): void {
  const example =
    'openseal receipt 42 --out decision.pdf.receipt.json\nopenseal receipt --upgrade decision.pdf --policy openseal.policy.json'
  withTrust(withLedger(withExample(command, example)))
    .option('--upgrade <file>', 'a document with its receipt beside it, a receipt, or a file with one receipt a line')
    .option('--out <file>', 'write the receipt to a file instead of printing it')
    .addHelpText('after', EXITS)
    .action(async (index: string | undefined, options: Options) => {
      if ((index === undefined) === (options.upgrade === undefined)) throw new UsageError('give either an index or --upgrade FILE')
      setExit(index === undefined ? await upgrade(options.upgrade!, options) : await fetchOne(readIndex(index), options))
    })
}

function readIndex(text: string): number {
  const index = parseIndex(text)
  if (index !== undefined) return index
  throw new UsageError(
    `an index is a number from 0 on, and ${JSON.stringify(text)} is not one. For a file: openseal receipt --upgrade FILE`,
  )
}

async function fetchOne(index: number, options: Options): Promise<number> {
  const receiver = await openReceiver(createClient(options.ledger), options)
  const received = await receiver.read({ index })
  if (options.out === undefined) {
    process.stdout.write(`${visibleJson(received.text)}\n`)
    return 0
  }
  const done = await writeReceipt(options.out, `${received.text}\n`, old => isBetter(receiver, received, old))
  if (options.json) printJson({ index, receipt: options.out, state: received.state, testNetwork: received.isTest, kept: done === 'kept' })
  else
    print(done === 'kept' ? `The existing receipt is as good, and was kept: ${options.out}` : `Receipt of index ${index}: ${options.out}`)
  return 0
}

async function upgrade(file: string, options: Options): Promise<number> {
  const { path, text } = await findReceipts(file)
  const held = readHeld(path, text)
  const receiver = await openReceiver(createClient(options.ledger), options)
  const counts = { anchored: 0, sealed: 0, unchecked: 0, disowned: 0 }
  let [isTest, isChanged] = [false, false]
  const next: string[] = []
  // The first invalid receipt ends the command: a ledger that lied once is not believed again.
  for (const each of held) {
    const standing = await complete(receiver, each)
    if (standing !== undefined) counts[standing.state]++
    isTest ||= standing?.isTest === true
    isChanged ||= standing?.text !== undefined
    next.push(each.write(standing?.text ?? each.text))
  }
  if (isChanged) await replaceFile(path, next.join(''))
  tell(path, counts, { ...options, isTest })
  return exitOfStates(counts)
}

function tell(path: string, counts: StateCounts, { json, isTest, policy }: Options & { isTest: boolean }) {
  const { anchored, sealed, unchecked, disowned } = counts
  const all = anchored + sealed + unchecked + disowned
  if (json) return printJson({ receipt: path, ...counts, testNetwork: isTest })
  const network = isTest ? ', on a test network' : ''
  if (anchored === all) print(`${all === 1 ? 'The receipt is' : `All ${all} receipts are`} anchored${network}: ${path}`)
  else if (all === 1 && sealed === 1) print(`Not enough others vouch for it yet: ${path}`)
  else if (all === 1 && disowned === 1) print(`The receipt is disowned, and the ledger has no better one: ${path}`)
  else if (all === 1) print(`The chain could not be asked, and the receipt stays as it was: ${path}`)
  else {
    const more = disowned === 0 ? '' : `, ${disowned} disowned`
    print(`${anchored} anchored${network}, ${sealed} still waiting to be vouched for, ${unchecked} not checked${more}: ${path}`)
  }
  if (disowned > 0) remark(DISOWNED)
  if (unchecked > 0) remark(NOT_ASKED)
  if (anchored > 0 && policy === undefined) remark(OWN_WORD)
}

/**
 * The receipt unchanged, or the ledger's if only that one is anchored. Undefined for an erased
 * entry in a list of receipts.
 */
async function complete(receiver: Receiver, { text, place }: Held) {
  if (text === '') return undefined
  const before = parseReceipt(text)
  const own = before.anchors.length > 0 ? await receiver.standing(text) : undefined
  if (own?.state === 'anchored') return { ...own, text: undefined }
  const received = await receiver.read({ index: receiptIndex(before), like: before }).catch(error => {
    throw error instanceof CommandError ? new CommandError(error.exit, error.code, `${place}: ${error.message}`, { cause: error }) : error
  })
  if (received.state === 'anchored') return received
  // Nothing vouches for the new receipt more than for the old one, which is kept.
  const state = own?.state === 'disowned' ? own.state : received.claimed || own?.claimed ? received.state : 'sealed'
  return { state, isTest: received.isTest, text: undefined } as const
}

/** The receipts of a file: beside it, or in it. */
async function findReceipts(file: string): Promise<{ path: string; text: string }> {
  for (const path of [receiptPath(file), receiptsPath(file)]) {
    const text = await readIfThere(path)
    if (text !== undefined) return { path, text }
  }
  const bytes = await readFile(file).catch(cause => {
    if (cause.code === 'ENOENT') throw new FileError('FILE_NOT_FOUND', `there is no file ${file}, and no receipt beside it`, { cause })
    throw new FileError('FILE_UNREADABLE', `${file} cannot be read (${cause.code})`, { cause })
  })
  const text = /\.receipt\.json$|\.ndjson$/i.test(file) || looksLikeReceipt(bytes) ? textOf(file, bytes) : undefined
  if (text !== undefined) return { path: file, text }
  throw new FileError(
    'FILE_NOT_FOUND',
    `there is no receipt beside ${file}. Fetch it with: openseal receipt INDEX --out ${receiptPath(file)}`,
  )
}

function looksLikeReceipt(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4096)).toString('latin1').replaceAll('\0', '').includes('openseal/receipt@v')
}

/**
 * One receipt, or one a line: as `submit --ocds` writes them, or with its index as `/v1/receipts`
 * answers.
 */
function readHeld(path: string, text: string): Held[] {
  const lines = text.split('\n').filter(line => line.trim() !== '')
  if (lines.length !== 1 && isReceipt(text)) return [{ text, place: path, write: next => (next === text ? text : `${next}\n`) }]
  return lines.map((line, at) => readHeldLine(line, lines.length === 1 ? path : `${path}, line ${at + 1}`))
}

function readHeldLine(line: string, place: string): Held {
  try {
    const value = parseJson(line)
    if (isJsonObject(value) && value.type === undefined && typeof value.index === 'number') {
      const { index, receipt } = value
      // An entry whose statement was erased no longer has a receipt.
      if (receipt === undefined) return { text: '', place, write: () => `${line}\n` }
      const inner = JSON.stringify(receipt)
      receiptIndex(parseReceipt(inner))
      return { text: inner, place, write: next => `${next === inner ? line : `{"index":${index},"receipt":${next}}`}\n` }
    }
    receiptIndex(parseReceipt(line))
    return { text: line, place, write: next => `${next}\n` }
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw new CommandError(EXIT_USAGE, 'RECEIPT_MALFORMED', `${place} is not a readable receipt: ${cause.message}`, { cause })
  }
}

function isReceipt(text: string): boolean {
  try {
    parseReceipt(text)
    return true
  } catch {
    return false
  }
}

const EXITS = `
Exit codes of --upgrade:
  0  every receipt is vouched for by as many as are required
  3  not enough others vouch for some of them yet
  5  the ledger gave a false answer, and nothing was written
  6  the chain could not be asked
  7  the owner of the log has disowned some of them`
