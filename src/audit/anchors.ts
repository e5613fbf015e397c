/**
 * Compares the chain with the ledger: each anchored root is the tree's, and every anchor that the
 * ledger claims exists. Endpoints must agree.
 */

import { toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { groupBy } from '../core/group-by.ts'
import { coversSize, isChain, type PolicyChain } from '../core/policy-anchors.ts'
import { formatTime } from '../core/time.ts'
import { NO_CODE } from '../verifier/chain-reader.ts'
import type { AuditChain } from './chain.ts'
import { type ChainView, placeOf, readChainLog } from './chain-log.ts'
import { AuditError, type AuditFinding, finding, type Notice, type Unfinished, type UnfinishedCode, unfinished } from './finding.ts'
import type { IsRoot } from './root-check.ts'
import { type AuditInput, type AuditPart, type Found, reasonOf } from './run.ts'
import type { ClaimedAnchor } from './source.ts'

/** A log as one endpoint shows it, with its entry in the policy. */
export type AuditedLog = { readonly chain: AuditChain; readonly view: ChainView; readonly pinned: readonly PolicyChain[] }

type LogName = { readonly chainId: number; readonly contract: string; readonly logId: string }

/**
 * The answer of one endpoint: a view, or code that the policy does not name, or why there is none.
 * `empty`: the view of a chain that has no contract there.
 */
type Seen = {
  readonly chain: AuditChain
  readonly pinned: readonly PolicyChain[]
  readonly view?: ChainView
  readonly empty?: ChainView
  readonly code?: AuditFinding
  readonly trouble?: Unfinished
}

/**
 * Reads every log of the policy at every endpoint. Endpoints that do not answer or that disagree
 * are left out, and reported.
 */
export async function* readLogs(input: AuditInput): AuditPart<AuditedLog[]> {
  const { policy, chains } = input
  const unasked = policy.anchors.filter(isChain).filter(anchor => !chains.some(chain => isSameLog(anchor, chain)))
  yield { unfinished: unasked.map(({ contract, chainId }) => unfinished('AUDIT_CHAIN_NOT_ASKED', 'chain', { contract, chainId })) }
  const seen = await Promise.all(chains.map(chain => readLog(input, chain)))
  yield { unfinished: seen.flatMap(({ trouble }) => trouble ?? []) }
  const logs: AuditedLog[] = []
  const answered = seen.filter(({ trouble }) => trouble === undefined)
  for (const group of groupBy(answered, ({ chain }) => `${chain.chainId} ${chain.contract} ${chain.logId}`.toLowerCase()).values()) {
    const doubt = disagreement(group)
    if (doubt !== undefined) yield { unfinished: [doubt] }
    else
      for (const { chain, pinned, view, empty, code } of group) {
        yield { findings: [...(code === undefined ? [] : [code]), ...(view?.findings ?? [])] }
        if (view !== undefined) logs.push({ chain, view, pinned })
        if (empty === undefined) continue
        yield { unfinished: [unfinished('AUDIT_CONTRACT_NONE', 'contract', { contract: chain.contract, ...placeOf(chain) })] }
        // A test chain can begin anew. A production chain keeps a contract forever, so an anchor
        // that the ledger claims there must be there.
        logs.push({ chain, view: empty, pinned: pinned.filter(({ production }) => production) })
      }
  }
  return logs
}

async function readLog({ policy, state, parallel, onBlocks }: AuditInput, chain: AuditChain): Promise<Seen> {
  const pinned = policy.anchors.filter(isChain).filter(anchor => isSameLog(anchor, chain))
  try {
    const code = await chain.codeSha256()
    if (code === NO_CODE) return { chain, pinned, empty: await emptyView(chain) }
    // Answers of other code do not count.
    if (pinned.some(anchor => anchor.codeSha256 !== code))
      return { chain, pinned, code: finding('AUDIT_CONTRACT_CODE', 'code', { code, contract: chain.contract, ...placeOf(chain) }) }
    return { chain, pinned, view: await readChainLog({ chain, state, parallel, onBlocks }) }
  } catch (error) {
    return { chain, pinned, trouble: reasonOf(chainTrouble(error, chain)) }
  }
}

async function emptyView(chain: AuditChain): Promise<ChainView> {
  const { head, final } = await chain.heads()
  return { latestSize: 0, head, final: final?.number ?? -1, events: [], findings: [] }
}

function chainTrouble(error: unknown, chain: AuditChain): unknown {
  if (!(error instanceof OpenSealError) || error instanceof AuditError) return error
  const code = CHAIN_TROUBLE[error.code] ?? 'AUDIT_CHAIN_UNREADABLE'
  // The place is enough to say.
  if (code === 'AUDIT_CHAIN_UNREACHABLE' || code === 'AUDIT_TIME_ENDED')
    return new AuditError(code, 'endpoint', placeOf(chain), { cause: error })
  return new AuditError(code, 'endpoint.reason', { reason: error.message, ...placeOf(chain) }, { cause: error })
}

const CHAIN_TROUBLE: Readonly<Record<string, UnfinishedCode>> = {
  CHAIN_UNREACHABLE: 'AUDIT_CHAIN_UNREACHABLE',
  CHAIN_WRONG: 'AUDIT_CHAIN_OTHER',
  CHAIN_EVENTS: 'AUDIT_CHAIN_EVENTS',
  CHAIN_LATE: 'AUDIT_TIME_ENDED',
}

/**
 * If two endpoints show different final anchors, one of them is wrong, and nothing here can tell
 * which.
 */
function disagreement(group: readonly Seen[]): Unfinished | undefined {
  const [first, ...others] = group
  for (const other of others) {
    const values = { first: first!.chain.name, second: other.chain.name, chainId: other.chain.chainId }
    if (first!.view === undefined || other.view === undefined) {
      if (first!.view !== other.view) return unfinished('AUDIT_ENDPOINTS_DISAGREE', 'endpoints.code', values)
      continue
    }
    const common = Math.min(first!.view.final, other.view.final)
    const upTo = ({ events }: ChainView) => events.filter(({ block }) => block <= common)
    const [a, b] = [upTo(first!.view), upTo(other.view)]
    const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find(i => nameOf(a[i]) !== nameOf(b[i]))
    const size = at === undefined ? undefined : (a[at] ?? b[at])!.size
    if (size !== undefined) return unfinished('AUDIT_ENDPOINTS_DISAGREE', 'endpoints', { ...values, size })
  }
  return undefined
}

type Events = ChainView['events']

function nameOf(event: Events[number] | undefined): string | undefined {
  return event && `${event.size} ${toHex(event.root)} ${event.time}`
}

/** Compares the anchors with the tree, and the ledger's claims with the anchors. */
export async function* checkAnchors(
  { policy }: AuditInput,
  logs: readonly AuditedLog[],
  claimed: readonly ClaimedAnchor[],
  isRoot: IsRoot,
  size: number,
): AuditPart<void> {
  for (const log of logs) {
    const isPinned = (at: number) => log.pinned.some(range => coversSize(range, at))
    const events = log.view.events.filter(event => isPinned(event.size))
    yield* checkEvents(log.chain, events, isRoot, size)
    yield checkClaims(
      log,
      claimed.filter(anchor => isSameLog(anchor, log.chain) && isPinned(anchor.size)),
    )
    const { closedAt } = log.view
    if (closedAt !== undefined && size > closedAt && isPinned(closedAt + 1))
      yield { findings: [finding('AUDIT_LOG_CLOSED', 'closed', { last: closedAt, size, ...placeOf(log.chain) })] }
  }
  const unknown = claimed.filter(anchor => !policy.anchors.filter(isChain).some(pinned => isSameLog(pinned, anchor)))
  const { contract, chainId } = unknown[0] ?? {}
  if (contract !== undefined && chainId !== undefined)
    yield { unfinished: [unfinished('AUDIT_ANCHORS_UNKNOWN', 'unknown', { count: unknown.length, contract, chainId })] }
}

async function* checkEvents(chain: AuditChain, events: Events, isRoot: IsRoot, size: number): AuditPart<void> {
  const place = placeOf(chain)
  for (const event of events) {
    if (event.size > size) yield { findings: [finding('AUDIT_CHAIN_AHEAD', 'ahead', { anchored: event.size, size, ...place })] }
    else if (!(await isRoot(event.size, event.root)))
      yield { findings: [finding('AUDIT_ANCHOR_MISMATCH', 'anchor', { size: event.size, root: toHex(event.root), ...place })] }
  }
}

function checkClaims({ chain, view }: AuditedLog, claimed: readonly ClaimedAnchor[]): Partial<Found> {
  const anchored = new Map(view.events.map(event => [`${event.size} ${toHex(event.root)}`, event]))
  const place = placeOf(chain)
  const findings: AuditFinding[] = []
  const notices: Notice[] = []
  const behind: Unfinished[] = []
  for (const { size, root, block, time } of claimed) {
    const event = anchored.get(`${size} ${root}`)
    if (event !== undefined) {
      // The block may have moved, which the ledger has not noticed yet. No proof depends on it.
      const isThere = (block === 0 || block === event.block) && (time === undefined || time === formatTime(event.time * 1000))
      if (!isThere)
        notices.push({ code: 'AUDIT_ANCHOR_MOVED', detail: 'moved', values: { size, told: block, block: event.block, ...place } })
    } else if (block <= view.head.number) findings.push(finding('AUDIT_ANCHOR_MISSING', 'anchor', { size, root, ...place }))
    else behind.push(unfinished('AUDIT_CHAIN_BEHIND', 'behind', { size, block, endpoint: chain.name, head: view.head.number }))
  }
  return { findings, notices, unfinished: behind }
}

function isSameLog(a: LogName, b: LogName): boolean {
  return a.chainId === b.chainId && a.contract.toLowerCase() === b.contract.toLowerCase() && a.logId.toLowerCase() === b.logId.toLowerCase()
}
