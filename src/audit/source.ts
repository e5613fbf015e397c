/** A ledger, or a mirror of it, as an audit reads it: over HTTP, with bounds, time-outs and retries. */
import { fromUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { formatBundlePath, formatTilePath } from '../core/tile.ts'

/** An anchor that the ledger says it has. */
export type ClaimedAnchor = {
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly size: number
  readonly root: string
}

/** What an audit asks. Every function rejects with SourceError when there is no usable answer. */
export type LedgerSource = {
  checkpoint(): Promise<string>
  tile(level: number, index: number, width: number): Promise<Uint8Array>
  bundle(index: number, width: number): Promise<Uint8Array>
  /** The statements of [from, to), one item an index, in order; `null` for an erased one. */
  statements(from: number, to: number): Promise<(string | null)[]>
  anchors(): Promise<ClaimedAnchor[]>
  policy(): Promise<string>
}

export type SourceOptions = { readonly url: string; readonly fetch: typeof fetch; readonly timeoutMs: number; readonly retries: number }

const MAX_ANSWER_BYTES = 512 * 1024 * 1024

/** Reads from a ledger's URL. */
export function createHttpSource(options: SourceOptions): LedgerSource {
  const text = async (path: string) => fromUtf8(await get(options, path))
  return {
    checkpoint: () => text('/checkpoint'),
    tile: (level, index, width) => get(options, `/${formatTilePath({ level, index, width })}`),
    bundle: (index, width) => get(options, `/${formatBundlePath({ index, width })}`),
    policy: () => text('/policy.json'),
    async statements(from, to) {
      const lines = (await text(`/v1/statements/${from}/${to}`)).split('\n').filter(line => line !== '')
      if (lines.length !== to - from) throw malformed(`${lines.length} statements instead of ${to - from}`)
      return lines.map((line, i) => readStatementLine(line, from + i))
    },
    async anchors() {
      const answers: ClaimedAnchor[] = []
      for (let after = 0; ; ) {
        const page = readAnchors(parseJson(await text(`/v1/anchors?after=${after}`)))
        answers.push(...page)
        const last = page.at(-1)?.size
        if (last === undefined || last <= after) return answers
        after = last
      }
    },
  }
}

async function get({ url, fetch, timeoutMs, retries }: SourceOptions, path: string): Promise<Uint8Array> {
  for (let left = retries; ; left--) {
    try {
      const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(timeoutMs) })
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (bytes.length > MAX_ANSWER_BYTES) throw malformed('an answer is too large')
      if (response.ok) return bytes
      if (response.status < 500 && response.status !== 429)
        throw new SourceError('SOURCE_MISSING', `${path} is not there (${response.status})`)
      throw new Error(`status ${response.status}`)
    } catch (cause) {
      if (cause instanceof OpenSealError) throw cause
      if (left === 0) throw new SourceError('SOURCE_UNREACHABLE', `${new URL(url).host} did not answer ${path}`, { cause })
      await new Promise(resolve => setTimeout(resolve, 200 * 2 ** (retries - left)))
    }
  }
}

function readStatementLine(line: string, index: number): string | null {
  const value = parseJson(line)
  if (!isJsonObject(value) || value.index !== index) throw malformed(`the line of statement ${index}`)
  if (value.erased === true) return null
  if (!isJsonObject(value.statement)) throw malformed(`the line of statement ${index}`)
  return JSON.stringify(value.statement)
}

function readAnchors(value: Json): ClaimedAnchor[] {
  const list = isJsonObject(value) ? value.anchors : value
  if (!Array.isArray(list)) throw malformed('the list of anchors')
  return list.flatMap((item: Json) => {
    if (!isJsonObject(item)) throw malformed('an anchor')
    const { chainId, contract, logId, size, root, state } = item
    if (state !== undefined && state !== 'final') return []
    if (
      typeof chainId !== 'number' ||
      typeof contract !== 'string' ||
      typeof logId !== 'string' ||
      typeof size !== 'number' ||
      typeof root !== 'string'
    )
      throw malformed('an anchor')
    return [{ chainId, contract, logId, size, root }]
  })
}

function malformed(what: string): SourceError {
  return new SourceError('SOURCE_MALFORMED', `the ledger's answer cannot be read: ${what}`)
}

/** SOURCE_UNREACHABLE, SOURCE_MISSING, SOURCE_MALFORMED. */
export class SourceError extends OpenSealError {}
