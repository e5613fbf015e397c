/**
 * A log as one endpoint shows it: its events since the last run and its storage, both as of one
 * block. The final part is remembered; a final block that disappears is a finding.
 */
import { inTurns } from '../at-once.ts'
import { formatTime } from '../core/time.ts'
import type { AnchorEvent, AuditChain, BlockId, StoredLog } from './chain.ts'
import { AuditError, type AuditFinding, finding } from './finding.ts'
import type { Progress } from './run.ts'
import type { AuditState, ChainMemory } from './state.ts'

/** A log as of one block of a chain, and what contradicts itself there. */
export type ChainView = StoredLog & {
  readonly head: BlockId
  /** The number of the newest final block, -1 if there is none. */
  readonly final: number
  /** Every anchor of the log, in the order of the chain. */
  readonly events: readonly AnchorEvent[]
  readonly findings: readonly AuditFinding[]
}

type Reading = {
  readonly chain: AuditChain
  readonly state: AuditState
  readonly parallel: number
  readonly onBlocks?: ((blocks: Progress) => void) | undefined
}

/** How often a chain that changes during reading is read again. */
const ATTEMPTS = 3
/** After this many parts of a long first scan, the progress is saved. */
const SAVE_EVERY = 100

/**
 * Reads a log.
 * @throws AuditError AUDIT_CHAIN_…
 */
export async function readChainLog(reading: Reading): Promise<ChainView> {
  for (let attempt = 1; ; attempt++) {
    const view = await readOnce(reading, attempt === ATTEMPTS)
    if (view !== undefined) return view
    if (attempt === ATTEMPTS) throw new AuditError('AUDIT_CHAIN_UNSETTLED', 'endpoint', placeOf(reading.chain))
  }
}

/** The name under which an endpoint's view of a log is remembered. */
function chainName({ chainId, contract, logId, name }: AuditChain): string {
  return `${chainId} ${contract} ${logId} ${name}`.toLowerCase()
}

/**
 * Undefined if the chain changed during reading: it took back the block in question, or may have
 * answered as of the next one.
 */
async function readOnce(reading: Reading, isLast: boolean): Promise<ChainView | undefined> {
  const { chain, state } = reading
  const name = chainName(chain)
  const kept = await state.readChain(name)
  const takenBack = kept && (await isTakenBack(chain, kept))
  if (takenBack) await state.saveChain(name, undefined)
  const memory = takenBack ? undefined : kept
  const findings = takenBack ? [finding('AUDIT_CHAIN_REORG', 'block', { block: kept.block, ...placeOf(chain) })] : []

  // First the final part, which can take long; then the newest blocks, as of one of them.
  const { final } = await chain.heads()
  const settled = final === undefined ? memory : await readFinal(reading, name, memory, final, findings)
  const { head } = await chain.heads()
  const newest = await readEvents(reading, (settled?.block ?? chain.firstBlock - 1) + 1, head.number, head.number, findings)
  const events = [...(settled?.events ?? []), ...newest]
  const stored = await chain.stored(head.number)
  if ((await chain.blockHash(head.number)) !== head.hash) return undefined

  const order = orderFindings(chain, events)
  const latest = latestFinding(chain, events, stored)
  // anvil may answer with the storage of the next block while it makes that one. A real
  // contradiction will appear again.
  const mayBeOfNext = latest !== undefined && findings.length === 0 && (await chain.heads()).head.number > head.number
  if (mayBeOfNext && !isLast) return undefined
  findings.push(...order, ...(latest === undefined ? [] : [latest]))
  if (settled !== undefined && findings.length === 0) await state.saveChain(name, settled)
  return { ...stored, head, final: final?.number ?? -1, events, findings }
}

async function isTakenBack(chain: AuditChain, { block, hash }: ChainMemory): Promise<boolean> {
  const now = await chain.blockHash(block)
  if (now !== undefined) return now !== hash
  const { head } = await chain.heads()
  throw new AuditError('AUDIT_CHAIN_BEHIND', 'behind.block', { block, head: head.number, ...placeOf(chain) })
}

/** All events up to a final block: the remembered ones, and those since. */
async function readFinal(
  reading: Reading,
  name: string,
  memory: ChainMemory | undefined,
  final: BlockId,
  findings: AuditFinding[],
): Promise<ChainMemory | undefined> {
  const { chain, state } = reading
  if (memory !== undefined && memory.block >= final.number) return memory
  const events = [...(memory?.events ?? [])]
  const first = (memory?.block ?? chain.firstBlock - 1) + 1
  let parts = 0
  for await (const part of chain.events(first, final.number)) {
    reading.onBlocks?.({ done: part.to - first + 1, total: final.number - first + 1 })
    findings.push(...(await storageFindings(reading, part.events, 'latest')))
    events.push(...part.events)
    const hash = ++parts % SAVE_EVERY === 0 && findings.length === 0 ? await chain.blockHash(part.to) : undefined
    if (hash !== undefined) await state.saveChain(name, { block: part.to, hash, events })
  }
  return { block: final.number, hash: final.hash, events }
}

async function readEvents(reading: Reading, from: number, to: number, at: number, findings: AuditFinding[]): Promise<AnchorEvent[]> {
  const events: AnchorEvent[] = []
  if (from > to) return events
  for await (const part of reading.chain.events(from, to)) events.push(...part.events)
  findings.push(...(await storageFindings(reading, events, at)))
  return events
}

/** Compares each event with the storage. */
async function storageFindings(reading: Reading, events: readonly AnchorEvent[], at: number | 'latest'): Promise<AuditFinding[]> {
  const { chain, parallel } = reading
  const stored = await inTurns(events, parallel, ({ size, root }) => chain.anchoredAt(size, root, at))
  return events.flatMap(({ size, time }, i) => {
    const values = { size, event: timeText(time), stored: timeText(stored[i]!), ...placeOf(chain) }
    return stored[i] === time ? [] : [finding('AUDIT_ANCHOR_STORAGE', 'anchor.times', values)]
  })
}

function orderFindings(chain: AuditChain, events: readonly AnchorEvent[]): AuditFinding[] {
  return events.flatMap(({ size }, i) => {
    const before = events[i - 1]?.size ?? 0
    return size > before ? [] : [finding('AUDIT_ANCHOR_ORDER', 'anchor.order', { size, before, ...placeOf(chain) })]
  })
}

function latestFinding(chain: AuditChain, events: readonly AnchorEvent[], { latestSize }: StoredLog): AuditFinding | undefined {
  const event = events.at(-1)?.size ?? 0
  if (event === latestSize) return undefined
  return finding('AUDIT_ANCHOR_STORAGE', 'anchor.latest', { event, stored: latestSize, ...placeOf(chain) })
}

function timeText(seconds: number): string {
  return seconds === 0 ? '–' : formatTime(seconds * 1000)
}

/** Endpoint and chain, as values for a finding. */
export function placeOf({ chainId, name }: AuditChain): { chainId: number; endpoint: string } {
  return { chainId, endpoint: name }
}
