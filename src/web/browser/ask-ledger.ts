/** What the page asks of its ledger: receipts by a file's hash, and later statements of a record. Hashes leave the device, files never. */
import { OpenSealError } from '../../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../../core/json.ts'
import type { CurrencyReader } from '../../verifier/index.ts'

/** A receipt that the ledger gave. */
export type FoundReceipt = { readonly index: number; readonly text: string }

/** The ledger as a page sees it. */
export type LedgerReader = {
  /** The newest receipt for any of the hashes, undefined when there is none. Throws LedgerReadError when it does not answer. */
  findReceipt(hashes: readonly string[]): Promise<FoundReceipt | undefined>
  readonly currency: CurrencyReader
}

/** Asks a ledger over HTTP. `url` is its address without a slash at the end, empty for the page's own. */
export function createLedgerReader(url: string): LedgerReader {
  const indexes = async (query: string): Promise<number[]> => {
    const value = parseJson(await read(`${url}/v1/records?${query}`), { allowNull: true })
    const records = isJsonObject(value) && Array.isArray(value.records) ? (value.records as readonly Json[]) : []
    return records.flatMap(record => (isJsonObject(record) && Number.isSafeInteger(record.index) ? [Number(record.index)] : []))
  }
  const receipt = (index: number) => read(`${url}/v1/records/${index}/receipt`)
  return {
    async findReceipt(hashes) {
      for (const hash of new Set(hashes)) {
        const index = (await indexes(`sha256=${hash}`))[0]
        if (index !== undefined) return { index, text: await receipt(index) }
      }
      return undefined
    },
    async currency(statement, index) {
      const query = `agency=${encodeURIComponent(statement.agency)}&record=${encodeURIComponent(statement.record)}`
      const later = (await indexes(query)).filter(candidate => candidate > index)
      return Promise.all(later.slice(0, MAX_LATER).map(async at => ({ index: at, receiptText: await receipt(at) })))
    },
  }
}

const MAX_LATER = 50
const TIMEOUT_MS = 15_000

async function read(url: string): Promise<string> {
  const unreachable = (cause: unknown): never => {
    throw new LedgerReadError('LEDGER_UNREACHABLE', 'the ledger did not answer', { cause })
  }
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(unreachable)
  if (!response.ok) return unreachable(response.status)
  return response.text().catch(unreachable)
}

/** LEDGER_UNREACHABLE */
export class LedgerReadError extends OpenSealError {}
