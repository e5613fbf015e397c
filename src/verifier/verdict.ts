/**
 * The verdicts of design §8: their order, exit codes and colour, the same in the library, on the
 * command line and on the page.
 */

import type { EffectKind } from '../core/statements/effects.ts'

/** The names of the checks of design §7, in their order. */
export const CHECKS = ['document', 'statement', 'inclusion', 'checkpoint', 'cosignatures', 'anchor', 'finality', 'currency'] as const

/** The name of a check, as sentences use it. */
export type CheckName = (typeof CHECKS)[number]

/** The code of a verdict. */
export type VerdictCode =
  | 'invalid'
  | 'unknown'
  | 'unsupported'
  | 'disowned'
  | 'unchecked'
  | 'test-network'
  | 'sealed'
  | 'withdrawn'
  | 'edited'
  | 'superseded'
  | 'anchored'

/**
 * All verdicts with their exit codes where a file was compared. The first that applies, from the
 * top, is the verdict.
 */
export const VERDICTS: readonly { readonly code: VerdictCode; readonly exit: number }[] = [
  { code: 'invalid', exit: 5 },
  { code: 'unknown', exit: 4 },
  { code: 'unsupported', exit: 7 },
  { code: 'disowned', exit: 7 },
  { code: 'unchecked', exit: 6 },
  { code: 'test-network', exit: 3 },
  { code: 'sealed', exit: 3 },
  { code: 'withdrawn', exit: 8 },
  { code: 'edited', exit: 8 },
  { code: 'superseded', exit: 8 },
  { code: 'anchored', exit: 0 },
]

/**
 * The subject of a result: a file that was read, a fingerprint of a file that nobody read, or,
 * without either, the entry itself.
 */
export type Subject = 'file' | 'fingerprint' | 'entry'

/**
 * The source asked about changes to the version. A source that gave no usable answer counts as
 * nobody.
 */
export type Asked = 'ledger' | 'copy' | 'nobody'

/**
 * The effect of another statement of the record on a version, or `erased` if that can no longer be
 * read.
 */
export type ChangeCode = 'withdrawn' | 'superseded' | 'edited' | 'edited-elsewhere' | 'published' | 'erased' | 'added' | 'reformatted'

/** One change to a version. */
export type Change = {
  /** The entry that made the change. */
  readonly index: number
  readonly what: ChangeCode
  /**
   * False if its receipt does not verify by the policy. Then the change is only the source's word.
   */
  readonly verified: boolean
  /** When the chain first vouched for it. */
  readonly when?: string
  /** When the agency says that it was published. */
  readonly published?: string
  /** The tombstone, if the statement that made the change was erased. Nobody can verify it. */
  readonly erased?: number
}

/** Why something could not be checked. */
export type UncheckedReason = 'unserved' | 'silent' | 'disagreement' | 'unable' | 'unverified' | 'erased' | `erased-${EffectKind}` | 'many'

/** The first verdict from the top of the table among `brought`; `anchored` if there is none. */
export function firstVerdict(brought: readonly (VerdictCode | undefined)[]): VerdictCode {
  return VERDICTS.find(({ code }) => brought.includes(code))?.code ?? 'anchored'
}

/**
 * Whether the proof is valid as far as it was checked. Under any other verdict, saying what a valid
 * proof shows would be a contradiction.
 */
export function showsSomething(verdict: VerdictCode): boolean {
  return !['invalid', 'unknown', 'unsupported', 'disowned', 'unchecked'].includes(verdict)
}

/** The facts that decide exit code and colour. */
export type Shown = {
  readonly verdict: VerdictCode
  readonly subject: Subject
  readonly asked: Asked
  readonly changes: readonly Change[]
}

/**
 * The exit code. A version that was changed without a new version gives 8. Without a file, the exit
 * code is never 0 or 8.
 */
export function exitOf({ verdict, subject, asked, changes }: Shown, requireCurrent = false): number {
  if (verdict === 'anchored' && asked === 'nobody' && requireCurrent) return exitOfVerdict('unchecked')
  const isEdited = verdict === 'anchored' && changes.some(({ what }) => what === 'edited-elsewhere')
  const exit = isEdited ? exitOfVerdict('edited') : exitOfVerdict(verdict)
  return subject === 'entry' && (exit === 0 || exit === 8) ? exitOfVerdict('sealed') : exit
}

/**
 * Green: the file matches, the chain vouches for it, and the ledger itself was asked and named
 * nothing that replaced it. This is the one place that decides; pages, cards and badges use it.
 */
export function isGreenFor({ verdict, subject, asked, changes }: Shown): boolean {
  return verdict === 'anchored' && subject !== 'entry' && asked === 'ledger' && !changes.some(takesGreen)
}

/** The change that the sentence names: the first of the finding's kind. */
export function decidingChange(finding: VerdictCode, changes: readonly Change[]): Change | undefined {
  return changes.find(({ what, verified }) => verified && what === finding)
}

function takesGreen({ what }: Change): boolean {
  return what !== 'added' && what !== 'reformatted'
}

function exitOfVerdict(verdict: VerdictCode): number {
  const row = VERDICTS.find(({ code }) => code === verdict)
  if (row === undefined) throw new Error(`bug: no verdict ${verdict}`)
  return row.exit
}
