/** What the site is given: live parts made by the composition root, as far as pages read them. The site knows no ledger module, only these shapes. */
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
  readonly published: string
  readonly flag?: 'silent-edit' | 'reformatted' | 'repeat'
}

/** The reading side of the ledger. */
export type SiteLedger = {
  readonly origin: string
  head(): { readonly size: number }
  /** Canonical text; undefined where it was erased. */
  statement(index: number): Promise<string | undefined>
  receipt(index: number): Promise<string>
  versions(index: number): Promise<readonly SiteVersion[]>
  findByDigest(sha256: string, limit: number): Promise<readonly number[]>
  findByRecord(agency: string, record: string, limit: number): Promise<readonly number[]>
  /** Newest first, below `before`. */
  listByAgency(agency: string, before: number, limit: number): Promise<readonly number[]>
  latestAnchor(): SiteAnchor | undefined
  /** The first final anchor that covers an index. */
  anchorOf(index: number): Promise<SiteAnchor | undefined>
  /** Ascending by size, those above `after`. */
  listAnchors(after: number, limit: number): Promise<readonly SiteAnchor[]>
  stopped(): string | undefined
}

/** An agency as pages show it. */
export type SiteAgency = { readonly id: string; readonly name: string }

/** All that `siteRoutes` needs. */
export type SiteDeps = {
  readonly ledger: SiteLedger
  readonly agencies: { list(): Promise<readonly SiteAgency[]>; get(id: string): Promise<SiteAgency | undefined> }
  readonly policy: () => Policy
  /** For the check without JavaScript, which our server makes. */
  readonly chain: readonly ChainReader[]
  /** Chain endpoints that readers' browsers may use. Never one with a secret in its address. */
  readonly publicEndpoints: readonly string[]
  readonly nowMs: () => number
}
