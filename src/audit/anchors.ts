/** The chain: events and storage of the contract agree, each anchored root is the tree's, and every anchor that the ledger names is there. */
import { toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { coversSize, type PolicyAnchor } from '../core/policy.ts'
import type { AuditChain, ChainView } from './chain.ts'
import { finding } from './finding.ts'
import type { IsRoot } from './root-check.ts'
import { addFinding, inParallel, type Run } from './run.ts'
import type { ClaimedAnchor } from './source.ts'

/** A log as one endpoint shows it, with what the policy says of it. */
export type AuditedLog = { readonly chain: AuditChain; readonly view: ChainView; readonly pinned: readonly PolicyAnchor[] }

type LogName = { readonly chainId: number; readonly contract: string; readonly logId: string }

/** Reads every log of the policy at every endpoint, its storage too. What does not answer is left out, and said. */
export async function readLogs(run: Run): Promise<AuditedLog[]> {
  const { policy, chains } = run.input
  const logs = await Promise.all(chains.map(chain => readLog(run, chain)))
  for (const anchor of policy.anchors)
    if (!chains.some(chain => isSameLog(anchor, chain)))
      run.unfinished.push(`no endpoint was asked for the anchors in ${anchor.contract} on chain ${anchor.chainId}`)
  return logs.filter(log => log !== undefined)
}

async function readLog(run: Run, chain: AuditChain): Promise<AuditedLog | undefined> {
  const pinned = run.input.policy.anchors.filter(anchor => isSameLog(anchor, chain))
  try {
    const code = await chain.codeSha256()
    if (pinned.some(anchor => anchor.codeSha256 !== code)) {
      // What other code says counts for nothing.
      addFinding(run, finding('AUDIT_CONTRACT_CODE', `SHA-256 ${code} at ${chain.contract} ${nameOf(chain)}`))
      return undefined
    }
    const log = { chain, view: await chain.read(), pinned }
    await checkContract(run, log)
    return log
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    run.unfinished.push(`the anchors on chain ${chain.chainId} could not be read at ${chain.name}: ${error.message}`)
    return undefined
  }
}

/** The contract by itself: its events against its storage. */
async function checkContract(run: Run, { chain, view }: AuditedLog): Promise<void> {
  const where = nameOf(chain)
  const stored = await inParallel(view.events, run.input.parallel, ({ size, root }) => chain.anchoredAt(size, root, view.block))
  for (const [i, event] of view.events.entries()) {
    const problem =
      stored[i] !== event.time
        ? `size ${event.size}: the event says ${event.time}, the storage ${stored[i]}`
        : event.size <= (view.events[i - 1]?.size ?? 0) && `size ${event.size} comes after size ${view.events[i - 1]?.size ?? 0}`
    if (problem) addFinding(run, finding('AUDIT_ANCHOR_STORAGE', `${problem} ${where}`))
  }
  const last = view.events.at(-1)?.size ?? 0
  if (last !== view.latestSize)
    addFinding(run, finding('AUDIT_ANCHOR_STORAGE', `the last event is of size ${last}, the storage of size ${view.latestSize} ${where}`))
}

/** What is anchored against the tree, and what the ledger claims against what is anchored. */
export async function checkAnchors(
  run: Run,
  logs: readonly AuditedLog[],
  claimed: readonly ClaimedAnchor[],
  isRoot: IsRoot,
  size: number,
): Promise<void> {
  for (const { chain, view, pinned } of logs) {
    const where = nameOf(chain)
    const isPinned = (at: number) => pinned.some(range => coversSize(range, at))
    for (const event of view.events.filter(event => isPinned(event.size))) {
      if (event.size > size)
        addFinding(run, finding('AUDIT_CHAIN_AHEAD', `size ${event.size} is anchored ${where}, the ledger shows ${size} entries`))
      else if (!(await isRoot(event.size, event.root)))
        addFinding(run, finding('AUDIT_ANCHOR_MISMATCH', `${toHex(event.root)} is anchored for size ${event.size} ${where}`))
    }
    const anchored = new Set(view.events.map(event => `${event.size} ${toHex(event.root)}`))
    for (const anchor of claimed)
      if (isSameLog(anchor, chain) && isPinned(anchor.size) && !anchored.has(`${anchor.size} ${anchor.root}`))
        addFinding(run, finding('AUDIT_ANCHOR_MISSING', `size ${anchor.size} with root ${anchor.root} ${where}`))
    if (view.closedAt !== undefined && size > view.closedAt && isPinned(view.closedAt + 1))
      addFinding(run, finding('AUDIT_LOG_CLOSED', `the last good size is ${view.closedAt} ${where}, the ledger shows ${size} entries`))
  }
  const unknown = claimed.filter(anchor => !run.input.policy.anchors.some(pinned => isSameLog(pinned, anchor)))
  if (unknown.length > 0)
    run.unfinished.push(`the ledger names ${unknown.length} anchors in a log that the policy does not know (${unknown[0]!.contract})`)
}

function nameOf({ chainId, name }: AuditChain): string {
  return `on chain ${chainId} (${name})`
}

function isSameLog(a: LogName, b: LogName): boolean {
  return a.chainId === b.chainId && a.contract.toLowerCase() === b.contract.toLowerCase() && a.logId.toLowerCase() === b.logId.toLowerCase()
}
