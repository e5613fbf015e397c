/** A ledger, or a mirror of it, as an audit reads it: over HTTP, with bounds, time-outs and retries. */
import { concatBytes, fromUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { formatBundlePath, formatTilePath } from '../core/tile.ts'

/** An anchor that the ledger says is final. Hex is lower case, `root` without 0x. */
export type ClaimedAnchor = {
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly size: number
  readonly root: string
}

/** What a ledger says a statement is: the value, or why the strict reader refuses it; `erased` where it holds none any more. */
export type ServedStatement = { readonly value: Json } | { readonly refused: string } | 'erased'

/** What an audit asks. Every function rejects with SourceError when there is no usable answer. */
export type LedgerSource = {
  checkpoint(): Promise<string>
  tile(level: number, index: number, width: number): Promise<Uint8Array>
  bundle(index: number, width: number): Promise<Uint8Array>
  /** The statements of [from, to), at most MAX_STATEMENTS, one item an index, in order. */
  statements(from: number, to: number): Promise<ServedStatement[]>
  anchors(): Promise<ClaimedAnchor[]>
  policy(): Promise<string>
}

export type SourceOptions = { readonly url: string; readonly fetch: typeof fetch; readonly timeoutMs: number; readonly retries: number }

/** The most statements of one call: at 32 KiB each this bounds an answer. */
export const MAX_STATEMENTS = 1024

const MAX_BYTES = { text: 4 * 1024 * 1024, tile: 8192, bundle: 256 * 65_537, statements: MAX_STATEMENTS * 33 * 1024 }

/** Reads from a ledger's URL. */
export function createHttpSource(options: SourceOptions): LedgerSource {
  const text = async (path: string, maxBytes: number) => {
    const bytes = await get(options, path, maxBytes)
    try {
      return fromUtf8(bytes)
    } catch (cause) {
      throw malformed(`${path} is not UTF-8`, cause)
    }
  }
  return {
    checkpoint: () => text('/checkpoint', MAX_BYTES.text),
    tile: (level, index, width) => get(options, `/${formatTilePath({ level, index, width })}`, MAX_BYTES.tile),
    bundle: (index, width) => get(options, `/${formatBundlePath({ index, width })}`, MAX_BYTES.bundle),
    policy: () => text('/policy.json', MAX_BYTES.text),
    async statements(from, to) {
      const lines = (await text(`/v1/statements/${from}/${to}`, MAX_BYTES.statements)).split('\n').filter(line => line !== '')
      if (lines.length !== to - from) throw malformed(`${lines.length} statements instead of ${to - from} from ${from} on`)
      return lines.map((line, i) => readStatementLine(line, from + i))
    },
    async anchors() {
      const anchors: ClaimedAnchor[] = []
      for (let after: number | undefined = 0; after !== undefined; ) {
        const page = readAnchorPage(await text(`/v1/anchors?after=${after}`, MAX_BYTES.text))
        anchors.push(...page.anchors)
        if (page.after !== undefined && page.after <= after) throw malformed('the pages of anchors do not end')
        after = page.after
      }
      return anchors
    },
  }
}

async function get({ url, fetch, timeoutMs, retries }: SourceOptions, path: string, maxBytes: number): Promise<Uint8Array> {
  const address = url.replace(/\/+$/, '') + path
  for (let left = retries; ; left--) {
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) })
      if (response.ok) return await readBounded(response, path, maxBytes)
      await response.body?.cancel()
      if (response.status < 500 && response.status !== 429)
        throw new SourceError('SOURCE_MISSING', `the ledger does not serve ${path} (${response.status})`)
      throw new Error(`status ${response.status}`)
    } catch (cause) {
      if (cause instanceof OpenSealError) throw cause
      if (left === 0) throw new SourceError('SOURCE_UNREACHABLE', `${new URL(url).host} did not answer ${path}`, { cause })
      await new Promise(resolve => setTimeout(resolve, 200 * 2 ** (retries - left)))
    }
  }
}

async function readBounded(response: Response, path: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > maxBytes) throw malformed(`${path} is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return parts.length === 1 ? parts[0]! : concatBytes(...parts)
}

function readStatementLine(line: string, index: number): ServedStatement {
  try {
    const value = parseJson(line)
    if (!isJsonObject(value) || value.index !== index) throw malformed(`the line of statement ${index}`)
    return value.erased === true ? 'erased' : { value: value.statement ?? {} }
  } catch (error) {
    if (!(error instanceof OpenSealError) || error instanceof SourceError) throw error
    // Half a line is a broken answer; a whole one that the strict reader refuses is what the ledger says.
    if (!isAnyJson(line)) throw malformed(`the line of statement ${index}`, error)
    return { refused: error.message }
  }
}

function isAnyJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function readAnchorPage(text: string): { anchors: ClaimedAnchor[]; after: number | undefined } {
  const value = readJson(text, 'the list of anchors')
  if (!isJsonObject(value) || !Array.isArray(value.final)) throw malformed('the list of anchors')
  const { after } = value
  if (after !== undefined && !Number.isSafeInteger(after)) throw malformed('the list of anchors')
  return { anchors: value.final.map(readAnchor), after: after as number | undefined }
}

function readJson(text: string, what: string): Json {
  try {
    return parseJson(text, { allowNull: true })
  } catch (cause) {
    throw malformed(what, cause)
  }
}

function readAnchor(item: Json): ClaimedAnchor {
  if (!isJsonObject(item)) throw malformed('an anchor')
  const { chainId, contract, logId, size, root } = item
  if (typeof contract !== 'string' || typeof logId !== 'string' || typeof root !== 'string') throw malformed('an anchor')
  if (!Number.isSafeInteger(chainId) || !Number.isSafeInteger(size)) throw malformed('an anchor')
  return {
    chainId: Number(chainId),
    contract: contract.toLowerCase(),
    logId: logId.toLowerCase(),
    size: Number(size),
    root: root.toLowerCase().replace(/^0x/, ''),
  }
}

function malformed(what: string, cause?: unknown): SourceError {
  return new SourceError('SOURCE_MALFORMED', `the ledger's answer cannot be read: ${what}`, { cause })
}

/** SOURCE_UNREACHABLE, SOURCE_MISSING, SOURCE_MALFORMED. */
export class SourceError extends OpenSealError {}
