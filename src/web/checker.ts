/**
 * The service's side of the check for readers without JavaScript. Only a few run at once, each in
 * its own process, bounded in bytes, time, memory and questions, and ended when its client leaves.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { OpenSealError } from '../core/errors.ts'
import { formatTrustList } from '../core/trust.ts'
import type { Answers, GivenText } from '../verifier/index.ts'
import type { CheckJob, CheckMessage, Described, FormAnswered, FormJob } from './check-process.ts'
import type { SiteDeps } from './deps.ts'
import { createAnswerer, type QuestionLimits, shapesOf } from './questions.ts'
import { shareChain } from './shared-chain.ts'

/** A complete page and its status, or a file to be saved. */
export type CheckedPage = Extract<FormAnswered, { page: string }>

export type Checker = {
  /**
   * The answer to a form.
   * @throws CheckError CHECK_BUSY, CHECK_DEADLINE, CHECK_FAILED, UPLOAD_SLOW; CHECK_CANCELLED if
   * the client left
   */
  check(request: IncomingMessage, job: Omit<CheckJob, 'kind' | 'headers' | 'policy' | 'others' | 'endpoints'>): Promise<CheckedPage>
  /**
   * Checks what a program gave, whose request has been read. Resolves to undefined if the text is
   * not that of receipts. Throws as `check` does.
   */
  checkGiven(request: IncomingMessage, given: GivenText): Promise<readonly Answers[] | undefined>
  /** Describes what was uploaded, for the desk. Throws as `check` does. */
  describe(request: IncomingMessage, agency: string): Promise<Described>
}

/** Limits on the use of the machine. */
export type CheckLimits = {
  /** The most forms that are received and checked at once. */
  readonly atOnce: number
  /** The most forms that wait for a place, and the longest wait. */
  readonly waiting: number
  readonly waitMs: number
  /** For the whole body, even if it arrives steadily. */
  readonly bodyMs: number
  /** The least number of bytes in a period, and the least while another form waits for a place. */
  readonly pace: { readonly bytes: number; readonly awaitedBytes: number; readonly everyMs: number }
  /** From the end of the body to the page. */
  readonly checkMs: number
  /** For JavaScript's objects. Other memory is bounded by the bytes of a form. */
  readonly heapMb: number
  readonly questions: QuestionLimits
}

export const CHECK_LIMITS: CheckLimits = {
  atOnce: 4,
  waiting: 8,
  waitMs: 15_000,
  bodyMs: 120_000,
  pace: { bytes: 8_192, awaitedBytes: 327_680, everyMs: 5_000 },
  checkMs: 30_000,
  heapMb: 160,
  questions: { ledger: 10_000, perEndpoint: 64 },
}

/** Creates the checker. No process runs while there is no form. */
export function createChecker(
  { ledger, chain, policy, others: list }: Pick<SiteDeps, 'ledger' | 'chain' | 'policy' | 'others'>,
  limits = CHECK_LIMITS,
): Checker {
  const places = createPlaces(limits)
  const shared = shareChain(chain)
  const endpoints = shapesOf(shared)
  const others = list && formatTrustList(list)
  const inPlace = async (request: IncomingMessage, job: FormJob): Promise<FormAnswered> => {
    const leave = await places.take(request)
    try {
      const answerQuestion = createAnswerer(ledger, shared, limits.questions)
      return await runProcess(request, job, { limits, answerQuestion, isAwaited: places.isAwaited })
    } finally {
      leave()
    }
  }
  return {
    async check(request, job) {
      const answered = await inPlace(request, { ...job, kind: 'check', headers: request.headers, policy: policy(), others, endpoints })
      if (!('page' in answered)) throw new Error('bug: a check was answered without a page')
      return answered
    },
    async checkGiven(request, given) {
      const answered = await inPlace(request, { kind: 'given', given, policy: policy(), others, endpoints })
      if (!('answers' in answered)) throw new Error('bug: a program was answered with a page')
      return answered.answers
    },
    async describe(request, agency) {
      const answered = await inPlace(request, { kind: 'describe', headers: request.headers, agency })
      if (!('described' in answered)) throw new Error('bug: a description was answered with a page')
      return answered.described
    },
  }
}

type Run = {
  readonly limits: CheckLimits
  readonly answerQuestion: ReturnType<typeof createAnswerer>
  /** Whether another form waits for a place. */
  readonly isAwaited: () => boolean
}

