/** The findings of a check of what a reader gave, and the means by which it is made. */
import type { Policy } from '../../core/policy.ts'
import type { TrustEntry, TrustList } from '../../core/trust.ts'
import type { FileDigest } from '../../documents/digest.ts'
import type { FileKind } from '../../documents/file-kind.ts'
import type { PdfFacts } from '../../documents/pdf.ts'
import type { ChainReader } from '../chain-reader.ts'
import type { CheckResult, Result, Trust } from '../result.ts'
import type { NamedDocument } from './given.ts'
import type { LedgerReader } from './ledger-reader.ts'
import type { PolicySource } from './policy-source.ts'

/**
 * The part of a file that a finding is about: a release of an OCDS package, or an earlier state of
 * a PDF.
 */
export type Part =
  | { readonly kind: 'release'; readonly position: number; readonly name?: string | undefined }
  | { readonly kind: 'state'; readonly bytes: number }

/** A checked subject, and the result. */
export type Finding = {
  readonly fileName?: string | undefined
  /** Missing if the ledger gave the receipt. */
  readonly receiptName?: string | undefined
  /** The text of the receipt that was checked. */
  readonly receipt?: string | undefined
  readonly digest?: FileDigest | undefined
  /** True if only the SHA-256 was given, so that nobody has read the file. */
  readonly isFingerprint?: boolean | undefined
  /** True for an archive whose files were checked, too. */
  readonly isArchive?: boolean | undefined
  readonly fileKind?: FileKind | undefined
  readonly pdf?: PdfFacts | undefined
  readonly part?: Part | undefined
  readonly result: Result
  readonly policySource?: PolicySource | undefined
  /** The documents that the receipt lists, if this file is not one of them. */
  readonly expected?: readonly NamedDocument[]
  /**
   * The first earlier entry of the record that lists the same file, with its date if the chain
   * vouches for it.
   */
  readonly earlier?: { readonly index: number; readonly date?: string } | undefined
  /** Where the file was looked up, if several ledgers were to be asked. */
  readonly lookedUp?: LookedUp
  /** The given receipt was only sealed, so the ledger's newer one was checked instead. */
  readonly isFresher: boolean
}

/**
 * The names of the ledgers in which a file without a receipt was to be looked up. `notAsked`: the
 * time ended first, or the list has no address or no supported policy, or nothing there may be asked
 * from here.
 */
export type LookedUp = { readonly answered: readonly string[]; readonly silent: readonly string[]; readonly notAsked: readonly string[] }

/**
 * Why there is no verdict. `erasing`: every entry of the file was or is being erased, so the ledger
 * shows no receipt. `release-refused`: the strict reader refused the release; `code` and the
 * English `reason` say why. `receipt-encoding`: the receipt is not text in a known encoding.
 */
export type Problem = 'ledger-gone' | 'ledger-other' | 'erasing' | 'need-receipt' | 'release-refused' | 'receipt-encoding'

/** A finding, or the reason why the file could not be checked. */
export type Answer =
  | {
      readonly finding: Finding
      readonly problem?: undefined
      readonly code?: undefined
      readonly reason?: undefined
      readonly lookedUp?: undefined
    }
  | {
      readonly finding?: undefined
      readonly name: string
      readonly part?: Part | undefined
      readonly problem: Problem
      readonly code?: string
      readonly reason?: string
      readonly lookedUp?: LookedUp
    }

/**
 * The answers for one file or receipt: its own (one for each record that lists it), then those for
 * its parts.
 */
export type Answers = {
  readonly own: readonly Answer[]
  readonly parts: readonly Answer[]
  readonly partsLeftOut: number
  /** If a release was not found: the ledgers of the list that were not asked for the releases. */
  readonly partsNotAsked?: readonly string[]
}

/** The part of a file that an answer is about; undefined for the whole file. */
export function partOf(answer: Answer): Part | undefined {
  return answer.finding ? answer.finding.part : answer.part
}

/** The inputs of the checks. Without a ledger, no receipts are looked up. */
export type Means = {
  readonly policy: Policy | TrustList
  /**
   * With a single policy: the list that judges receipts of other ledgers, the word of whoever runs
   * the page.
   */
  readonly others?: TrustList | undefined
  /** The ledger of an entry of a list, where it can be asked. */
  readonly ledgerOf?: ((entry: TrustEntry) => LedgerReader | undefined) | undefined
  readonly trust: Trust
  readonly chain: readonly ChainReader[]
  readonly ledger?: LedgerReader | undefined
  readonly policySource?: PolicySource | undefined
  /** Asks for exit code 6 if nobody could be asked about changes to a version. */
  readonly requireCurrent?: boolean | undefined
  /**
   * Once it is aborted, no further release is begun. Pass it to the readers too: they do not see it
   * here.
   */
  readonly signal?: AbortSignal | undefined
}

/** Callbacks and limits of a run. */
export type Watch = {
  readonly onCheck?: (check: CheckResult) => void
  /** May return a promise, so that a page can redraw. */
  readonly onPart?: (done: number, total: number) => void | Promise<void>
  /** Once it returns true, no further release is begun, and the rest counts as left out. */
  readonly isStopped?: () => boolean
  /**
   * How many releases of each verdict keep their checks. Later ones keep only the verdict, so that
   * thousands fit in memory. If missing, all keep them.
   */
  readonly maxWhole?: number
}

/** One thing to check. */
export type Task = { readonly name: string; run(watch?: Watch): Promise<Answers> }
