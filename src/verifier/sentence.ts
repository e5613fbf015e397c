/**
 * The sentence of a verdict, design §8, assembled from keys so that every language says the same.
 * This file has the English.
 */

import type { Match } from './checks.ts'
import type { ListFacts } from './judge.ts'
import { fillIn, type Remark } from './remarks.ts'
import {
  type Asked,
  type Change,
  type CheckName,
  decidingChange,
  type Subject,
  showsSomething,
  type UncheckedReason,
  type VerdictCode,
} from './verdict.ts'

/**
 * The English sentences and their parts. `{name}` is a placeholder. Translated catalogues must have
 * all of them.
 */
export const SENTENCES = {
  invalid: 'The proof does not fit: {why}',
  'invalid.document':
    'this file is not one of the documents that the receipt lists. It may have been saved or signed again since it was published.',
  'invalid.fingerprint': 'none of the documents that the receipt lists has this fingerprint.',
  'invalid.none': 'the receipt lists no documents, so it vouches for no file.',
  'invalid.statement': 'the receipt cannot be read.',
  'invalid.inclusion': 'what the receipt states is not in the list that the ledger signed.',
  'invalid.checkpoint': 'no key that the policy trusts has signed the list.',
  'invalid.cosignatures': 'too few of the witnesses that the policy names have signed the list.',
  'unknown.file': 'There is no record of this file. It may have been saved or signed again since it was published.',
  'unknown.fingerprint':
    'There is no record of a file with this fingerprint. The file may have been saved or signed again since it was published.',
  unsupported: 'This proof is of a kind, or from a ledger, that your policy does not know.',
  'unsupported.list': 'This proof is from a ledger that the list “{list}” does not know. The list knows: {known}.',
  disowned: 'The owner of the log has disowned the checkpoint behind this proof. Ask for a newer receipt.',
  unchecked: 'We could not check everything just now: {what}',
  'unchecked.unserved': 'no endpoint of the chain is known here. Name one that serves it, and try again.',
  'unchecked.silent': 'too few endpoints of the chain answered. Try again later, or name other endpoints.',
  'unchecked.disagreement': 'the endpoints of the chain contradict each other. Name others that you trust.',
  'unchecked.unable': 'time stamps cannot be checked here. Open the page over https, or in another browser.',
  'unchecked.unverified':
    'another statement of this record is reported, and your policy cannot verify it. Bring your policy up to date and try again.',
  'unchecked.erased': 'another statement of this record has been erased, so nobody can check what it said. Ask the agency.',
  'unchecked.erased-withdrawn': 'a later statement that withdrew this version has been erased. Ask the agency.',
  'unchecked.erased-edited': 'another statement that published different content under the same version has been erased. Ask the agency.',
  'unchecked.erased-superseded': 'a later statement that replaced this version has been erased. Ask the agency.',
  'unchecked.erased-published': 'a statement that published a later version has been erased. Ask the agency.',
  'unchecked.many': 'not all statements of this record could be read. Try again later.',
  'test-network': '{finding} But the chain is a test network, so this is no evidence.',
  'sealed.file': 'The ledger has accepted this file. The chain does not vouch for it yet.',
  'sealed.fingerprint': 'The ledger has accepted a file with this fingerprint. The chain does not vouch for it yet.',
  'sealed.content': 'The ledger has accepted the content of this file. The chain does not vouch for it yet.',
  'sealed.entry': 'The ledger has accepted this entry. The chain does not vouch for it yet.',
  'sealed.file.others': 'The ledger has accepted this file. Not enough others vouch for it yet.',
  'sealed.fingerprint.others': 'The ledger has accepted a file with this fingerprint. Not enough others vouch for it yet.',
  'sealed.content.others': 'The ledger has accepted the content of this file. Not enough others vouch for it yet.',
  'sealed.entry.others': 'The ledger has accepted this entry. Not enough others vouch for it yet.',
  'since.file': 'This file has been on the record since {date}.',
  'since.fingerprint': 'The file with this fingerprint has been on the record since {date}.',
  'since.content': 'The content of this file has been on the record since {date}.',
  'since.entry': 'This entry has been on the record since {date}.',
  withdrawn: 'The agency withdrew it.',
  'withdrawn.on': 'The agency withdrew it on {date}.',
  'withdrawn.stated': 'The agency withdrew it (its own date: {date}).',
  edited: 'The agency has published different content under the same version.',
  superseded: 'A newer version has replaced it.',
  'anchored.file': 'This file has been on the record, unchanged, since {date}.',
  'anchored.fingerprint': 'The file with this fingerprint has been on the record, unchanged, since {date}.',
  'anchored.content': 'The content of this file has been on the record, unchanged, since {date}.',
  'anchored.entry': 'This entry has been on the record, unchanged, since {date}.',
  unasked: 'We did not check for newer versions.',
  'limits.file':
    'This shows that the file has not changed since that date, and who submitted it according to the ledger. It does not show that what it says is true.',
  'limits.fingerprint':
    'This shows that the file with this fingerprint has not changed since that date, and who submitted it according to the ledger. It does not show that what it says is true.',
  'limits.content':
    'This shows that the content of the file has not changed since that date, and who submitted it according to the ledger. It does not show that what it says is true.',
  'limits.entry':
    'This shows that the entry has not changed since that date, and who submitted it according to the ledger. It does not show that what it says is true.',
  'limits.undated': 'This shows who submitted it according to the ledger. It does not show that what it says is true.',
} as const

