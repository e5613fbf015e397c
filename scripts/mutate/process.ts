/** The processes that try mutants. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { root } from './parts.ts'
import type { Answer, Job } from './worker.ts'

/** An answer, or why there is none: it took longer than the limit, or the process ended. */
export type Reply = Answer | 'endless' | 'died'

/**
 * A process that asks tests; another takes its place when it ends, is stuck, or has become large.
 */
export type TestProcess = { ask(job: Job, limitMs: number): Promise<Reply>; end(): void }

/** Modules of past mutants stay in memory, so a process is replaced after this number of them. */
const MUTANTS_A_PROCESS = 100

/** Opens a process that tries mutants, at the first question. */
export function createProcess(): TestProcess {
  let child: ChildProcess | undefined
  let generations = new Set<number>()
  const end = () => {
    child?.kill('SIGKILL')
    child = undefined
    generations = new Set()
  }
  return {
    end,
    async ask(job, limitMs) {
      if (!generations.has(job.generation) && generations.size >= MUTANTS_A_PROCESS) end()
      // Leftovers of a mutant may have ended it since its last answer.
      if (child?.connected === false) end()
      generations.add(job.generation)
      child ??= fork(join(import.meta.dirname, 'worker.ts'), { cwd: root, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      const reply = await replyOf(child, job, limitMs)
      if (typeof reply === 'string') end()
      return reply
    },
  }
}

function replyOf(child: ChildProcess, job: Job, limitMs: number): Promise<Reply> {
  return new Promise(done => {
    const timer = setTimeout(() => finish('endless'), limitMs)
    const finish = (reply: Reply) => {
      clearTimeout(timer)
      child.removeAllListeners()
      child.on('error', () => {})
      done(reply)
    }
    child.once('message', message => finish(message as Answer))
    child.once('exit', () => finish('died'))
    child.on('error', () => finish('died'))
    child.send(job)
  })
}
