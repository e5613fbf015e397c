/** When a round is final by the ledger's own policy, as a verifier would find it. Design §7.5 to 7.7. */
import { groupBy } from '../core/group-by.ts'
import type { Policy } from '../core/policy.ts'
import { countingAnchors, isAuthority, isChain, type PolicyAnchor, type PolicyChain, voucherOf } from '../core/policy-anchors.ts'
import type { FinalAnchor } from './final-anchors.ts'
import type { StoredCosignature, StoredToken } from './stored.ts'

/** The part of the ledger's own policy that decides. */
export type RoundRule = Pick<Policy, 'witnesses' | 'quorum' | 'anchors' | 'requireAnchors'>

/** Everything that vouches for the checkpoint of a size. */
export type Vouched = {
  readonly size: number
  /** The signed note, as it was when the round opened; missing if there is no round of this size. */
  readonly checkpoint?: string
  readonly cosignatures: readonly StoredCosignature[]
  readonly timestamps: readonly StoredToken[]
  /** Of one chain each, the earliest first. */
  readonly anchors: readonly FinalAnchor[]
}

/** What the rule says of a round. */
export type Judgement = {
  /** Whether enough witnesses have signed. */
  readonly isCosigned: boolean
  /** If it is final: the time by which as many anchors as the policy requires agree. */
  readonly time?: string
  /** The earliest anchor on a chain that counts. */
  readonly anchor?: FinalAnchor | undefined
}

/** The judgement of a round. Without a rule, one anchor of any chain makes it final. */
export function judgeRound(rule: RoundRule | undefined, vouched: Vouched): Judgement {
  const { witnesses, quorum, requireAnchors } = rule ?? { witnesses: [], quorum: 0, requireAnchors: 1 }
  const signed = new Set(vouched.cosignatures.map(({ vkey }) => vkey))
  const isCosigned = witnesses.filter(vkey => signed.has(vkey)).length >= quorum
  // Times of one format compare as text.
  const time = timesOf(rule, vouched).sort()[requireAnchors - 1]
  const anchor = vouched.anchors.find(each => rule === undefined || countsFor(rule, vouched.size, each))
  return { isCosigned, anchor, ...(isCosigned && time !== undefined && { time }) }
}

function countsFor(rule: RoundRule, size: number, anchor: FinalAnchor): boolean {
  return countingAnchors(rule, size).anchors.some(place => isChain(place) && isAt(place, anchor))
}

function isAt({ chainId, contract, logId }: PolicyChain, anchor: FinalAnchor): boolean {
  return anchor.chainId === chainId && anchor.contract === contract && anchor.logId === logId
}

/**
 * The times of the anchors that count: one for each chain and each authority. If the policy names
 * enough production anchors for the size, only those count.
 */
function timesOf(rule: RoundRule | undefined, { size, anchors, timestamps }: Vouched): string[] {
  if (rule === undefined) return anchors.map(({ block }) => block.time)
  const places = countingAnchors(rule, size).anchors
  const names = places.filter(isAuthority).map(({ name }) => name)
  const tokens = firstOfEachSigner(timestamps.filter(({ name }) => names.includes(name)))
  const times = new Map<string, string>()
  for (const place of places) {
    const voucher = voucherOf(place)
    for (const time of heldBy(place, anchors, tokens)) if (time < (times.get(voucher) ?? '~')) times.set(voucher, time)
  }
  return [...times.values()]
}

/** The tokens of one signer count as one, the earliest, however many authorities give them. */
function firstOfEachSigner(tokens: readonly StoredToken[]): StoredToken[] {
  return [...groupBy(tokens, ({ signer }) => signer).values()].map(ofOne => ofOne.reduce((a, b) => (b.time < a.time ? b : a)))
}

function heldBy(place: PolicyAnchor, anchors: readonly FinalAnchor[], timestamps: readonly StoredToken[]): string[] {
  if (place.type === 'rfc3161') return timestamps.filter(({ name }) => name === place.name).map(({ time }) => time)
  return anchors.filter(anchor => isAt(place, anchor)).map(({ block }) => block.time)
}
