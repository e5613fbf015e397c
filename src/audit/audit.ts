/**
 * The audit: re-derives a whole ledger from what it serves and holds it against the chain. Reads go out in parallel, hashes are taken in
 * order, memory is bounded, and what was re-derived once is remembered, so that the next run reads only what is new.
 */
import { equalBytes, toHex, toUtf8 } from '../core/bytes.ts'
import { type Checkpoint, parseCheckpoint } from '../core/checkpoint.ts'
import { encodeEntry } from '../core/entry.ts'
import { OpenSealError } from '../core/errors.ts'
import { hashLeaf, sha256 } from '../core/hash.ts'
import { canonicalJson, parseJson } from '../core/json.ts'
import { parseNote, parseVkey, verifyNote } from '../core/note.ts'
import type { Policy } from '../core/policy.ts'
import { type AnyStatement, canonicalStatement, parseAnyStatement } from '../core/statement.ts'
import { decodeBundle, decodeTile, TILE_WIDTH } from '../core/tile.ts'
import { rootFromRange } from '../core/tree.ts'
import type { AnchorEvent, AuditChain } from './chain.ts'
import { compareLeaves, type Finding, finding } from './finding.ts'
import { createRoots, type Roots, type Tree } from './roots.ts'
import type { ClaimedAnchor, LedgerSource } from './source.ts'
import type { AuditState } from './state.ts'

export type AuditInput = {
  readonly source: LedgerSource
  readonly policy: Policy
  /** One reader for each anchor of the policy that an endpoint was given for. */
  readonly chains: readonly AuditChain[]
  readonly state: AuditState
  /** How many reads are under way at once. */
  readonly parallel: number
  readonly onProgress?: (entries: { readonly done: number; readonly total: number }) => void
}

export type AuditReport = {
  readonly verdict: 'clean' | 'inconsistent' | 'unfinished'
  /** 0, 5 or 6. */
  readonly exit: number
  readonly findings: readonly Finding[]
  /** Why it could not finish. */
  readonly reason?: string
  readonly origin: string
  /** The entries of this run: [from, size). */
  readonly from: number
  readonly size: number
  readonly root: string
  readonly statements: number
  readonly erased: number
  readonly tiles: number
  /** Every anchor on chain, in order, and whether it matches the re-derived tree. */
  readonly anchors: readonly {
    readonly chainId: number
    readonly size: number
    readonly root: string
    readonly time: number
    readonly block: number
  }[]
  readonly chainsAsked: number
  readonly evidence: readonly string[]
}

type Run = {
  readonly input: AuditInput
  readonly findings: Finding[]
  readonly evidence: string[]
  counts: { statements: number; erased: number; tiles: number }
}

/** How many bundles are read before the next ones are asked for, and progress is kept. */
const WINDOW_BUNDLES = 32
/** A broken ledger can differ everywhere: after so many findings the rest adds nothing. */
const MAX_FINDINGS = 100

/** Audits once. Never throws for what a ledger or an endpoint does: that is `inconsistent` or `unfinished`. */
export async function audit(input: AuditInput): Promise<AuditReport> {
  const run: Run = { input, findings: [], evidence: [], counts: { statements: 0, erased: 0, tiles: 0 } }
  const start = input.state.progress?.origin === input.policy.origin ? input.state.progress : undefined
  const base = { origin: input.policy.origin, from: start?.size ?? 0, chainsAsked: input.chains.length }
  let tree: Tree = { size: start?.size ?? 0, range: start?.range ?? [] }
  let events: ChainEvents[] = []
  const report = (verdict: AuditReport['verdict'], exit: number, reason?: string): AuditReport => ({
    ...base,
    verdict,
    exit,
    findings: run.findings,
    ...(reason === undefined ? {} : { reason }),
    size: tree.size,
    root: toHex(rootFromRange(tree.range)),
    ...run.counts,
    anchors: events.flatMap(({ chain, list }) => list.map(event => ({ ...event, chainId: chain.chainId, root: toHex(event.root) }))),
    evidence: run.evidence,
  })
  try {
    const note = await input.source.checkpoint()
    const checkpoint = readCheckpoint(run, note)
    if (checkpoint !== undefined && (await continuesHistory(run, note, checkpoint, tree))) {
      events = await Promise.all(input.chains.map(async chain => ({ chain, list: await chain.events() })))
      const claimed = await input.source.anchors()
      const roots = createRoots([...claimed, ...events.flatMap(({ list }) => list)], input.state.progress?.chunks ?? [], tree)
      tree = await rederive(run, checkpoint, tree, roots)
      await checkRoot(run, note, checkpoint, tree, roots)
      await checkAnchors(run, events, claimed, roots, checkpoint.size)
      if (run.findings.length === 0) await input.state.saveCheckpoint(note)
    }
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    if (run.findings.length === 0) return report('unfinished', 6, error.message)
  }
  return run.findings.length === 0 ? report('clean', 0) : report('inconsistent', 5)
}

