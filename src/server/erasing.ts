/** Erases what is due, and finishes what was interrupted, as long as the service runs. */
import type { BackgroundTask, Host } from '../host.ts'
import type { Alarm } from '../http/watched.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../logger.ts'

export type Erasing = {
  /** Set while an erasure is not finished. */
  alarm(): Alarm | undefined
  /** Called when a statement was erased: words of it may be left until the finder has looked. */
  note(): void
  stop(): Promise<void>
}

type Deps = {
  readonly ledger: Pick<Ledger, 'tendErasures' | 'unfinishedErasures'>
  /** Whether the finder has forgotten what was erased; true if there is none. */
  readonly isFinderClean: () => Promise<boolean>
  readonly host: Pick<Host, 'sleep' | 'spawn'>
  readonly log: Log
}

const LOOK_MS = 1000
const UNFINISHED: Alarm = {
  code: 'ERASURE_UNFINISHED',
  message: 'An erasure is due and not finished. The ledger tries again every second.',
}

/** Starts to erase. Work that a crash has left undone is reported from the start on. */
export async function startErasing({ ledger, isFinderClean, host, log }: Deps): Promise<Erasing> {
  let isUnfinished = await ledger.unfinishedErasures()
  let isTold = false
  /** How many erasures were noted: one during a look is not seen by it. */
  let noted = 0
  const task: BackgroundTask = host.spawn('erasures', async signal => {
    while (!signal.aborted) {
      try {
        await ledger.tendErasures()
        const seen = noted
        const isClean = await isFinderClean()
        if (seen === noted) isUnfinished = !isClean
        isTold = false
      } catch (error) {
        isUnfinished = true
        if (!isTold) log.error('erasure failed, it will be tried again', { error })
        isTold = true
      }
      await host.sleep(LOOK_MS, signal).catch(() => {})
    }
  })
  return {
    alarm: () => (isUnfinished ? UNFINISHED : undefined),
    note() {
      noted++
      isUnfinished = true
    },
    stop: () => task.stop(),
  }
}
