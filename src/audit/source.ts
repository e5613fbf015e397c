/** A ledger, or a mirror of it, as an audit reads it. */
import { fromUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { formatBundlePath, formatTilePath } from '../core/tlog/tile.ts'
import { collect } from '../ledger-client/http.ts'
import { unreadable } from './finding.ts'
import { createHttpReader, type HttpOptions } from './http.ts'
import { MAX_STATEMENT_LINE, readStatements, type ServedStatements } from './served-statements.ts'

/**
 * An anchor that the ledger claims is final. Hex is lower case, `root` without 0x; `block` is the
 * block's number, 0 if the ledger does not give it.
 */
export type ClaimedAnchor = {
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly size: number
  readonly root: string
  readonly block: number
  /** The time of that block, as the ledger claims it; undefined if it does not. */
  readonly time: string | undefined
}

/** A round: its signed note with every cosignature, and its tokens in base64, by their authorities' names. */
export type ServedRound = {
  readonly size: number
  readonly note: string
  readonly timestamps: readonly { readonly name: string; readonly token: string }[]
}

/** Some rounds, and the size after which to ask for more. */
export type RoundPage = { readonly rounds: readonly ServedRound[]; readonly after: number | undefined }

/**
 * The requests of an audit. Every function rejects with AuditError if there is no usable answer.
 */
export type LedgerSource = {
  checkpoint(): Promise<string>
  tile(level: number, index: number, width: number): Promise<Uint8Array>
  bundle(index: number, width: number): Promise<Uint8Array>
  /** The commitments of the statements of [from, to), at most MAX_STATEMENTS of them. */
  statements(from: number, to: number): Promise<ServedStatements>
  anchors(): Promise<ClaimedAnchor[]>
  /** Some rounds above a size, in ascending order. */
  rounds(after: number): Promise<RoundPage>
  policy(): Promise<string>
  /**
   * The receipt of an entry. It carries the checkpoint of the first round that covers the entry.
   */
  receipt(index: number): Promise<string>
  /** Aborts all reads. */
  close(): void
}

/** The most statements in one call. At 128 KiB each, this bounds an answer. */
export const MAX_STATEMENTS = 1024

/** For comparison: one anchor every ten minutes for ten years. */
const MAX_ANCHORS = 525_600
/** A time has 20 characters. */
const MAX_TIME = 20
const MAX_TEXT = 4 * 1024 * 1024
const ROUNDS_A_PAGE = 20
/** A policy has at most 64 authorities, and a ledger keeps one token of each. */
const MAX_TOKENS = 64
/** Room for a page of rounds, each with as many tokens as it may have, of 16 KiB each. */
const MAX_ROUND_PAGE = 32 * 1024 * 1024
/** A policy has at most 200 characters for the name of an authority. */
const MAX_NAME = 200
const TEXT = ['text/plain', 'application/octet-stream']
const BINARY = ['application/octet-stream', 'binary/octet-stream']
const JSON_TYPES = ['application/json', ...TEXT]
const NDJSON = ['application/x-ndjson', 'application/ndjson', ...JSON_TYPES]
/** Entries have 33 bytes. This leaves room for later entry versions. */
const MAX_BUNDLE = 256 * 1024

/** Reads from a ledger's URL. */
export function createHttpSource(options: HttpOptions): LedgerSource {
  const { get, close } = createHttpReader(options)
  const bytes = (path: string, maxBytes: number) => get({ path, types: BINARY, maxBytes, read: collect })
  const text = (path: string, types: readonly string[], maxBytes = MAX_TEXT) =>
    get({ path, types, maxBytes, read: async body => toText(await collect(body), path) })
  return {
    close,
    checkpoint: () => text('/checkpoint', TEXT),
    tile: (level, index, width) => bytes(`/${formatTilePath({ level, index, width })}`, 8192),
    bundle: (index, width) => bytes(`/${formatBundlePath({ index, width })}`, MAX_BUNDLE),
    policy: () => text('/policy.json', JSON_TYPES),
    receipt: index => text(`/v1/records/${index}/receipt`, JSON_TYPES),
    statements(from, to) {
      const path = `/v1/statements/${from}/${to}`
      const maxBytes = (to - from) * MAX_STATEMENT_LINE
      return get({ path, types: NDJSON, maxBytes, read: body => readStatements(body, path, from, to) })
    },
    async anchors() {
      const anchors: ClaimedAnchor[] = []
      for (let after: number | undefined = 0; after !== undefined; ) {
        const path: string = `/v1/anchors?after=${after}`
        const page = readAnchorPage(await text(path, JSON_TYPES), path)
        anchors.push(...page.anchors)
        if (page.after !== undefined && (page.after <= after || page.anchors.length === 0)) throw unreadable(path, 'the pages do not end')
        if (anchors.length > MAX_ANCHORS) throw unreadable(path, `more than ${MAX_ANCHORS} anchors`)
        after = page.after
      }
      return anchors
    },
    async rounds(after) {
      const path = `/v1/rounds?limit=${ROUNDS_A_PAGE}&cursor=${after}`
      return readRoundPage(readJson(await text(path, JSON_TYPES, MAX_ROUND_PAGE), path), path, after)
    },
  }
}

function toText(bytes: Uint8Array, path: string): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw unreadable(path, 'not UTF-8', cause)
  }
}

