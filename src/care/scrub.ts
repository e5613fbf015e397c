/**
 * The scrub: reads the whole ledger from the disk again and again, slowly, and hashes it, so that damage is found while there is still
 * another copy, and not on the day when somebody needs the record. It goes on where it was when the service starts again.
 */
import { OpenSealError } from '../core/errors.ts'
import { formatTime } from '../core/time.ts'
import { TILE_WIDTH } from '../core/tlog/tile.ts'
import type { Log } from '../logger.ts'
import type { Store } from '../store/port/port.ts'
import { describeDamage, inspectBundle, readable } from './inspect.ts'

export type ScrubState = {
  /** The entry that it comes to next. */
  readonly at: number
  /** How often it has been through the whole ledger, and when it was the last time. */
  readonly passes: number
  readonly lastPass?: string
  /** Parts that did not fit when they were last looked at, in words. */
  readonly findings: readonly string[]
}

export type Scrub = {
  start(): void
  /** Resolves when the step under way has ended and what it came to is kept. */
  stop(): Promise<void>
  /** Looks at one bundle of entries. */
  step(): Promise<void>
  state(): ScrubState
}

type Deps = {
  readonly store: Store
  /** 0: never. */
  readonly entriesPerSecond: number
  readonly nowMs: () => number
  readonly log: Log
}

/** What is kept: findings by the place where they were, a bundle or the documents, so that a part which fits again is taken off. */
type Kept = {
  readonly bundle: number
  readonly passes: number
  readonly lastPass?: string
  readonly findings: Readonly<Record<string, string[]>>
}

const PLACE = { collection: 'scrub', key: 'state' }
/** What is not kept is looked at twice, which does no harm. */
const STEPS_PER_SAVE = 100
const AFTER_ERROR_MS = 30_000

/** Opens it where it was. It does nothing until `start` or `step`. */
export async function openScrub({ store, entriesPerSecond, nowMs, log }: Deps): Promise<Scrub> {
  // Where the disk has changed that, it begins anew: no service is held up by it.
  const text = await readable(store.readDocument(PLACE.collection, PLACE.key))
  let kept: Kept = text === undefined ? { bundle: 0, passes: 0, findings: {} } : JSON.parse(text)
  let unsaved = 0
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const save = async () => {
    unsaved = 0
    await store.writeDocuments([{ ...PLACE, value: JSON.stringify(kept) }])
  }

  async function step(): Promise<void> {
    const committed = await store.readHead()
    if (committed === undefined) return
    const { bundle } = kept
    const damages = await inspectBundle(store, committed, bundle)
    let isNews = note(String(bundle), damages.map(describeDamage))

    const isLast = (bundle + 1) * TILE_WIDTH >= committed.head.size
    if (isLast) isNews = note('documents', await inspectDocuments(store)) || isNews
    const passed = isLast ? { passes: kept.passes + 1, lastPass: formatTime(nowMs()) } : {}
    kept = { ...kept, ...passed, bundle: isLast ? 0 : bundle + 1 }
    if (isLast || isNews || ++unsaved >= STEPS_PER_SAVE) await save()
  }

  /** Takes over what was found in one place; whether that is another than before. */
  function note(place: string, parts: string[]): boolean {
    const { [place]: before = [], ...others } = kept.findings
    kept = { ...kept, findings: parts.length === 0 ? others : { ...others, [place]: parts } }
    for (const part of parts.filter(part => !before.includes(part))) log.error('scrub found damage', { part })
    for (const part of before.filter(part => !parts.includes(part))) log.info('scrub found it repaired', { part })
    return parts.join() !== before.join()
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(() => {
      running = step().then(
        () => (stopped ? undefined : schedule((TILE_WIDTH / entriesPerSecond) * 1000)),
        error => {
          log.warn('scrub could not go on, it tries again', { code: error instanceof OpenSealError ? error.code : 'INTERNAL', error })
          if (!stopped) schedule(AFTER_ERROR_MS)
        },
      )
    }, delayMs)
  }

  return {
    start() {
      if (entriesPerSecond > 0) schedule((TILE_WIDTH / entriesPerSecond) * 1000)
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
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

/** Damaged documents, by their collections: what a key or an agency is called is nobody's business here. The doctor names them. */
async function inspectDocuments(store: Pick<Store, 'damagedDocuments'>): Promise<string[]> {
  const found = new Set<string>()
  for await (const { collection } of store.damagedDocuments()) found.add(`a document in ${collection}`)
  return [...found]
}
