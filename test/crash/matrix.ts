/**
 * The crash matrix: which crashes there are, in which order they are lived through, and the table
 * of what came of them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mountSmallDisk } from '../store/level/small-disk.ts'
import { type Outcome, openLives, type Phase } from './lives.ts'
import { MODES, type Mode } from './plan.ts'

/** A crash that was lived through, and how many acknowledgements its ledger had given by then. */
export type Result = Omit<Outcome, 'phase' | 'plan'> & {
  readonly phase: string
  readonly mode: string
  readonly at: number
  readonly acknowledged: number
}
type Case = { readonly phase: Phase; readonly mode: Mode; readonly at: number; readonly count: number }
type Lives = Awaited<ReturnType<typeof openLives>>

/** How many writes of a phase are tried, one after the other; fewer if there are fewer. */
const POINTS: { readonly [phase in Phase]: number } = { start: 30, recovery: 45, seal: 15, anchor: 20, table: 8 }
/** A ledger grows with its lives, and looking at all of it takes longer each time. */
const LIVES_OF_A_LEDGER = 30
const ROUNDS = 6

export type Matrix = {
  readonly phases: readonly string[]
  /** The most writes of a phase, spread over it; missing: all of them. */
  readonly points?: number | undefined
  /**
   * The library that `disk.c` became, or undefined: then faults are put in where Node calls the
   * system.
   */
  readonly disk: string | undefined
  /** The crashes of earlier runs, which are not repeated. */
  readonly done: readonly Result[]
  note(result: Result): void
}

/**
 * Lives through all of it. @throws Error at the first broken promise, which names the folder that
 * shows it.
 */
export async function runMatrix(matrix: Matrix): Promise<void> {
  const has = (phase: string) => matrix.phases.includes(phase)
  for (const mode of MODES.filter(mode => (mode === 'late') === false || matrix.disk === undefined)) {
    if (has('start')) await runStarts(matrix, mode)
    for (const phase of ['recovery', 'seal', 'anchor'] as const) if (has(phase)) await runPhase(matrix, phase, mode)
    if (has('table') && matrix.disk !== undefined) await runPhase(matrix, 'table', mode, { CRASH_MATCH: '.ldb' })
  }
  if (has('full')) await runFullDisk(matrix)
  if (has('clock')) await runClock(matrix)
}

/** Crashes of a service that has nothing yet: a new folder each time. */
async function runStarts(matrix: Matrix, mode: Mode): Promise<void> {
  for (const at of pointsOf(matrix, 'start', mode)) {
    const goesOn = await inFolder(async folder => {
      const lives = await openLives(folder, { disk: matrix.disk })
      return withLives(lives, () => live(matrix, lives, { phase: 'start', mode, at, count: 1 }))
    })
    if (!goesOn) return
  }
}

/** Crashes of one phase, at one write after the other, each on what the one before left behind. */
async function runPhase(matrix: Matrix, phase: Phase, mode: Mode, env: { readonly [name: string]: string } = {}): Promise<void> {
  const titleBytes = phase === 'table' ? 12_000 : 20
  const points = pointsOf(matrix, phase, mode)
  while (points.length > 0) {
    const next = points.splice(0, LIVES_OF_A_LEDGER)
    const goesOn = await inFolder(async folder => {
      const lives = await openLives(folder, { disk: matrix.disk, env, titleBytes })
      return withLives(lives, async () => {
        await begin(lives, phase)
        for (const at of next) if (!(await live(matrix, lives, { phase, mode, at, count: 1 }))) return false
        return true
      })
    })
    if (!goesOn) return
  }
}

/** The writes that are still to be tried, by their numbers; a table has thousands. */
function pointsOf(matrix: Matrix, phase: Phase, mode: Mode): number[] {
  const spread = phase === 'table' ? 150 : 1
  const all = Array.from({ length: POINTS[phase] }, (_, i) => i * spread + 1)
  const step = Math.max(1, Math.floor(all.length / (matrix.points ?? all.length)))
  return all.filter((at, i) => i % step === 0 && !isDone(matrix, phase, mode, at))
}

/** A disk that is filled under load and freed again; then the service is killed. */
async function runFullDisk(matrix: Matrix): Promise<void> {
  const disk = mountSmallDisk(128 * 1024 * 1024)
  if (disk === undefined) return
  try {
    const lives = await openLives(mkdtempSync(join(tmpdir(), 'openseal-crash-')), { data: join(disk.folder, 'data') })
    await withLives(lives, async () => {
      for (let round = 1; round <= ROUNDS; round++) {
        const running = await lives.start()
        await lives.look(running)
        disk.fill(round * 20_000)
        await lives.load.run(running.url, sleep(1500))
        disk.empty()
        // Nobody starts it again: it finds the room itself.
        while (!(await fetch(`${running.url}/readyz`)).ok) await sleep(50)
        await lives.look(running)
        await running.kill()
        note(matrix, lives, { phase: 'full', mode: 'disk full, then freed', at: round, fired: 'every write', end: 'went on' })
      }
    })
    rmSync(lives.place.folder, { recursive: true })
  } finally {
    disk.remove()
  }
}

/** A clock that jumps by days and years, under load; then the service is killed. */
async function runClock(matrix: Matrix): Promise<void> {
  const clock = new URL('./clock.ts', import.meta.url).href
  await inFolder(async folder => {
    const lives = await openLives(folder, { env: { NODE_OPTIONS: `--import ${clock}` } })
    await withLives(lives, async () => {
      for (let round = 1; round <= ROUNDS; round++) {
        const running = await lives.start()
        await lives.look(running)
        await lives.load.run(running.url, sleep(1000))
        await lives.look(running)
        await running.kill()
        note(matrix, lives, { phase: 'clock', mode: 'clock back and forth', at: round, fired: 'always', end: 'went on' })
      }
    })
  })
}

/**
 * A first life without a crash. For a recovery it leaves little, so that the writes tried are those
 * of every step and not of one large table.
 */
async function begin(lives: Lives, phase: Phase): Promise<void> {
  const running = await lives.start()
  await lives.look(running)
  await lives.load.run(running.url, sleep(phase === 'recovery' ? 5 : 100))
  await running.kill()
}

/** One crash, then a check; false if there are fewer writes. */
async function live(matrix: Matrix, lives: Lives, { phase, mode, at, count }: Case): Promise<boolean> {
  const outcome = await lives.live(phase, { at, mode, count })
  const { fired, end } = outcome
  if (end !== 'not reached') note(matrix, lives, { phase, mode, at, fired, end })
  return end !== 'not reached'
}

function note(matrix: Matrix, { load }: Lives, result: Omit<Result, 'acknowledged'>): void {
  matrix.note({ ...result, acknowledged: load.acknowledgements() })
}

/** At the end of any crashes, the service starts, everything holds, and it stops in order. */
async function withLives<T>(lives: Lives, act: () => Promise<T>): Promise<T> {
  try {
    const result = await act()
    const running = await lives.start()
    await lives.look(running)
    const code = await running.stop()
    if (code !== 0) throw new Error(`the service ended with ${code}`)
    return result
  } catch (cause) {
    throw new Error(`${lives.place.folder}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  } finally {
    lives.end()
  }
}

/** A folder that is removed when all went well, and kept for a look when not. */
async function inFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-crash-'))
  const result = await act(folder)
  rmSync(folder, { recursive: true, force: true })
  return result
}

function isDone({ done }: Matrix, phase: string, mode: string, at: number): boolean {
  return done.some(result => result.phase === phase && result.mode === mode && result.at === at)
}
