/**
 * The scrub: reads and hashes the whole ledger from the disk, slowly and repeatedly. It finds
 * damage while there is still another copy, and not on the day when somebody needs the record. It
 * continues across restarts.
 */
import { OpenSealError } from '../core/errors.ts'
import { formatTime } from '../core/time.ts'
import { TILE_WIDTH } from '../core/tlog/tile.ts'
import type { BackgroundTask, Host } from '../host.ts'
import type { Log } from '../logger.ts'
import { isDocumentChanged } from '../store/port/documents.ts'
import type { EmbeddedStore } from '../store/port/port.ts'
import { describeDamage, inspectBundle, readable } from './inspect.ts'

export type ScrubState = {
  /** The next entry to read. */
  readonly at: number
  /** How often the whole ledger was read, and when it last was. */
  readonly passes: number
  readonly lastPass?: string
  /** The parts that did not match when last read, in words. */
  readonly findings: readonly string[]
}

export type Scrub = {
  start(): void
  /** Resolves when the current step has ended and its result is stored. */
  stop(): Promise<void>
  /** Checks one bundle of entries. */
  step(): Promise<void>
  state(): ScrubState
}

type Deps = {
  readonly store: EmbeddedStore
  /** 0: never. */
  readonly entriesPerSecond: number
  readonly host: Pick<Host, 'nowMs' | 'sleep' | 'spawn'>
  readonly log: Log
}

/**
 * The stored progress. Findings are kept by place (a bundle or the documents), so that a repaired
 * part can be removed.
 */
type Kept = {
  readonly bundle: number
  readonly passes: number
  readonly lastPass?: string
  readonly findings: Readonly<Record<string, string[]>>
}

const PLACE = { collection: 'scrub', key: 'state' }
const NOTHING: Kept = { bundle: 0, passes: 0, findings: {} }
/** Steps that were not saved are repeated, which is harmless. */
const STEPS_PER_SAVE = 100
const AFTER_ERROR_MS = 30_000

/** Opens the scrub where it stopped. It does nothing until `start` or `step`. */
export async function openScrub({ store, entriesPerSecond, host, log }: Deps): Promise<Scrub> {
  /** The stored progress: `null` for nothing yet, undefined if it cannot be read. */
  let stored: string | null | undefined
  /** The place of this node. */
  let kept: Kept = NOTHING
  let unsaved = 0
  let task: BackgroundTask | undefined

  /** Goes on from where another node is, if one has scrubbed since. */
  const follow = async () => {
    // If the disk has damaged that, it continues from what it knows, or from nothing at its start,
    // so that no service waits for it.
    const found = await readable(store.readDocument(PLACE.collection, PLACE.key).then(text => text ?? null))
    const isNews = found !== stored
    stored = found
    if (!isNews || found === undefined) return
    kept = found === null ? NOTHING : JSON.parse(found)
    unsaved = 0
  }
  await follow()

  /** If another node has saved since, its place counts, and the next step follows it. */
  const save = async () => {
    unsaved = 0
    const row = { ...PLACE, value: JSON.stringify(kept) }
    try {
      await store.writeDocuments([row], { unless: stored === undefined ? [] : [{ ...PLACE, value: stored }] })
      stored = row.value
    } catch (error) {
      if (!isDocumentChanged(error)) throw error
    }
  }

  async function step(): Promise<void> {
    const committed = await store.readHead()
    if (committed === undefined) return
    await follow()
    const { bundle } = kept
    const damages = await inspectBundle(store, committed, bundle)
    let isNews = note(String(bundle), damages.map(describeDamage))

    const isLast = (bundle + 1) * TILE_WIDTH >= committed.head.size
    if (isLast) isNews = note('documents', await inspectDocuments(store)) || isNews
    const passed = isLast ? { passes: kept.passes + 1, lastPass: formatTime(host.nowMs()) } : {}
    kept = { ...kept, ...passed, bundle: isLast ? 0 : bundle + 1 }
    if (isLast || isNews || ++unsaved >= STEPS_PER_SAVE) await save()
  }

  /** Stores the findings of one place; returns whether they are new. */
  function note(place: string, parts: string[]): boolean {
    const { [place]: before = [], ...others } = kept.findings
    kept = { ...kept, findings: parts.length === 0 ? others : { ...others, [place]: parts } }
    for (const part of parts.filter(part => !before.includes(part))) log.error('scrub found damage', { part })
    for (const part of before.filter(part => !parts.includes(part))) log.info('scrub found it repaired', { part })
    return parts.join() !== before.join()
  }

  async function stepOn(signal: AbortSignal): Promise<void> {
    const pauseMs = (TILE_WIDTH / entriesPerSecond) * 1000
    for (let nextMs = pauseMs; ; ) {
      await host.sleep(nextMs, signal)
      nextMs = await step().then(
        () => pauseMs,
        error => {
          log.warn('scrub could not continue, it will try again', { code: error instanceof OpenSealError ? error.code : 'INTERNAL', error })
          return AFTER_ERROR_MS
        },
      )
    }
  }

  return {
    start() {
      if (entriesPerSecond > 0) task ??= host.spawn('scrub', stepOn)
    },
    async stop() {
      await task?.stop()
      if (unsaved > 0) await save()
    },
    step,
    state: () => ({
      at: kept.bundle * TILE_WIDTH,
      passes: kept.passes,
      ...(kept.lastPass === undefined ? {} : { lastPass: kept.lastPass }),
      findings: [...new Set(Object.values(kept.findings).flat())],
    }),
  }
}

/**
 * Damaged documents, by their collections. Names of keys and agencies do not belong in a log; the
 * doctor shows them.
 */
async function inspectDocuments(store: Pick<EmbeddedStore, 'damagedDocuments'>): Promise<string[]> {
  const found = new Set<string>()
  for await (const { collection } of store.damagedDocuments()) found.add(`a document in ${collection}`)
  return [...found]
}
