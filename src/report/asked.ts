/** The ledgers that were asked for answers, by their addresses. */
import type { Policy } from '../core/policy.ts'
import { isTrustList, type TrustEntry, type TrustList } from '../core/trust.ts'
import type { Answer, Finding } from '../verifier/index.ts'

/** Whom a check could ask. */
export type Askable = {
  readonly policy: Policy | TrustList
  /** With a single policy: the list for receipts of other ledgers. */
  readonly others?: TrustList | undefined
  /** The address or the name of the ledger at hand, if there is one. */
  readonly url: string | undefined
  /** The address at which the ledger of an entry is asked; undefined if it is not. */
  readonly urlOf: (entry: TrustEntry) => string | undefined
}

/** The addresses of the ledgers that were asked for answers, without repeats. */
export function addressesAsked(answers: readonly Answer[], asked: Askable): string[] {
  const addresses = answers.flatMap(({ finding, lookedUp = finding?.lookedUp }) => [
    ...[...(lookedUp?.answered ?? []), ...(lookedUp?.silent ?? [])].map(name => addressNamed(name, asked) ?? asked.url),
    lookedUp === undefined ? addressOf(finding, asked) : undefined,
  ])
  return [...new Set(addresses.filter(address => address !== undefined))]
}

/** The address of a finding's ledger: with a list, that of the entry whose policy judged it. */
export function addressOf(finding: Finding | undefined, asked: Askable): string | undefined {
  const list = finding?.result.list
  return list === undefined ? asked.url : addressNamed(list.entry, asked)
}

function addressNamed(name: string | undefined, { policy, others, urlOf }: Askable): string | undefined {
  const { entries } = (isTrustList(policy) ? policy : others) ?? { entries: [] }
  const entry = entries.find(each => each.name === name)
  return entry && urlOf(entry)
}
