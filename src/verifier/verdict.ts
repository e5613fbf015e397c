/** The verdicts of design §8: their order, exit codes and sentences. The same in the library, on the command line and on the page. */

/** The names of the checks of design §7, in their order. */
export const CHECKS = ['document', 'statement', 'inclusion', 'checkpoint', 'cosignatures', 'anchor', 'finality', 'currency'] as const

/** The name of a check, which the sentences speak of. */
export type CheckName = (typeof CHECKS)[number]

/** The code of a verdict. */
export type VerdictCode =
  | 'invalid'
  | 'unknown'
  | 'unsupported'
  | 'unchecked'
  | 'test-network'
  | 'sealed'
  | 'withdrawn'
  | 'superseded'
  | 'anchored'

/** All verdicts with their exit codes. The first that applies, from the top, is the verdict. */
export const VERDICTS: readonly { readonly code: VerdictCode; readonly exit: number }[] = [
  { code: 'invalid', exit: 5 },
  { code: 'unknown', exit: 4 },
  { code: 'unsupported', exit: 7 },
  { code: 'unchecked', exit: 6 },
  { code: 'test-network', exit: 3 },
  { code: 'sealed', exit: 3 },
  { code: 'withdrawn', exit: 0 },
  { code: 'superseded', exit: 0 },
  { code: 'anchored', exit: 0 },
]

/** What a sentence may speak of. Times are `YYYY-MM-DDTHH:MM:SSZ`. */
export type SentenceFacts = {
  /** False where no file was compared: the sentence then speaks of the statement only. */
  readonly compared: boolean
  /** The first check that failed, of an `invalid` verdict. */
  readonly failed?: CheckName
  /** The earliest time at which a final anchor vouches for the record. */
  readonly date?: string
  /** When the agency says that it withdrew the record. */
  readonly withdrawn?: string
}

/** The sentence of each verdict in one language: what a translated catalogue must offer. */
export type Sentences = { readonly [code in VerdictCode]: (facts: SentenceFacts) => string }

/** The sentences in English. */
export const SENTENCES: Sentences = {
  invalid: ({ failed }) =>
    `The proof does not fit: ${failed ?? 'statement'}.${failed === 'document' ? ' The file may have been saved or signed again since.' : ''}`,
  unknown: () => 'No record of this file. It may have been saved or signed again since.',
  unsupported: () => 'This proof is of a kind, or of a ledger, that the policy does not know.',
  unchecked: () => 'We could not ask the chain just now.',
  'test-network': () => 'Everything fits, on a test network: this is no evidence.',
  sealed: facts => `The ledger has accepted ${subject(facts).toLowerCase()}; the chain does not vouch for it yet.`,
  withdrawn: facts =>
    `${subject(facts)} is on the record since ${facts.date}, and was withdrawn on ${facts.withdrawn}.${notCompared(facts)}`,
  superseded: facts => `${subject(facts)} is on the record since ${facts.date}, and a newer version exists.${notCompared(facts)}`,
  anchored: facts => `${subject(facts)} is on the record, unchanged since ${facts.date}.${notCompared(facts)}`,
}

/** Stands under every verdict that shows something. */
export const LIMITS =
  'This shows that the file is unchanged since that date and who submitted it according to the ledger. It does not show that what it says is true.'

/** Ends the sentence where the policy is the ledger's own word. */
export const TRUSTS_LEDGER = 'This trusts the policy that the ledger itself gave.'

/** The first verdict, from the top of the table, among those that the checks brought about; `anchored` when there is none. */
export function firstVerdict(brought: readonly (VerdictCode | undefined)[]): VerdictCode {
  return VERDICTS.find(({ code }) => brought.includes(code))?.code ?? 'anchored'
}

/** Whether the proof fits as far as it was asked: under any other verdict, saying what a fit shows would contradict it. */
export function showsSomething(verdict: VerdictCode): boolean {
  return verdict !== 'invalid' && verdict !== 'unknown' && verdict !== 'unsupported' && verdict !== 'unchecked'
}

/** The exit code of a verdict. */
export function exitOf(verdict: VerdictCode): number {
  const row = VERDICTS.find(({ code }) => code === verdict)
  if (row === undefined) throw new Error(`bug: no verdict ${verdict}`)
  return row.exit
}

function subject({ compared }: SentenceFacts): string {
  return compared ? 'This file' : 'This statement'
}

function notCompared({ compared }: SentenceFacts): string {
  return compared ? '' : ' No file was compared with it.'
}
