/**
 * The doctor: examines a whole ledger at rest, reports what is wrong, and restores what can be
 * derived from the rest.
 */
import { join } from 'node:path'
import type { FinalAnchor } from '../anchor/final-anchors.ts'
import { fromHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { formatVkey } from '../core/tlog/note.ts'
import { TILE_WIDTH } from '../core/tlog/tile.ts'
import type { Host } from '../host.ts'
import { readLogKey } from '../keys.ts'
import { type Committed, createCheckedNodes, rootAt } from '../log/checked-nodes.ts'
import { readLog } from '../log/log-keys.ts'
import { createLogSigner } from '../log/signer.ts'
import { silentLog } from '../logger.ts'
import { findDamagedJournal } from '../store/level/journal.ts'
import { salvageLevelStore } from '../store/level/level.ts'
import { findDamagedTable } from '../store/level/tables.ts'
import { sizeKey } from '../store/port/documents.ts'
import type { EmbeddedStore } from '../store/port/port.ts'
import { isThere } from '../whole-file.ts'
import { type Complaint, FROM_BACKUP } from './complaint.ts'
import type { Copy } from './copy.ts'
import { treatDocuments } from './documents.ts'
import { treatHead } from './head.ts'
import { type Damage, describeDamage, inspectBundle } from './inspect.ts'
import { readStanding } from './mark.ts'
import { refill } from './refill.ts'
import { putStatementBack, repair } from './repair.ts'
import { markRestored, type Restored, readRestored, sizeToMark } from './restored.ts'

export type Diagnosis = {
  readonly verdict: 'sound' | 'repaired' | 'damaged'
  /** 0: sound, or everything was repaired. 5: something is damaged. */
  readonly exit: 0 | 5
  readonly size: number
  /**
   * Set if it was restored from a backup and waits for the operator's decision. `signed`: how many
   * entries its key has signed, if the mark shows that it lacks some of them.
   */
  readonly restored?: Restored & { readonly signed?: number }
  readonly complaints: readonly Complaint[]
}

export type DoctorInput = {
  readonly dataDir: string
  /** Restores what can be derived. */
  readonly repair: boolean
  /**
   * With `repair`: another copy of the ledger, to get missing statements and entries after a
   * backup.
   */
  readonly refill?: { readonly copy: Copy; readonly host: Host } | undefined
  /** The folder with the mark of what was signed; if missing, the mark is not checked. */
  readonly markFolder?: string | undefined
  readonly onProgress?: (entries: { readonly done: number; readonly total: number }) => void
}

const CODES = { tile: 'DOCTOR_TILE', bundle: 'DOCTOR_BUNDLE', statement: 'DOCTOR_STATEMENT', lookups: 'DOCTOR_LOOKUPS' } as const
const JOURNAL = 'a journal of the store is damaged before its end'
const ADVICE = {
  tile: FROM_BACKUP,
  bundle: FROM_BACKUP,
  statement: 'Fetch it from another copy of this ledger (openseal doctor --repair --refill URL), or restore a backup.',
  lookups: FROM_BACKUP,
} as const

/**
 * Examines the ledger in a data folder, which must not be open in a service.
 * @throws StoreError STORE_LOCKED, STORE_UNREADABLE; DoctorError
 */
export async function examine(input: DoctorInput): Promise<Diagnosis> {
  const folder = join(input.dataDir, 'store')
  // Opening would create a new store, and there would be nothing to report.
  if (!(await isThere(folder)))
    throw new DoctorError('DOCTOR_NO_LEDGER', `There is no ledger in ${input.dataDir}. Name its folder with --data.`)
  const journal = await findDamagedJournal(folder)
  if (journal !== undefined && !input.repair) {
    const advice =
      'Opening it drops the damaged records: copy the data folder first, then run openseal doctor --repair, with --refill if there is another copy.'
    const complaint = { code: 'DOCTOR_JOURNAL', detail: `${JOURNAL}: ${journal}`, repaired: false, advice }
    return { verdict: 'damaged', exit: 5, size: 0, complaints: [complaint] }
  }
  const store = await salvageLevelStore(folder)
  try {
    // Reading a changed block may end this process, so nothing is read of it without need.
    const table = input.repair ? undefined : await findDamagedTable(folder)
    if (table !== undefined) return damagedTable(table)
    if (journal !== undefined) await markSalvaged(store)
    return await examineStore(
      store,
      input,
      journal === undefined ? [] : [{ code: 'DOCTOR_JOURNAL', detail: `${JOURNAL}: ${journal}`, repaired: true }],
    )
  } finally {
    await store.close()
  }
}

function damagedTable(table: string): Diagnosis {
  const advice =
    'Copy the data folder first. Then run openseal doctor --repair, with --refill if there is another copy, or restore a backup (openseal restore).'
  const complaint = { code: 'DOCTOR_TABLE', detail: `a file of the store was changed on the disk: ${table}`, repaired: false, advice }
  return { verdict: 'damaged', exit: 5, size: 0, complaints: [complaint] }
}

/**
 * The last records of the journal may be lost, so nothing is sealed until the operator has decided.
 */
async function markSalvaged(store: EmbeddedStore): Promise<void> {
  await markRestored(store, { why: 'was opened with a damaged journal', size: await sizeToMark(store) })
}

async function examineStore(store: EmbeddedStore, input: DoctorInput, before: readonly Complaint[]): Promise<Diagnosis> {
  const documents = await treatDocuments(store, input.repair)
  const complaints: Complaint[] = [...before, ...documents]
  // The other checks depend on documents: the mark of a restored ledger, erasures, anchors, changes
  // of the key.
  if (documents.some(({ repaired }) => !repaired)) return { verdict: 'damaged', exit: 5, size: 0, complaints }
  const { committed, complaint } = await treatHead(store, input.repair)
  complaints.push(...complaint)
  if (committed !== undefined) {
    complaints.push(...(await treatAll(store, committed, input)))
    complaints.push(...(await fillUp(store, input)))
  }
  const standing = input.repair && committed !== undefined ? await store.readHead() : committed
  if (standing !== undefined) complaints.push(...(await checkAnchors(store, standing)))
  complaints.push(...(await checkKey(store, input.dataDir)))
  const restored = await readRestored(store)
  const mark = standing && input.markFolder && (await readStanding(store, standing, input.markFolder))
  // A restored ledger lacks what was signed after its backup, and waits for the decision about
  // that.
  const signed = restored && mark && mark.fit === 'behind' ? { signed: mark.size } : undefined
  if (mark && mark.detail !== undefined && !signed) complaints.push({ code: 'DOCTOR_MARK', detail: mark.detail, repaired: false })
  const isDamaged = complaints.some(({ repaired }) => !repaired)
  const verdict = isDamaged ? 'damaged' : complaints.length > 0 ? 'repaired' : 'sound'
  return {
    verdict,
    exit: isDamaged ? 5 : 0,
    size: standing?.head.size ?? 0,
    ...(restored && { restored: { ...restored, ...signed } }),
    complaints,
  }
}

/**
 * Repeats while something was repaired: after a tile is repaired, damage below it can come to
 * light.
 */
async function treatAll(store: EmbeddedStore, before: Committed, input: DoctorInput): Promise<Complaint[]> {
  const complaints = new Map<string, Complaint>()
  let committed = before
  for (let isBetter = true; isBetter; ) {
    isBetter = false
    // The growing bundle is in the head row, and may have been repaired there.
    if (input.repair) committed = (await store.readHead()) ?? committed
    for (const damage of await inspectAll(store, committed, input)) {
      const complaint = await treat(store, committed, damage, input)
      isBetter ||= complaint.repaired && complaints.get(complaint.detail)?.repaired !== true
      complaints.set(complaint.detail, complaint)
    }
  }
  return [...complaints.values()]
}

/** Every damaged part, once. */
async function inspectAll(store: EmbeddedStore, committed: Committed, input: DoctorInput): Promise<Damage[]> {
  const found = new Map<string, Damage>()
  for (let bundle = 0; bundle * TILE_WIDTH < committed.head.size; bundle++) {
    for (const damage of await inspectBundle(store, committed, bundle)) found.set(describeDamage(damage), damage)
    input.onProgress?.({ done: Math.min(committed.head.size, (bundle + 1) * TILE_WIDTH), total: committed.head.size })
  }
  return [...found.values()].sort(byOrderOfRepair)
}

/**
 * Tiles from the top down, then bundles, statements, look-ups: each is determined by the ones
 * before.
 */
function byOrderOfRepair(a: Damage, b: Damage): number {
  const kinds = ['tile', 'bundle', 'statement', 'lookups']
  const level = (damage: Damage) => (damage.kind === 'tile' ? damage.level : 0)
  return kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || level(b) - level(a) || a.index - b.index
}

async function treat(store: EmbeddedStore, committed: Committed, damage: Damage, input: DoctorInput): Promise<Complaint> {
  const complaint = { code: CODES[damage.kind], detail: `${describeDamage(damage)} does not match the tree` }
  const isRepaired = input.repair && ((await repair(store, committed, damage)) || (await refetch(store, committed, damage, input)))
  return isRepaired
    ? { ...complaint, repaired: true }
    : { ...complaint, repaired: false, advice: input.repair ? ADVICE[damage.kind] : 'Run openseal doctor --repair.' }
}

async function refetch(store: EmbeddedStore, committed: Committed, damage: Damage, { refill }: DoctorInput): Promise<boolean> {
  if (damage.kind !== 'statement' || refill === undefined) return false
  const [statement] = await refill.copy.statements(damage.index, damage.index + 1)
  return statement instanceof Uint8Array && putStatementBack(store, committed, damage.index, statement)
}

/** Appends what another copy has beyond our head. */
async function fillUp(store: EmbeddedStore, { repair, refill: from }: DoctorInput): Promise<Complaint[]> {
  if (!repair || from === undefined) return []
  const added = await refill(store, from.copy, from.host)
  return added === 0
    ? []
    : [
        {
          code: 'DOCTOR_BEHIND',
          detail: added === 1 ? '1 entry at the end was missing' : `${added} entries at the end were missing`,
          repaired: true,
        },
      ]
}

/**
 * Each final anchor must be a root of this tree. Otherwise the store is behind its own anchors or
 * contradicts them.
 */
async function checkAnchors(store: EmbeddedStore, { head, edge }: Committed): Promise<Complaint[]> {
  const complaints: Complaint[] = []
  const nodes = createCheckedNodes(store, () => ({ head, edge }))
  for (const { value } of await store.listDocuments('final-anchors', { after: sizeKey(0) })) {
    const anchor: FinalAnchor = JSON.parse(value)
    if (anchor.size <= head.size && Buffer.compare(await rootAt(nodes, anchor.size), fromHex(anchor.root)) === 0) continue
    const detail = `the anchor of size ${anchor.size} is not a root of this tree, which has ${head.size} entries`
    complaints.push({ code: 'DOCTOR_ANCHOR', detail, repaired: false, advice: FROM_BACKUP })
  }
  return complaints
}

/**
 * The key in the data folder must be the current one. After a refill across a change of the key it
 * is the old one.
 */
async function checkKey(store: EmbeddedStore, dataDir: string): Promise<Complaint[]> {
  const complaint = (detail: string, advice: string) => [{ code: 'DOCTOR_KEY', detail, repaired: false, advice }]
  const path = join(dataDir, 'keys', 'log.key')
  if (!(await isThere(path))) return complaint('keys/log.key is missing', 'Put it back from a backup: without it nothing can be signed.')
  try {
    const log = await readLog(store)
    const seed = await readLogKey(path, silentLog)
    const signs = log?.keys.at(-1)?.vkey
    if (log === undefined || formatVkey(createLogSigner(log.origin, seed).vkey) === signs) return []
    return complaint(`keys/log.key is not the key that signs this log now (${signs})`, 'Replace it by that key, from a newer backup.')
  } catch (error) {
    if (error instanceof OpenSealError) return complaint(`keys/log.key cannot be compared with the log: ${error.message}`, FROM_BACKUP)
    throw error
  }
}

/** DOCTOR_NO_LEDGER. */
export class DoctorError extends OpenSealError {}