/**
 * Pipes the body of a request into a process and waits for its page. The process has ended when
 * this settles.
 */
async function runProcess(request: IncomingMessage, job: FormJob, run: Run): Promise<FormAnswered> {
  const { answerQuestion } = run
  const child = startProcess(run.limits)
  const stop = new AbortController()
  try {
    return await new Promise((resolve, reject) => {
      child.on('message', (message: CheckMessage) => {
        if (!('question' in message)) resolve(message)
        else answerQuestion(message.question).then(reply => child.connected && child.send(reply, () => {}), reject)
      })
      child.once('error', cause => reject(failed(cause)))
      child.once('exit', (code, signal) => reject(failed(`it ended with ${signal ?? code}`)))
      watchRequest(request, child, { ...run, hasBody: job.kind !== 'given' }, stop.signal, reject)
      child.send(job, () => {})
      if (job.kind === 'given') child.stdin!.end()
      else request.pipe(child.stdin!)
    })
  } finally {
    stop.abort()
    request.unpipe(child.stdin!)
    request.resume()
    child.kill('SIGKILL')
  }
}

function startProcess({ heapMb }: CheckLimits): ChildProcess {
  const cache = process.env.NODE_COMPILE_CACHE
  const source = fileURLToPath(new URL('./check-process.ts', import.meta.url))
  const file = existsSync(source) ? source : fileURLToPath(new URL('../../dist/check.js', import.meta.url))
  const child = fork(file, {
    // No settings or secrets of the service, but the sources as Node has compiled them before.
    env: { MALLOC_ARENA_MAX: '2', ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) },
    execArgv: [`--max-old-space-size=${heapMb}`, '--max-semi-space-size=8'],
    serialization: 'advanced',
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
  })
  // The process may die in the middle of the body.
  child.stdin!.on('error', () => {})
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already, or the system has no priorities. Then it only slows down the others.
  }
  return child
}

/**
 * Ends the wait for a slow body, for a long check, and for a client that left. Slow senders must
 * not hold all places, so a body must come in faster while another form waits.
 */
function watchRequest(
  request: IncomingMessage,
  { stdin }: ChildProcess,
  { limits: { bodyMs, pace, checkMs }, isAwaited, hasBody }: Run & { readonly hasBody: boolean },
  signal: AbortSignal,
  reject: (error: CheckError) => void,
): void {
  let bytes = 0
  let before = 0
  const tooSlow = () => reject(new CheckError('UPLOAD_SLOW', 'The form came in too slowly.'))
  const tooLong = () => reject(new CheckError('CHECK_DEADLINE', 'This form takes longer to check than our server allows.'))
  let deadline = setTimeout(tooSlow, bodyMs)
  const pacer = setInterval(() => {
    const least = isAwaited() ? pace.awaitedBytes : pace.bytes
    // A sender is not slow while its data waits for the process.
    if (bytes - before < least && stdin?.writableNeedDrain !== true) tooSlow()
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
  if (hasBody) {
    request.on('data', onData)
    request.once('end', onEnd)
  } else onEnd()
  request.socket.once('close', gone)
  signal.addEventListener('abort', () => {
    stopWaiting()
    request.off('data', onData)
    request.off('end', onEnd)
    request.socket.off('close', gone)
  })
}

/** Places for forms, and a short queue. No body is read before its form has a place. */
function createPlaces({ atOnce, waiting, waitMs }: CheckLimits) {
  const row: (() => void)[] = []
  let taken = 0
  const leave = () => {
    const next = row.shift()
    if (next === undefined) taken--
    else next()
  }
  return {
    isAwaited: () => row.length > 0,
    /**
     * Resolves to the function that frees the place.
     * @throws CheckError CHECK_BUSY, CHECK_CANCELLED
     */
    async take(request: IncomingMessage): Promise<() => void> {
      // It may have gone while its request was read. Then its socket says so no more.
      if (request.socket.destroyed) throw cancelled()
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
  return new CheckError('CHECK_FAILED', 'This form holds more than our server can check.', { cause })
}

function cancelled(): CheckError {
  return new CheckError('CHECK_CANCELLED', 'The client has gone.')
}

/** CHECK_BUSY, CHECK_DEADLINE, CHECK_FAILED, CHECK_CANCELLED, UPLOAD_SLOW */
export class CheckError extends OpenSealError {}
