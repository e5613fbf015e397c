/**
 * The lives of one ledger: each ends in a crash that was planned, and each begins with a look at
 * all that the lives before it promised.
 */
import { mkdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Checked, createChecker } from './check.ts'
import { createLoad } from './load.ts'
import { arm, disarm, firedAt, type Plan } from './plan.ts'
import { endChain, type Place, planFile, type Running, startService } from './service.ts'

/**
 * `start`: from nothing. `recovery`: on what a killed service left. `seal`: under load. `anchor`:
 * while a checkpoint goes to the chain. `table`: under a load so large that the store writes its
 * tables.
 */
export const PHASES = ['start', 'recovery', 'seal', 'anchor', 'table'] as const
export type Phase = (typeof PHASES)[number]

export type Outcome = {
  readonly phase: Phase
  readonly plan: Plan
  /** The write that was hit; undefined if there were fewer writes. */
  readonly fired: string | undefined
  /** How the process ended. */
  readonly end: 'killed' | 'ended' | 'went on' | 'stopped sealing' | 'not reached'
}

/** How long a plan may take to come true. */
const REACH_MS = { seal: 4000, anchor: 2500, table: 30_000 }
const READY_MS = 60_000

/** One ledger and its submitters, in a folder. `place` says how its service is started. */
export async function openLives(folder: string, settings: Partial<Place> & { titleBytes?: number } = {}) {
  const { titleBytes, ...rest } = settings
  const place: Place = { folder, data: join(folder, 'data'), ...rest }
  mkdirSync(place.data, { recursive: true })
  const plan = planFile(place)
  const load = createLoad(titleBytes)
  const check = createChecker(join(folder, 'audit'), load)

  async function start(): Promise<Running> {
    disarm(plan)
    const running = await startService(place)
    if (running === undefined) throw new Error(`the service does not start again: ${lastLines(place)}`)
    await settle(running)
    return running
  }

  /**
   * Holds a running service to everything, and lets the submitters send again what was not
   * answered.
   */
  async function look(running: Running): Promise<Checked> {
    await check(running.url, running.chainUrl)
    if (await load.register(running.url)) await load.sendAgain(running.url)
    return check(running.url, running.chainUrl)
  }

  /** One life that the plan makes an end of. */
  async function live(phase: Phase, planned: Plan): Promise<Outcome> {
    const isAtStart = phase === 'start' || phase === 'recovery'
    if (isAtStart) arm(plan, planned)
    const running = isAtStart ? await startService(place) : await start()
    if (running === undefined) return end(phase, planned, firedAt(plan))
    if (!isAtStart) await look(running)
    if (phase === 'seal' || phase === 'table') await underLoad(running, planned, REACH_MS[phase])
    if (phase === 'anchor') await whileAnchoring(running, planned)
    const outcome = await judge(running, phase, planned)
    await running.kill()
    return outcome
  }

  async function underLoad(running: Running, planned: Plan, withinMs: number): Promise<void> {
    arm(plan, planned)
    await load.run(running.url, hit(running, withinMs))
  }

  async function whileAnchoring(running: Running, planned: Plan): Promise<void> {
    await load.run(running.url, sleep(30))
    arm(plan, planned)
    await hit(running, REACH_MS.anchor)
  }

  /**
   * Resolves when the plan has come true (and a little later, so that others notice it), when the
   * process is gone, or when it takes too long.
   */
  async function hit(running: Running, withinMs: number): Promise<void> {
    const until = performance.now() + withinMs
    while (running.isAlive() && firedAt(plan) === undefined && performance.now() < until) await sleep(5)
    if (running.isAlive()) await Promise.race([running.ended, sleep(150)])
  }

  async function judge(running: Running, phase: Phase, planned: Plan): Promise<Outcome> {
    const fired = firedAt(plan)
    // It says what is about to happen, and then it happens.
    if (fired !== undefined && isDeadly(planned)) await running.ended
    if (!running.isAlive()) return end(phase, planned, fired, await running.ended)
    if (fired === undefined) return { phase, plan: planned, fired, end: 'not reached' }
    disarm(plan)
    // A write was refused and the process lives: it goes on, or says that it does not; what it has
    // answered holds either way.
    if (await settle(running)) {
      await look(running)
      return { phase, plan: planned, fired, end: 'went on' }
    }
    return running.isAlive() ? { phase, plan: planned, fired, end: 'stopped sealing' } : end(phase, planned, fired, await running.ended)
  }

  function end(phase: Phase, planned: Plan, fired: string | undefined, exit: object = {}): Outcome {
    if (fired === undefined)
      throw new Error(`the service ended ${JSON.stringify(exit)} though nothing had been done to it: ${lastLines(place)}`)
    if (planned.mode === 'torn' && place.disk === undefined) tear(`${plan}.fired`)
    return { phase, plan: planned, fired, end: isDeadly(planned) ? 'killed' : 'ended' }
  }

  /** Waits until the service accepts records; false when it says that it will not. */
  async function settle(running: Running): Promise<boolean> {
    for (const until = performance.now() + READY_MS; running.isAlive() && performance.now() < until; await sleep(50)) {
      const response = await fetch(`${running.url}/readyz`).catch(() => undefined)
      if (response?.ok) return true
      const text = (await response?.text()) ?? ''
      if (text.includes('has stopped sealing')) return false
    }
    return false
  }

  return { place, load, start, look, live, check, end: () => endChain(place) }
}

function isDeadly({ mode }: Plan): boolean {
  return mode.startsWith('kill') || mode === 'torn'
}

/**
 * Cuts the journals off in the middle of what the last write added to them, as a power failure
 * does.
 */
function tear(firedFile: string): void {
  const sizes: [string, number][] = JSON.parse(readFileSync(firedFile, 'utf8').split('\n')[1] || '[]')
  for (const [file, before] of sizes) {
    const grown = readFileSync(file).length - before
    if (grown > 1) truncateSync(file, before + Math.floor(grown / 2))
  }
}

function lastLines({ folder }: Place): string {
  return readFileSync(join(folder, 'service.log'), 'utf8').trimEnd().split('\n').slice(-3).join('\n')
}
