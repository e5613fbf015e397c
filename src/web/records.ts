/** Reads records and anchors for pages. */

import { countingAnchors, isChain } from '../core/policy-anchors.ts'
import { ANCHORS_CHANGE } from '../core/statements/anchors-change.ts'
import { ERASURE } from '../core/statements/erasure.ts'
import { KEY_CHANGE } from '../core/statements/key-change.ts'
import { type AnyStatement, isRecordStatement } from '../core/statements/registry.ts'
import type { Statement } from '../core/statements/statement.ts'
import { TIMESTAMP } from '../core/statements/timestamp.ts'
import { parseVkey } from '../core/tlog/note.ts'
import { breathe } from '../turns.ts'
import { OpenSealError, type Policy } from '../verifier/index.ts'
import type { SiteAgency, SiteAnchor, SiteDeps, SiteLedger, SiteState } from './deps.ts'
import type { RoundList, RoundRow } from './pages/rounds.ts'

/** When an entry was accepted by the ledger's clock, and since when others have vouched for it. */
export type Dates = {
  readonly sealedMs: number | undefined
  /** The date of the first final round; `isEvidence` is false on a test network. */
  readonly anchored?: { readonly time: string; readonly isEvidence: boolean }
}

/**
 * A single entry. It has no statement if it is the ledger's own, was erased or waits for that, or
 * is damaged in the store.
 */
export type BareEntry = {
  readonly index: number
  readonly statement?: Statement
  readonly without?: 'genesis' | 'keyChange' | 'anchorsChange' | 'tombstone' | 'timestamp' | 'erased' | 'erasing' | 'damaged'
}

/**
 * An entry in a list, with its dates, and what became of it as far as the finder has read the log.
 */
export type Entry = BareEntry & {
  readonly dates: Dates
  readonly state: SiteState
  /** The name under which the operator registered its agency, if it is registered here. */
  readonly agencyName?: string | undefined
}

/** The entries with these indexes. */
export async function readEntries(deps: SiteDeps, indexes: readonly number[]): Promise<Entry[]> {
  const entries: Entry[] = []
  const names = new Map<string, string | undefined>()
  for (const index of indexes) {
    await breathe()
    const entry = await readEntry(deps.ledger, index)
    const state = entry.statement === undefined ? {} : await deps.finder.state(index, entry.statement)
    const { agency } = entry.statement ?? {}
    if (agency !== undefined && !names.has(agency)) names.set(agency, (await findAgency(agency, deps))?.name)
    const agencyName = agency === undefined ? undefined : names.get(agency)
    entries.push({ ...entry, state, dates: await readDates(deps, index), agencyName })
  }
  return entries
}

/** How many of the newest entries the finder has not read yet. */
export function countBehind({ ledger, finder }: SiteDeps): number {
  return Math.max(0, ledger.head().size - finder.reached())
}

/** The dates of an entry. */
export async function readDates({ ledger, policy }: SiteDeps, index: number): Promise<Dates> {
  const [sealedMs, round] = [await ledger.sealedMs(index), await ledger.roundOf(index)]
  return { sealedMs, ...(round && { anchored: { time: round.time, isEvidence: isProduction(round.size, policy()) } }) }
}

/** Whether rounds of this size are evidence: not where the policy counts test networks for it. */
export function isProduction(size: number, policy: Policy): boolean {
  return !countingAnchors(policy, size).isTest
}

/** A statement of the ledger about itself. */
export type LogStatement = Exclude<AnyStatement, Statement>

/** The beginning of a block explorer's addresses, if the policy names one for the anchor's chain. */
export function explorerOf({ chainId, contract, logId }: SiteAnchor, { anchors }: Policy): string | undefined {
  return anchors.filter(isChain).find(anchor => anchor.chainId === chainId && anchor.contract === contract && anchor.logId === logId)
    ?.explorer
}

