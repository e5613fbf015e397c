/**
 * The dependencies of the site: live parts made by the composition root. The site knows no ledger
 * module, only these types.
 */
import type { ErasureReason } from '../core/statements/erasure.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { VersionChange } from '../core/statements/versions.ts'
import type { ListedEntry } from '../verifier/app/record-versions.ts'
import type { ChainReader, Policy, TrustList } from '../verifier/index.ts'
import type { Operator } from './layout.ts'

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

/** A final round: its size, and its date, by which enough of those who vouch for it agree. */
export type SiteRound = { readonly size: number; readonly time: string }

/** What vouches for the checkpoint of a size, and the date if that is enough by the ledger's own policy. */
export type SiteVouched = {
  readonly cosignatures: readonly { readonly vkey: string }[]
  readonly timestamps: readonly { readonly name: string }[]
  readonly anchors: readonly { readonly chainId: number }[]
  readonly time?: string
}

/** A voucher, the newest size that it vouches for, and whether something is wrong with it. */
export type SiteVoucher = {
  readonly kind: 'chain' | 'witness' | 'timestamp'
  readonly name: string
  /** Missing unless it is a chain. */
  readonly chainId?: number | undefined
  readonly size: number
  readonly isBehind: boolean
}

/** One statement in the history of a record. */
export type SiteVersion = {
  readonly index: number
  readonly action: 'publish' | 'amend' | 'withdraw'
  readonly revision?: string
  /** For an amendment or a withdrawal: the revision that it changes. */
  readonly target?: string
  readonly published?: string
  /** How it relates to earlier versions. */
  readonly flag?: 'silent-edit' | 'added' | 'reformatted' | 'repeat'
  /**
   * Set if an earlier or later statement of the same version has other content under the same name.
   */
  readonly edited?: true
}

/** A change to a version; `erased` is the tombstone if the statement that made it was erased since. */
export type ToldChange = VersionChange & { readonly erased?: number }

/** The reading side of the ledger. */
export type SiteLedger = {
  readonly origin: string
  /** The newest size, and its signed checkpoint. */
  head(): { readonly size: number; readonly note: string }
  /** Whether the log has an entry with this index, by the store if this node does not know it. */
  hasEntry(index: number): Promise<boolean>
  /** Canonical text; undefined if it was erased. */
  statement(index: number): Promise<string | undefined>
  receipt(index: number): Promise<string>
  /** How long a request to erase can be taken back. */
  readonly erasureDelayMs: number
  /** How long an erased statement may not come back; 0 if it may at once. */
  readonly suppressionMs: number
  /** The erasure of a statement; undefined if it was not erased. */
  erasureOf(index: number): Promise<SiteErasure | undefined>
  /** The erasure of each entry, due or done, and what erased statements did to it. */
  erasureStates(indexes: readonly number[]): Promise<readonly Omit<ListedEntry, 'index'>[]>
  /** Erasures whose tombstones are below `before`, newest first. */
  listErasures(before: number, limit: number): Promise<readonly (SiteErasure & { readonly index: number })[]>
  /** When an entry was sealed, by the ledger's own clock. */
  sealedMs(index: number): Promise<number | undefined>
  history(index: number): Promise<{
    readonly versions: readonly SiteVersion[]
    /** The changes to this version, in the order of the entries that made the changes. */
    readonly changes: readonly ToldChange[]
    /** Set if the record has more statements than were read. */
    readonly partial?: true
  }>
  /** Oldest first. */
  findByDigest(sha256: string, limit: number): Promise<readonly number[]>
  /** Newest first, below `before`, like the ones after it. */
  listByDigest(sha256: string, before: number, limit: number): Promise<readonly number[]>
  listByRecord(agency: string, record: string, before: number, limit: number): Promise<readonly number[]>
  listByAgency(agency: string, before: number, limit: number): Promise<readonly number[]>
  /** The newest round that is final by the ledger's own policy. */
  latestRound(): SiteRound | undefined
  /**
   * The first final round that covers an index, with its first anchor on a chain that counts.
   * Witnesses and time stamps can make a round final without one.
   */
  roundOf(index: number): Promise<(SiteRound & { readonly anchor?: SiteAnchor | undefined }) | undefined>
  /** In ascending order of size, only those above `after`. */
  newestAnchors(before: number, limit: number): Promise<readonly SiteAnchor[]>
  readonly rounds: {
    /** Below a size, the newest first. */
    listNewest(before: number, limit: number): Promise<readonly { readonly size: number; readonly openedMs: number }[]>
  }
  roundAt(size: number): Promise<SiteVouched>
  stopped(): string | undefined
  /**
   * The owner's closing of the log on its chain, if there was one: the last good size, and the id
   * of the successor log.
   */
  closing(): { readonly lastGoodSize: number; readonly successor?: string } | undefined
}

/** An erasure: the tombstone's index, when it was made, and why. */
export type SiteErasure = { readonly tombstone: number; readonly time: string; readonly reason: { readonly code: ErasureReason } }

/** How a later statement changes an earlier publication. */
export type SiteChangeKind = 'silent-edit' | 'amend' | 'withdraw'