type ChainEvents = { readonly chain: AuditChain; readonly list: readonly AnchorEvent[] }

/** The checkpoint, when it is signed as the policy says. */
function readCheckpoint({ input, findings }: Run, note: string): Checkpoint | undefined {
  try {
    const checkpoint = parseCheckpoint(parseNote(note).text)
    if (checkpoint.origin !== input.policy.origin) throw new OpenSealError('ORIGIN', `its origin is ${checkpoint.origin}`)
    const valid = input.policy.logKeys.filter(
      key => key.fromSize <= checkpoint.size && checkpoint.size <= (key.toSize ?? Number.MAX_SAFE_INTEGER),
    )
    verifyNote(
      note,
      valid.map(key => parseVkey(key.vkey)),
    )
    return checkpoint
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    findings.push(finding('AUDIT_CHECKPOINT_FORGED', error.message))
    return undefined
  }
}

/** False when the new checkpoint cannot continue the last accepted one, whatever the entries say. */
async function continuesHistory(run: Run, note: string, checkpoint: Checkpoint, tree: Tree): Promise<boolean> {
  const earlier = run.input.state.checkpoint === undefined ? undefined : parseCheckpoint(parseNote(run.input.state.checkpoint).text)
  const before = earlier ?? { size: tree.size, root: rootFromRange(tree.range) }
  if (checkpoint.size > before.size || (checkpoint.size === before.size && equalBytes(checkpoint.root, before.root))) return true
  if (before.size === 0) return true
  const what =
    checkpoint.size < before.size ? `shrank from ${before.size} to ${checkpoint.size} entries` : `shows two roots at ${before.size} entries`
  await reportRewritten(run, `the ledger ${what}`, note)
  return false
}

/** Reads and re-derives [tree.size, checkpoint.size), window by window. */
async function rederive(run: Run, checkpoint: Checkpoint, start: Tree, roots: Roots): Promise<Tree> {
  let tree = start
  // A run starts at a bundle's beginning: the part of a bundle that was read before is read again, and must give the same tree.
  const { input } = run
  const windows: number[] = []
  for (let bundle = Math.floor(start.size / TILE_WIDTH); bundle * TILE_WIDTH < checkpoint.size; bundle += WINDOW_BUNDLES)
    windows.push(bundle)
  let next = windows.length > 0 ? readWindow(run, windows[0]!, checkpoint.size) : undefined
  for (const [i, first] of windows.entries()) {
    const window = await next!
    // The next window is on its way while this one is hashed.
    next = i + 1 < windows.length ? readWindow(run, windows[i + 1]!, checkpoint.size) : undefined
    next?.catch(() => undefined)
    tree = await takeWindow(run, window, first, checkpoint.size, tree, roots)
    if (run.findings.length >= MAX_FINDINGS) break
    if (run.findings.length === 0) await input.state.saveProgress({ origin: checkpoint.origin, ...tree, chunks: roots.chunks() })
    input.onProgress?.({ done: tree.size, total: checkpoint.size })
  }
  await next?.catch(() => undefined)
  return tree
}

type Window = {
  readonly bundles: readonly Uint8Array[]
  readonly tiles: readonly Uint8Array[]
  readonly statements: readonly (string | null)[]
}

async function readWindow({ input }: Run, first: number, size: number): Promise<Window> {
  const last = Math.min(first + WINDOW_BUNDLES, Math.ceil(size / TILE_WIDTH))
  const indexes = Array.from({ length: last - first }, (_, i) => first + i)
  const widthOf = (index: number) => Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
  const from = first * TILE_WIDTH
  const [statements, bundles, tiles] = await Promise.all([
    input.source.statements(from, Math.min(last * TILE_WIDTH, size)),
    inParallel(indexes, input.parallel, index => input.source.bundle(index, widthOf(index))),
    inParallel(indexes, input.parallel, index => input.source.tile(0, index, widthOf(index))),
  ])
  return { statements, bundles, tiles }
}

