/** The input and the report of an audit, and what its parts share during a run. */
import type { Policy } from '../core/policy.ts'
import type { AnchorEvent, AuditChain } from './chain.ts'
import { AuditError, type AuditFinding, type Notice, type Unfinished } from './finding.ts'
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
  readonly findings: readonly AuditFinding[]
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
  /** Missing if the policy asks for nothing that only rounds show, or if they were not all read. */
  readonly rounds?: AuditedRounds
  /** Whether every chain of the policy is a test network. */
  readonly testNetwork: boolean
  /** Every anchor on chain, in order, one endpoint after the other. */
  readonly anchors: readonly AuditedAnchor[]
  /** Files with both sides of a contradiction. */
  readonly evidence: readonly string[]
}

/** The rounds of the ledger up to the audited size. */
export type AuditedRounds = {
  readonly read: number
  /** Those that have all that the policy requires, and the size of the newest; 0 without one. */
  readonly final: number
  readonly newest: number
  /** Time stamps that hold, by authorities of the policy. */
  readonly stamps: number
  /** Whether every authority of the policy is a test one. */
  readonly testAuthorities: boolean
}

/** How much was compared. */
export type Counts = Pick<AuditReport, 'statements' | 'erased' | 'withheld' | 'tiles'>

/** The findings of a part of an audit, and how much it compared. */
export type Found = Pick<AuditReport, 'findings' | 'notices' | 'unfinished' | 'evidence'> & { readonly counts: Partial<Counts> }

/**
 * A part of an audit. It yields what it finds as it goes, and returns its result. Where it cannot
 * go on it throws AuditError, and what it yielded before still counts.
 */
export type AuditPart<T> = AsyncGenerator<Partial<Found>, T>

/** A broken ledger can differ everywhere. After this many findings, more add nothing. */
export const MAX_FINDINGS = 100

/** Collects what parts yield: every finding once, and at most MAX_FINDINGS of them. */
export function createCollector() {
  const findings = new Map<string, AuditFinding>()
  const notices: Notice[] = []
  const unfinished: Unfinished[] = []
  const evidence = new Set<string>()
  const counts: { -readonly [name in keyof Counts]: number } = { statements: 0, erased: 0, withheld: 0, tiles: 0 }
  const add = (found: Partial<Found>) => {
    for (const finding of found.findings ?? []) if (findings.size < MAX_FINDINGS) findings.set(JSON.stringify(finding), finding)
    for (const notice of found.notices ?? []) if (notices.length < MAX_FINDINGS) notices.push(notice)
    for (const reason of found.unfinished ?? []) unfinished.push(reason)
    for (const folder of found.evidence ?? []) evidence.add(folder)
    for (const name of COUNTS) counts[name] += found.counts?.[name] ?? 0
  }
  return {
    add,
    found: () => ({ findings: [...findings.values()], notices, unfinished, evidence: [...evidence], counts }),
    /** Runs a part to its end and returns its result. Rejects as the part does. */
    async run<T>(part: AuditPart<T>): Promise<T> {
      for (;;) {
        const step = await part.next()
        if (step.done) return step.value
        add(step.value)
      }
    },
    /** Runs a part. If it cannot go on, that is added, and the result is undefined. */
    async tryPart<T>(part: AuditPart<T>): Promise<T | undefined> {
      try {
        return await this.run(part)
      } catch (error) {
        add({ unfinished: [reasonOf(error)] })
        return undefined
      }
    },
  }
}

/** Why something was not checked. Any error but AuditError is thrown on. */
export function reasonOf(error: unknown): Unfinished {
  if (error instanceof AuditError) return error.unfinished
  throw error
}

const COUNTS = ['statements', 'erased', 'withheld', 'tiles'] as const
