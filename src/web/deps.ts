/** What the site is given: live parts made by the composition root, as far as pages read them. The site knows no ledger module, only these shapes. */
import type { Statement } from '../core/statements/statement.ts'
import type { VersionChange } from '../core/statements/versions.ts'
import type { ChainReader, Policy } from '../verifier/index.ts'

/** A final anchor as pages show it. `time` is `YYYY-MM-DDTHH:MM:SSZ`. */
export type SiteAnchor = {
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly size: number
  readonly root: string
  readonly transaction: string
  readonly block: { readonly number: number; readonly hash: string; readonly time: string }
}

/** One statement in the history of a record. */
export type SiteVersion = {
  readonly index: number
  readonly action: 'publish' | 'amend' | 'withdraw'
  readonly revision?: string
  /** Of an amendment or a withdrawal: the revision that it speaks of. */
  readonly target?: string
  readonly published?: string
  /** What it is to the versions before it. */
  readonly flag?: 'silent-edit' | 'added' | 'reformatted' | 'repeat'
  /** Where an earlier or a later one of the same version has other content under the same name. */
  readonly edited?: true
}

/** The reading side of the ledger. */
export type SiteLedger = {
  readonly origin: string
  /** The newest size, and its signed checkpoint. */
  head(): { readonly size: number; readonly note: string }
  /** Canonical text; undefined where it was erased. */
  statement(index: number): Promise<string | undefined>
  receipt(index: number): Promise<string>
  /** When an entry was sealed, by the ledger's own clock. */
  sealedMs(index: number): Promise<number | undefined>
  history(index: number): Promise<{
    readonly versions: readonly SiteVersion[]
    /** What became of this version, in the order of the entries that did it. */
    readonly changes: readonly VersionChange[]
    /** There where the record has more statements than were read. */
    readonly partial?: true
  }>
  /** Oldest first. */
  findByDigest(sha256: string, limit: number): Promise<readonly number[]>
  /** Newest first, below `before`, like those after it. */
  listByDigest(sha256: string, before: number, limit: number): Promise<readonly number[]>
  listByRecord(agency: string, record: string, before: number, limit: number): Promise<readonly number[]>
  listByAgency(agency: string, before: number, limit: number): Promise<readonly number[]>
  latestAnchor(): SiteAnchor | undefined
  /** The first final anchor that covers an index. */
  anchorOf(index: number): Promise<SiteAnchor | undefined>
  /** Ascending by size, those above `after`. */
  newestAnchors(before: number, limit: number): Promise<readonly SiteAnchor[]>
  stopped(): string | undefined
  /** How the owner closed the log on its chain, if they did: the largest size that is good, and the id of the log that goes on. */
  closing(): { readonly lastGoodSize: number; readonly successor?: string } | undefined
}

/** What a later statement does to what was published before. */
export type SiteChangeKind = 'silent-edit' | 'amend' | 'withdraw'

/** A change, with the index of the statement of the same version before it, where there is one. */
export type SiteChange = { readonly index: number; readonly kind: SiteChangeKind; readonly earlier?: number }

/** What became of an entry: the newest one that withdrew it, one that superseded it, and whether a silent edit concerns it, or is itself. */
export type SiteState = { readonly withdrawn?: number; readonly superseded?: number; readonly edited?: true; readonly isSilentEdit?: true }

/** What was sealed in a stretch of time, and the longest that one of these entries waited for its anchor. */
export type SiteSlot = { readonly startMs: number; readonly records: number; readonly waitMs?: number }

/** Entries of an agency, and how many of them changed something. */
export type SiteCounts = { readonly entries: number } & Readonly<Record<SiteChangeKind, number>>

/** What comes after the log in the background. */
export type SiteFinder = {
  /** Entries below this index can be found. */
  reached(): number
  /** By a record's whole number, else by words, below `before`, newest first; `older` where there may be more. */
  search(query: string, before: number, limit: number): Promise<{ readonly indexes: readonly number[]; readonly older?: number }>
  changes(kinds: readonly SiteChangeKind[], before: number, limit: number): Promise<readonly SiteChange[]>
  /** What became of an entry, by all entries below `reached()`. */
  state(index: number, statement: Statement): Promise<SiteState>
  counts(agency: string): Promise<SiteCounts>
  activity(unit: 'quarter' | 'day', fromMs: number, limit: number): Promise<readonly SiteSlot[]>
}

/** An agency as pages show it. */
export type SiteAgency = { readonly id: string; readonly name: string }

/** All that `siteRoutes` needs. */
export type SiteDeps = {
  /** The public address of the ledger, without a slash at its end: links, codes and feeds begin with it. */
  readonly url: string
  readonly ledger: SiteLedger
  readonly agencies: { list(): Promise<readonly SiteAgency[]>; get(id: string): Promise<SiteAgency | undefined> }
  readonly finder: SiteFinder
  /** How far the chain is behind; `alarm` while something is wrong. Absent where nothing anchors. */
  readonly lag?: () => { readonly alarm?: string }
  /** Why no submission is accepted just now. */
  readonly notAccepting?: () => string | undefined
  readonly policy: () => Policy
  /** For the check without JavaScript, which our server makes. */
  readonly chain: readonly ChainReader[]
  /** Chain endpoints that readers' browsers may use. Never one with a secret in its address. */
  readonly publicEndpoints: readonly string[]
  readonly nowMs: () => number
}