/** Statement against entry, entry against leaf, leaf into the tree, and the finished tiles above against what is served. */
async function takeWindow(run: Run, window: Window, first: number, size: number, before: Tree, roots: Roots): Promise<Tree> {
  let tree = before
  for (const [i, bytes] of window.bundles.entries()) {
    const start = (first + i) * TILE_WIDTH
    const width = Math.min(TILE_WIDTH, size - start)
    const entries = readEntries(run, bytes, start, width)
    const leaves = entries.map(hashLeaf)
    const expected = decodeTile(window.tiles[i]!, width)
    const difference = compareLeaves(start, leaves, expected)
    if (difference !== undefined) run.findings.push(difference)
    checkStatements(run, entries, window.statements.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH), start)
    run.counts.tiles++
    roots.addChunk(first + i, expected)
    // The tree goes on from the tiles: where an entry differs, that is said above, and the root shows whether the tiles are the tree.
    tree = roots.append(tree, expected.slice(Math.max(0, tree.size - start)))
  }
  await checkUpperTiles(run, roots, size)
  return tree
}

function readEntries(run: Run, bytes: Uint8Array, start: number, width: number): Uint8Array[] {
  for (let count = width; count >= 0; count--) {
    try {
      return decodeBundle(bytes, count)
    } catch (error) {
      if (!(error instanceof OpenSealError)) throw error
    }
  }
  run.findings.push(finding('AUDIT_ENTRY_CHANGED', `the entry bundle from ${start} on cannot be read`, start))
  return []
}

function checkStatements(run: Run, entries: readonly Uint8Array[], statements: readonly (string | null)[], start: number): void {
  for (const [i, entry] of entries.entries()) {
    const text = statements[i]
    run.counts.statements++
    if (text === null || text === undefined) {
      run.counts.erased++
      continue
    }
    const problem = statementProblem(text, entry)
    if (problem !== undefined && run.findings.length < MAX_FINDINGS)
      run.findings.push(finding('AUDIT_STATEMENT_MISMATCH', `statement ${start + i}: ${problem}`, start + i))
    if (start + i === 0 && problem === undefined) checkGenesis(run, text)
  }
}

function statementProblem(text: string, entry: Uint8Array): string | undefined {
  try {
    const statement: AnyStatement = parseAnyStatement(parseJson(text))
    return equalBytes(encodeEntry(canonicalStatement(statement)), entry) ? undefined : 'its entry is another one'
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return error.message
  }
}

function checkGenesis({ input, findings }: Run, text: string): void {
  const genesis = parseAnyStatement(parseJson(text))
  const { policy } = input
  if (genesis.type !== 'openseal/genesis@v1') {
    findings.push(finding('AUDIT_GENESIS_MISMATCH', 'the first entry is not a genesis', 0))
    return
  }
  const bound = genesis.anchors.map(({ chainId, contract, logId }) =>
    canonicalJson({ chainId, contract: contract.toLowerCase(), logId: logId.toLowerCase() }),
  )
  const first = policy.anchors.filter(anchor => anchor.fromSize <= 1)
  const missing = first.filter(({ chainId, contract, logId }) => !bound.includes(canonicalJson({ chainId, contract, logId })))
  const problems = [
    ...(genesis.origin === policy.origin ? [] : [`origin ${genesis.origin}`]),
    ...(policy.logKeys.some(key => key.vkey === genesis.logKey) ? [] : [`key ${genesis.logKey}`]),
    ...missing.map(anchor => `no anchor in contract ${anchor.contract} on chain ${anchor.chainId}`),
  ]
  if (problems.length > 0) findings.push(finding('AUDIT_GENESIS_MISMATCH', `it binds ${problems.join(', ')}`, 0))
}