function readAnchorPage(text: string, path: string): { anchors: ClaimedAnchor[]; after: number | undefined } {
  const value = readJson(text, path)
  if (!isJsonObject(value) || !Array.isArray(value.final)) throw unreadable(path, 'not a list of anchors')
  const { after } = value
  if (after !== undefined && !Number.isSafeInteger(after)) throw unreadable(path, 'not a list of anchors')
  return { anchors: value.final.map(anchor => readAnchor(anchor, path)), after: after as number | undefined }
}

function readRoundPage(value: Json, path: string, after: number): RoundPage {
  if (!isJsonObject(value) || !Array.isArray(value.rounds)) throw unreadable(path, 'not a list of rounds')
  const rounds = value.rounds.map(round => readRound(round, path))
  const sizes = [after, ...rounds.map(({ size }) => size)]
  if (sizes.some((size, at) => at > 0 && size <= sizes[at - 1]!)) throw unreadable(path, 'not in ascending order')
  const isMore = value.cursor !== undefined
  if (isMore && (rounds.length === 0 || value.cursor !== String(sizes.at(-1)))) throw unreadable(path, 'the pages do not end')
  return { rounds, after: isMore ? sizes.at(-1) : undefined }
}

function readRound(item: Json, path: string): ServedRound {
  const { size, checkpoint, cosignatures, timestamps } = isJsonObject(item) ? item : {}
  const areLines = Array.isArray(cosignatures) && cosignatures.every(line => typeof line === 'string')
  if (!Number.isSafeInteger(size) || typeof checkpoint !== 'string' || !areLines || !Array.isArray(timestamps))
    throw unreadable(path, 'not a list of rounds')
  if (timestamps.length > MAX_TOKENS) throw unreadable(path, `more than ${MAX_TOKENS} time stamps in a round`)
  return {
    size: Number(size),
    note: checkpoint + cosignatures.map(line => `${line}\n`).join(''),
    timestamps: timestamps.map(stamp => {
      const { name, token } = isJsonObject(stamp) ? stamp : {}
      if (typeof name !== 'string' || typeof token !== 'string') throw unreadable(path, 'not a list of rounds')
      return { name: name.slice(0, MAX_NAME), token }
    }),
  }
}

function readJson(text: string, path: string): Json {
  try {
    return parseJson(text, { allowNull: true })
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw unreadable(path, cause.message, cause)
  }
}

function readAnchor(item: Json, path: string): ClaimedAnchor {
  const { chainId, contract, logId, size, root, block } = isJsonObject(item) ? item : {}
  const areTexts = typeof contract === 'string' && typeof logId === 'string' && typeof root === 'string'
  if (!areTexts || !Number.isSafeInteger(chainId) || !Number.isSafeInteger(size)) throw unreadable(path, 'not a list of anchors')
  const { number, time } = isJsonObject(block) ? block : {}
  return {
    chainId: Number(chainId),
    contract: contract.toLowerCase(),
    logId: logId.toLowerCase(),
    size: Number(size),
    root: root.toLowerCase().replace(/^0x/, ''),
    block: Number.isSafeInteger(number) ? Number(number) : 0,
    time: typeof time === 'string' ? time.slice(0, MAX_TIME) : undefined,
  }
}