/** A change, with the index of the earlier statement of the same version, if there is one. */
export type SiteChange = { readonly index: number; readonly kind: SiteChangeKind; readonly earlier?: number }

/**
 * The state of an entry: the newest entry that withdrew it, one that superseded it, and whether
 * it is, or is affected by, a silent edit.
 */
export type SiteState = { readonly withdrawn?: number; readonly superseded?: number; readonly edited?: true; readonly isSilentEdit?: true }

/** The entries sealed in a unit of time, and the longest wait of one of them for its anchor. */
export type SiteSlot = { readonly startMs: number; readonly records: number; readonly waitMs?: number }

/** An agency's number of entries, and how many of them changed something. */
export type SiteCounts = { readonly entries: number } & Readonly<Record<SiteChangeKind, number>>

/** The states that readers choose from. `current` entries are on the record, and nothing became of them. */
export const STATES = ['current', 'waiting', 'withdrawn', 'superseded', 'edited'] as const
export type SiteWantedState = (typeof STATES)[number]

/** The search of a reader; without any member, every entry of the log. */
export type SiteWanted = {
  readonly text?: string | undefined
  readonly agency?: string | undefined
  readonly kind?: Statement['kind'] | undefined
  readonly state?: SiteWantedState | undefined
  /** Files of packages: all but these, or only these; missing: they count like others. */
  readonly packages?: 'hidden' | 'only' | undefined
  /** Only entries from this index on, and below this one. */
  readonly from?: number | undefined
  readonly before?: number | undefined
  readonly isOldestFirst?: boolean | undefined
  /** The size that the chain vouches for; needed for `current` and `waiting`. */
  readonly anchored?: number | undefined
}

/** A number of entries; `isExact` is false if there may be more. */
export type SiteCount = { readonly count: number; readonly isExact: boolean }

/** How many entries there are of each kind, and how many of all are files of packages. */
export type SiteFacets = {
  readonly entries: number
  readonly kinds: Readonly<Record<Statement['kind'], number>>
  readonly packages: number
}

/** The agencies that changed most, at most as many as were asked for. */
export type SiteChangers = {
  readonly agencies: readonly (SiteCounts & { readonly agency: string })[]
  readonly all: SiteCounts
  readonly others: number
}

/** The index that follows the log in the background. */
export type SiteFinder = {
  /** Entries below this index can be found. */
  reached(): number
  /**
   * By a record's whole number, otherwise by words, and by filters; `next` is where the search goes
   * on, if there may be more.
   */
  search(wanted: SiteWanted, limit: number): Promise<{ readonly indexes: readonly number[]; readonly next?: number }>
  /** How many are wanted, or at least how many; undefined if only reading them can tell. */
  count(wanted: SiteWanted): Promise<SiteCount | undefined>
  /** Entries by kind, and package files, of an agency or of all. */
  facets(agency: string | undefined): Promise<SiteFacets>
  /** Words of titles that are spelled nearly like this one, the nearest first. */
  near(word: string, limit: number): Promise<readonly { readonly word: string; readonly written: string }[]>
  changes(kinds: readonly SiteChangeKind[], before: number, limit: number): Promise<readonly SiteChange[]>
  /** The state of an entry, by all entries below `reached()`. */
  state(index: number, statement: Statement): Promise<SiteState>
  counts(agency: string): Promise<SiteCounts>
  /**
   * The agencies with the most changes, all agencies together, and how many agencies with changes
   * are left out.
   */
  changers(limit: number): Promise<SiteChangers>
  activity(unit: 'quarter' | 'day', fromMs: number, limit: number): Promise<readonly SiteSlot[]>
}

/** An agency as pages show it. */
export type SiteAgency = { readonly id: string; readonly name: string }

/** Everything that `siteRoutes` needs. */
export type SiteDeps = {
  /** The ledger's public address, without a final slash. Links, codes and feeds begin with it. */
  readonly url: string
  /** The operator of the ledger. */
  readonly operator?: Operator | undefined
  readonly ledger: SiteLedger
  readonly agencies: { list(): Promise<readonly SiteAgency[]>; get(id: string): Promise<SiteAgency | undefined> }
  readonly finder: SiteFinder
  /**
   * How far the chain is behind, with an `alarm` if something is wrong. Missing if nothing is
   * anchored.
   */
  readonly lag?: () => { readonly alarm?: string }
  /** Everyone who vouches for the ledger's rounds. Missing if nothing is anchored. */
  readonly vouchers?: () => readonly SiteVoucher[]
  /** Why no submission is accepted at the moment. */
  readonly notAccepting?: () => string | undefined
  readonly policy: () => Policy
  /** The operator's list, by which pages check receipts of other ledgers. */
  readonly others?: TrustList | undefined
  /** For the check without JavaScript, which runs on our server. */
  readonly chain: readonly ChainReader[]
  /**
   * Chain endpoints for readers' browsers, as `readEndpoint` reads them. Never one with a secret in its
   * address.
   */
  readonly publicEndpoints: readonly string[]
  readonly nowMs: () => number
}