/** Tiles above level 0, as far as all below them was re-derived. */
async function checkUpperTiles(run: Run, roots: Roots, size: number): Promise<void> {
  for (const { level, index, from, hashes } of roots.finishedTiles(size)) {
    run.counts.tiles++
    const width = from + hashes.length
    const served = decodeTile(await run.input.source.tile(level, index, width), width)
    const at = hashes.findIndex((hash, i) => !equalBytes(hash, served[from + i]!))
    if (at !== -1)
      run.findings.push(finding('AUDIT_TILE_MISMATCH', `hash ${from + at} of tile ${level}/${index} is not that of the tile below`))
  }
}

/** Our root, and that of merkletreejs, an implementation that is not ours, against the checkpoint. */
async function checkRoot(run: Run, note: string, checkpoint: Checkpoint, tree: Tree, roots: Roots): Promise<void> {
  if (tree.size !== checkpoint.size) return
  for (const [who, root] of [
    ['The re-derived tree', rootFromRange(tree.range)],
    ['merkletreejs', roots.independentRoot()],
  ] as const) {
    if (equalBytes(root, checkpoint.root)) continue
    const earlier = run.input.state.checkpoint
    if (earlier !== undefined)
      return reportRewritten(run, 'the entries added since the last audit do not lead from its tree to this one', note)
    run.findings.push(finding('AUDIT_ROOT_MISMATCH', `${who} gives ${toHex(root)}, the checkpoint signs ${toHex(checkpoint.root)}`))
  }
}

async function reportRewritten(run: Run, what: string, note: string): Promise<void> {
  run.findings.push(finding('AUDIT_HISTORY_REWRITTEN', what))
  const earlier = run.input.state.checkpoint
  if (earlier !== undefined)
    run.evidence.push(...(await run.input.state.saveEvidence(toHex(sha256(toUtf8(note))).slice(0, 16), { earlier, now: note })))
}

/** Events and storage of the contract agree, every anchored root is that of the re-derived tree, and every anchor claimed is on chain. */
async function checkAnchors(
  run: Run,
  events: readonly ChainEvents[],
  claimed: readonly ClaimedAnchor[],
  roots: Roots,
  size: number,
): Promise<void> {
  const { findings, input } = run
  for (const { chain, list } of events) {
    const where = `on chain ${chain.chainId}`
    const pinned = input.policy.anchors.find(anchor => isSameLog(anchor, chain))
    if (pinned !== undefined && (await chain.codeSha256()) !== pinned.codeSha256)
      findings.push(finding('AUDIT_CONTRACT_CODE', `contract ${chain.contract} ${where}`))
    for (const event of list) {
      const stored = await chain.anchoredAt(event.size, event.root)
      if (stored !== event.time)
        findings.push(finding('AUDIT_ANCHOR_STORAGE', `size ${event.size} ${where}: event ${event.time}, storage ${stored}`))
      const derived = roots.at(event.size)
      if (event.size > size)
        findings.push(finding('AUDIT_CHAIN_AHEAD', `size ${event.size} is anchored ${where}, the ledger shows ${size}`))
      else if (derived !== undefined && !equalBytes(derived, event.root))
        findings.push(finding('AUDIT_ANCHOR_MISMATCH', `size ${event.size} ${where}: ${toHex(event.root)}, re-derived ${toHex(derived)}`))
    }
    for (const [i, event] of list.entries())
      if (i > 0 && event.size <= list[i - 1]!.size)
        findings.push(finding('AUDIT_ANCHOR_STORAGE', `sizes do not grow ${where} at ${event.size}`))
    for (const anchor of claimed.filter(anchor => isSameLog(anchor, chain)))
      if (!list.some(event => event.size === anchor.size && toHex(event.root) === anchor.root))
        findings.push(finding('AUDIT_ANCHOR_MISSING', `size ${anchor.size}, root ${anchor.root} ${where}`))
    const closedAt = await chain.closedAt()
    if (closedAt !== undefined && size > closedAt) findings.push(finding('AUDIT_LOG_CLOSED', `the last good size ${where} is ${closedAt}`))
  }
}

function isSameLog(
  a: { chainId: number; contract: string; logId: string },
  b: { chainId: number; contract: string; logId: string },
): boolean {
  return a.chainId === b.chainId && a.contract.toLowerCase() === b.contract.toLowerCase() && a.logId.toLowerCase() === b.logId.toLowerCase()
}

async function inParallel<T, R>(items: readonly T[], parallel: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await run(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker))
  return results
}