/** The name of a sentence or a part of one. */
export type SentenceKey = keyof typeof SENTENCES

/** Follows the library's sentence if the policy is the ledger's own. */
export const TRUSTS_LEDGER = 'This trusts the policy that the ledger itself gave.'

/** Follows the library's sentence if a list picked the policy. */
export const TRUSTS_LIST = 'This trusts the policy of “{entry}” in the list “{list}”.'

/** The facts that a sentence can name. Times are `YYYY-MM-DDTHH:MM:SSZ`. */
export type SentenceFacts = {
  readonly verdict: VerdictCode
  /** The verdict that would apply on a production chain. */
  readonly finding: VerdictCode
  readonly subject: Subject
  /** How the file fits, where it does. */
  readonly matched?: Match
  readonly asked: Asked
  readonly changes: readonly Change[]
  /** The first check that failed, if the verdict is `invalid`. */
  readonly failed?: CheckName
  /** False if the receipt lists no documents. */
  readonly listsDocuments?: boolean
  readonly unchecked?: UncheckedReason
  /** The time by which the required number of final anchors agree. */
  readonly date?: string
  /** The list that picked the policy, or does not know the ledger. */
  readonly list?: ListFacts
  /** Set if the verdict needs more than one chain, or other vouchers. Then the sentence does not speak of the chain. */
  readonly byOthers?: true
}

/** Says sentences of the catalogue, and times, in one language. */
export type Voice = { say(key: SentenceKey, values?: Remark['values']): string; time(time: string): string }

/** English, with times as they are written. */
export const ENGLISH: Voice = { say: (key, values = {}) => fillIn(SENTENCES[key], values), time: time => time }

/** The sentence of a verdict. It begins with what could not be checked. */
export function formatVerdict(facts: SentenceFacts, { say, time }: Voice): string {
  const { verdict, finding, asked } = facts
  if (verdict === 'invalid') return say('invalid', { why: say(whyInvalid(facts)) })
  if (verdict === 'unchecked') return say('unchecked', { what: say(`unchecked.${facts.unchecked ?? 'silent'}`) })
  if (verdict === 'unknown') return say(facts.subject === 'fingerprint' ? 'unknown.fingerprint' : 'unknown.file')
  if (verdict === 'unsupported' && facts.list?.known)
    return say('unsupported.list', { list: facts.list.name, known: facts.list.known.join(', ') })
  if (verdict === 'unsupported' || verdict === 'disowned') return say(verdict)
  const found = formatFinding(facts, { say, time })
  const whole = finding === 'anchored' && asked !== 'ledger' ? `${say('unasked')} ${found}` : found
  return verdict === 'test-network' ? say('test-network', { finding: whole }) : whole
}

/**
 * The limits of what the result shows; undefined if it shows nothing. The words "that date" are
 * used only if there is a date.
 */
export function formatLimits(facts: SentenceFacts, { say }: Voice): string | undefined {
  const { verdict, date } = facts
  if (!showsSomething(verdict)) return undefined
  // Since the date of a test network nothing is shown: it is no evidence.
  return say(date === undefined || verdict === 'test-network' ? 'limits.undated' : `limits.${spokenOf(facts)}`)
}

/**
 * A file that fits by its content only is not itself on the record, and may not be called
 * unchanged.
 */
function spokenOf({ subject, matched }: SentenceFacts): Subject | 'content' {
  return subject === 'file' && matched === 'content' ? matched : subject
}

function formatFinding(facts: SentenceFacts, { say, time }: Voice): string {
  const { finding, date, changes } = facts
  const subject = spokenOf(facts)
  const dated = { date: date === undefined ? '–' : time(date) }
  if (finding === 'sealed') return say(facts.byOthers === true ? `sealed.${subject}.others` : `sealed.${subject}`)
  if (finding === 'edited' || finding === 'superseded') return `${say(`since.${subject}`, dated)} ${say(finding)}`
  if (finding !== 'withdrawn') return say(`anchored.${subject}`, dated)
  const { when, published } = decidingChange(finding, changes) ?? {}
  const withdrawn =
    when !== undefined
      ? say('withdrawn.on', { date: time(when) })
      : published !== undefined
        ? say('withdrawn.stated', { date: time(published) })
        : say('withdrawn')
  return `${say(`since.${subject}`, dated)} ${withdrawn}`
}

function whyInvalid({ failed = 'statement', subject, listsDocuments }: SentenceFacts): SentenceKey {
  if (failed === 'document') {
    if (listsDocuments === false) return 'invalid.none'
    return subject === 'fingerprint' ? 'invalid.fingerprint' : 'invalid.document'
  }
  return failed === 'inclusion' || failed === 'checkpoint' || failed === 'cosignatures' ? `invalid.${failed}` : 'invalid.statement'
}
