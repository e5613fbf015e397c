/** Receipts as one ZIP archive, made while it is sent. */
import { Readable } from 'node:stream'
import { configure, TextReader, ZipWriter } from '@zip.js/zip.js/lib/zip-core-native.js'
import type { Ledger } from '../../ledger/ledger.ts'
import { LedgerError } from '../../log/errors.ts'
import { breathe } from '../../turns.ts'
import { receiptName } from '../../web/receipt-name.ts'
import { RequestError } from '../problem.ts'

/** The most that the verify page opens. */
const MAX_RECEIPTS = 10_000

configure({ useWebWorkers: false })

/**
 * The indexes in a text such as `3-7,12`, each of an entry of the log. Throws RANGE_MALFORMED,
 * RANGE_TOO_LARGE.
 */
export async function readIndexes(text: string, { hasEntry }: Pick<Ledger, 'hasEntry'>): Promise<number[]> {
  const indexes = new Set<number>()
  // Counts those that are named twice, too: each takes a moment.
  let named = 0
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part) ?? []
    if (first === undefined || Number(first) > Number(last) || !(await hasEntry(Number(last))))
      throw new RequestError('RANGE_MALFORMED', 'Name entries by their numbers, such as 3-7,12.')
    named += Number(last) - Number(first) + 1
    if (named > MAX_RECEIPTS) throw new RequestError('RANGE_TOO_LARGE', `Ask for at most ${MAX_RECEIPTS} receipts at once.`)
    for (let index = Number(first); index <= Number(last); index++) indexes.add(index)
  }
  return [...indexes]
}

/**
 * The archive. Each receipt is named by its first document; a name that is taken gets the index in
 * front.
 */
export function zipReceipts(indexes: readonly number[], { receipt }: Pick<Ledger, 'receipt'>): Readable {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const fill = async () => {
    const writer = new ZipWriter(writable, { level: 0 })
    const taken = new Set<string>()
    for (const index of indexes) {
      await breathe()
      const text = await receipt(index).catch(passingErased)
      if (text === undefined) continue
      let name = nameOf(index, text)
      // The name with the index may be that of another document.
      while (taken.has(sameFile(name))) name = `${index}-${name}`
      taken.add(sameFile(name))
      await writer.add(name, new TextReader(text))
    }
    await writer.close()
  }
  fill().catch(error => writable.abort(error).catch(() => {}))
  return Readable.fromWeb(readable as never)
}

/** Entries whose statements were erased, or wait for it, have no receipt. */
function passingErased(error: unknown): undefined {
  if (!(error instanceof LedgerError) || !['RECORD_ERASED', 'RECORD_ERASING'].includes(error.code)) throw error
}

/** Equal for names that some system takes for one file. */
function sameFile(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

function nameOf(index: number, text: string): string {
  const { statement } = JSON.parse(text) as { statement: { documents?: readonly { name: string }[] } }
  return receiptName(index, statement.documents?.[0]?.name)
}
