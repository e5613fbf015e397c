/** The input and the report of an audit, and what its parts share during a run. */
import type { Policy } from '../core/policy.ts'
import type { AnchorEvent, AuditChain } from './chain.ts'
import { AuditError, type Finding, type Notice, type Unfinished } from './finding.ts'
import type { LedgerSource } from './source.ts'
import type { AuditState } from './state.ts'

/** How far something is. */
export type Progress = { readonly done: number; readonly total: number }

export type AuditInput = {
  readonly source: LedgerSource
  readonly policy: Policy
  /** One reader for each log of the policy and each endpoint of its chain. */
  readonly chains: readonly AuditChain[]
  readonly state: AuditState
  /** Notices from before the audit began. */
  readonly noticed?: readonly Notice[]
  /** How many questions to a chain's endpoint may run at once. */
  readonly parallel: number
  readonly onProgress?: (entries: Progress) => void
  /** The blocks of a chain that are read for the first time. */
  readonly onBlocks?: (blocks: Progress) => void
}

/** An anchor on chain, as one endpoint shows it: `root` in hex, `time` as text. */
export type AuditedAnchor = Omit<AnchorEvent, 'root' | 'time'> & {
  readonly root: string
  readonly time: string
  readonly chainId: number
  readonly endpoint: string
  /** False while the chain can still take it back. */
  readonly final: boolean
}

export type AuditReport = {
  readonly verdict: 'clean' | 'inconsistent' | 'unfinished'
  /** 0, 5 or 6. */
  readonly exit: number
  readonly findings: readonly Finding[]
  /** Notices, which do not count against the ledger. */
  readonly notices: readonly Notice[]
  /** Parts that could not be checked, and why. */
  readonly unfinished: readonly Unfinished[]
  readonly origin: string
  /**
   * The entries that this run re-derived: [from, size). Earlier runs re-derived the ones before.
   */
  readonly from: number
  readonly size: number
  /** Root hash of the re-derived tree, hex. */
  readonly root: string
  readonly statements: number
  readonly erased: number
  /** Statements that the ledger, or a mirror of only its tree, does not serve. */
  readonly withheld: number
  readonly tiles: number
  /** Whether every chain of the policy is a test network. */
  readonly testNetwork: boolean
  /** Every anchor on chain, in order, one endpoint after the other. */
  readonly anchors: readonly AuditedAnchor[]
  /** Files with both sides of a contradiction. */
  readonly evidence: readonly string[]
}

/** The state that the parts of one audit share. */
export type Run = {
  readonly input: AuditInput
  readonly findings: Finding[]
  readonly notices: Notice[]
  readonly unfinished: Unfinished[]
  readonly evidence: string[]
  readonly counts: { statements: number; erased: number; withheld: number; tiles: number }
}

/** A broken ledger can differ everywhere. After this many findings, more add nothing. */
export const MAX_FINDINGS = 100

/** Adds a finding unless it is there already, up to MAX_FINDINGS. */
export function addFinding({ findings }: Run, finding: Finding): void {
  const text = JSON.stringify(finding)
  if (findings.length < MAX_FINDINGS && !findings.some(other => JSON.stringify(other) === text)) findings.push(finding)
}

/** Adds a notice, up to the same bound as findings. */
export function addNotice({ notices }: Run, notice: Notice): void {
  if (notices.length < MAX_FINDINGS) notices.push(notice)
}

/** Adds the reason why something was not checked. Any other error is rethrown. */
export function addUnfinished({ unfinished }: Run, error: unknown): void {
  if (!(error instanceof AuditError)) throw error
  unfinished.push(error.unfinished)
}
