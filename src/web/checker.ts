/**
 * The check that our server makes for a reader without JavaScript, seen from the service: few at once, each in a process of its own, bounded in bytes, time, memory
 * and questions, and ended with its client.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { OpenSealError } from '../core/errors.ts'
import type { CheckJob, CheckMessage } from './check-process.ts'
import type { SiteDeps } from './deps.ts'
import { createAnswerer, type QuestionLimits, shapesOf } from './questions.ts'
import { shareChain } from './shared-chain.ts'

/** A page that is whole, with its status. */
export type CheckedPage = { readonly status: number; readonly page: string }

export type Checker = {
  /** The answer to a form. @throws CheckError CHECK_BUSY, CHECK_DEADLINE, CHECK_FAILED, UPLOAD_SLOW; CHECK_CANCELLED where the client has gone */
  check(request: IncomingMessage, job: Omit<CheckJob, 'headers' | 'policy' | 'endpoints'>): Promise<CheckedPage>
}

/** What is taken of the machine. */
export type CheckLimits = {
  /** So many forms are received and checked at once. */
  readonly atOnce: number
  /** So many more wait for a place, for so long at most. */
  readonly waiting: number
  readonly waitMs: number
  /** For the whole body, however steadily it comes. */
  readonly bodyMs: number
  /** So many bytes at least are to come in so many milliseconds. */
  readonly pace: { readonly bytes: number; readonly everyMs: number }
  /** From the end of the body to the page. */
  readonly checkMs: number
  /** Of JavaScript's objects; what is outside of them is bounded by the bytes of a form. */
  readonly heapMb: number
  readonly questions: QuestionLimits
}

export const CHECK_LIMITS: CheckLimits = {
  atOnce: 4,
  waiting: 8,
  waitMs: 15_000,
  bodyMs: 120_000,
  pace: { bytes: 16_384, everyMs: 10_000 },
  checkMs: 30_000,
  heapMb: 160,
  questions: { ledger: 10_000, perEndpoint: 64 },
}

/** Makes it; no process runs while there is no form. */
export function createChecker({ ledger, chain, policy }: Pick<SiteDeps, 'ledger' | 'chain' | 'policy'>, limits = CHECK_LIMITS): Checker {
  const places = createPlaces(limits)
  const shared = shareChain(chain)
  const endpoints = shapesOf(shared)
  return {
    async check(request, job) {
      const leave = await places.take(request)
      try {
        const answerQuestion = createAnswerer(ledger, shared, limits.questions)
        return await runProcess(request, { ...job, headers: request.headers, policy: policy(), endpoints }, { limits, answerQuestion })
      } finally {
        leave()
      }
    },
  }
}

type Run = { readonly limits: CheckLimits; readonly answerQuestion: ReturnType<typeof createAnswerer> }

/** Pipes the body of a request into a process and waits for its page. The process is gone when this settles. */
async function runProcess(request: IncomingMessage, job: CheckJob, { limits, answerQuestion }: Run): Promise<CheckedPage> {
  const child = startProcess(limits)
  const stop = new AbortController()
  try {
    return await new Promise((resolve, reject) => {
      child.on('message', (message: CheckMessage) => {
        if ('page' in message) resolve(message)
        else answerQuestion(message.question).then(reply => child.connected && child.send(reply, () => {}), reject)
      })
      child.once('error', cause => reject(failed(cause)))
      child.once('exit', (code, signal) => reject(failed(`it ended with ${signal ?? code}`)))
      watchRequest(request, child, limits, stop.signal, reject)
      child.send(job, () => {})
      request.pipe(child.stdin!)
    })
  } finally {
    stop.abort()
    request.unpipe(child.stdin!)
    request.resume()
    child.kill('SIGKILL')
  }
}

function startProcess({ heapMb }: CheckLimits): ChildProcess {
  const source = fileURLToPath(new URL('./check-process.ts', import.meta.url))
  const file = existsSync(source) ? source : fileURLToPath(new URL('../../dist/check.js', import.meta.url))
  const child = fork(file, {
    // Nothing of the service's own settings and secrets.
    env: { MALLOC_ARENA_MAX: '2' },
    execArgv: [`--max-old-space-size=${heapMb}`, '--max-semi-space-size=8'],
    serialization: 'advanced',
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
  })
  // It may die with the body half written.
  child.stdin!.on('error', () => {})
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already, or the system knows no priorities: it is only slower for all others then.
  }
  return child
}

/** Ends the wait for a body that is too slow, for a check that takes too long, and for a client that has gone. */
function watchRequest(
  request: IncomingMessage,
  { stdin }: ChildProcess,
  { bodyMs, pace, checkMs }: CheckLimits,
  signal: AbortSignal,
  reject: (error: CheckError) => void,
): void {
  let bytes = 0
  let before = 0
  const tooSlow = () => reject(new CheckError('UPLOAD_SLOW', 'The form came in too slowly.'))
  const tooLong = () => reject(new CheckError('CHECK_DEADLINE', 'This form takes longer to check than our server gives to one.'))
  let deadline = setTimeout(tooSlow, bodyMs)
  const pacer = setInterval(() => {
    // What waits for the process to read it is not held against its sender.
    if (bytes - before < pace.bytes && stdin?.writableNeedDrain !== true) tooSlow()
    before = bytes
  }, pace.everyMs)
  const stopWaiting = () => {
    clearInterval(pacer)
    clearTimeout(deadline)
  }
  const gone = () => reject(cancelled())
  const onData = (chunk: Buffer) => {
    bytes += chunk.length
  }
  const onEnd = () => {
    stopWaiting()
    deadline = setTimeout(tooLong, checkMs)
  }
  request.on('data', onData)
  request.once('end', onEnd)
  request.socket.once('close', gone)
  signal.addEventListener('abort', () => {
    stopWaiting()
    request.off('data', onData)
    request.off('end', onEnd)
    request.socket.off('close', gone)
  })
}

/** Places for forms, and a short row of those that wait for one. Nothing of a body is read before it has its place. */
function createPlaces({ atOnce, waiting, waitMs }: CheckLimits) {
  const row: (() => void)[] = []
  let taken = 0
  const leave = () => {
    const next = row.shift()
    if (next === undefined) taken--
    else next()
  }
  return {
    /** The call that gives the place back. @throws CheckError CHECK_BUSY, CHECK_CANCELLED */
    async take(request: IncomingMessage): Promise<() => void> {
      if (taken < atOnce) {
        taken++
        return leave
      }
      if (row.length >= waiting) throw busy()
      await new Promise<void>((resolve, reject) => {
        const settle = (outcome: () => void) => {
          clearTimeout(timer)
          request.socket.off('close', gone)
          const at = row.indexOf(go)
          if (at !== -1) row.splice(at, 1)
          outcome()
        }
        const go = () => settle(resolve)
        const gone = () => settle(() => reject(cancelled()))
        const timer = setTimeout(() => settle(() => reject(busy())), waitMs)
        request.socket.once('close', gone)
        row.push(go)
      })
      return leave
    },
  }
}

function busy(): CheckError {
  return new CheckError('CHECK_BUSY', 'Other forms are being checked: send this one again in a moment.')
}

function failed(cause: unknown): CheckError {
  return new CheckError('CHECK_FAILED', 'This form is more than our server can check.', { cause })
}

function cancelled(): CheckError {
  return new CheckError('CHECK_CANCELLED', 'The client has gone.')
}

/** CHECK_BUSY, CHECK_DEADLINE, CHECK_FAILED, CHECK_CANCELLED, UPLOAD_SLOW */
export class CheckError extends OpenSealError {}