/** One entry. A damaged statement is never shown; the rest of the page is. */
export async function readEntry(
  ledger: SiteLedger,
  index: number,
): Promise<BareEntry & { readonly text?: string; readonly ofLog?: LogStatement }> {
  try {
    const text = await ledger.statement(index)
    if (text === undefined)
      return { index, without: (await ledger.erasureStates([index]))[0]?.erasing === undefined ? 'erased' : 'erasing' }
    const statement: AnyStatement = JSON.parse(text)
    if (isRecordStatement(statement)) return { index, statement, text }
    return { index, without: OF_THE_LOG[statement.type] ?? 'genesis', ofLog: statement }
  } catch (error) {
    if (error instanceof OpenSealError && error.code === 'LEDGER_DAMAGED') return { index, without: 'damaged' }
    throw error
  }
}

const OF_THE_LOG: { readonly [type: string]: BareEntry['without'] } = {
  [KEY_CHANGE]: 'keyChange',
  [ANCHORS_CHANGE]: 'anchorsChange',
  [ERASURE]: 'tombstone',
  [TIMESTAMP]: 'timestamp',
}

/** Indexes below `before`, newest first. */
export function newestIndexes(ledger: SiteLedger, before: number, limit: number): number[] {
  const top = Math.min(before, ledger.head().size)
  return Array.from({ length: Math.max(0, Math.min(limit, top)) }, (_, back) => top - 1 - back)
}

/**
 * The first `limit` items of a list that was read with one more, and where the next page begins if
 * there is one.
 */
export function pageOf(
  indexes: readonly number[],
  limit: number,
): { readonly indexes: readonly number[]; readonly older: number | undefined } {
  return { indexes: indexes.slice(0, limit), older: indexes.length > limit ? indexes[limit - 1] : undefined }
}

/** Anchors as they were found, each with the longest wait of one of its entries. */
export function readWaits(ledger: SiteLedger, newestFirst: readonly SiteAnchor[], from: number) {
  return Promise.all(
    newestFirst.map(async (anchor, at) => {
      const sealedMs = await ledger.sealedMs(newestFirst[at + 1]?.size ?? from)
      return { anchor, waitMs: sealedMs === undefined ? undefined : Math.max(0, Date.parse(anchor.block.time) - sealedMs) }
    }),
  )
}

const ROUNDS_SHOWN = 20

/** The newest rounds, or the newest below a size, with those who vouch for each. */
export async function readRounds({ ledger, vouchers }: SiteDeps, before: number | undefined): Promise<RoundList> {
  const chains = new Map(vouchers?.().map(({ chainId, name }) => [chainId, name]))
  const opened = await ledger.rounds.listNewest(before ?? Number.MAX_SAFE_INTEGER, ROUNDS_SHOWN + 1)
  const rows: RoundRow[] = []
  for (const { size, openedMs } of opened.slice(0, ROUNDS_SHOWN)) {
    await breathe()
    const { cosignatures, timestamps, anchors, time } = await ledger.roundAt(size)
    rows.push({
      ...{ size, openedMs, time },
      witnesses: cosignatures.map(({ vkey }) => parseVkey(vkey).name),
      authorities: timestamps.map(({ name }) => name),
      // A chain that was retired has no name here.
      chains: anchors.map(({ chainId }) => chains.get(chainId) ?? String(chainId)),
    })
  }
  return { rows, before, older: opened.length > ROUNDS_SHOWN ? rows.at(-1)?.size : undefined }
}

const CHANGERS_SHOWN = 10

/** The agencies that changed most, with their names. */
export async function readChangers(deps: SiteDeps) {
  const found = await deps.finder.changers(CHANGERS_SHOWN)
  const names = new Map<string, string>()
  for (const { agency } of found.agencies) names.set(agency, (await findAgency(agency, deps))?.name ?? agency)
  return { ...found, names }
}

/** undefined if there is none. */
export async function findAgency(id: string, { agencies }: SiteDeps): Promise<SiteAgency | undefined> {
  try {
    return await agencies.get(id)
  } catch (error) {
    if (error instanceof OpenSealError && error.code === 'AGENCY_NOT_FOUND') return undefined
    throw error
  }
}
