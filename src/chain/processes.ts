/**
 * Processes of this machine: their command lines, finding one by its command line, and ending one.
 * Uses /proc on Linux and ps elsewhere.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const END_MS = 2_000
const LOOK_MS = 20

/**
 * The command line of a process, empty when it is gone. Process ids are reused, so only the command
 * line identifies a process.
 */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {}
  return ps('-ww', '-o', 'command=', '-p', String(pid))
}

/** The first process whose id and command line, as one line, contain `part`; returns that line. */
export function findCommand(part: string): string | undefined {
  return ps('-A', '-ww', '-o', 'pid=', '-o', 'args=')
    .split('\n')
    .find(line => line.includes(part))
}

/**
 * Ends a process, by force if it does not react. Returns when it is gone, or when only its parent
 * still has to collect it.
 */
export async function endProcess(pid: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    for (let waitedMs = 0; waitedMs < END_MS; waitedMs += LOOK_MS) {
      if (isGone(pid)) return
      await new Promise(done => setTimeout(done, LOOK_MS))
    }
  }
}

/** The command line is no test: a process that ends loses it a moment before it is gone. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return true
  }
  const [state, parent] = stateOf(pid)
  return state === 'Z' && Number(parent) !== process.pid
}

/** The state letter, and the id of the parent. */
function stateOf(pid: number): string[] {
  try {
    // The name before it, in brackets, may contain anything.
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {}
  return ps('-o', 'stat=,ppid=', '-p', String(pid))
    .trim()
    .replace(/^(.)\S*/, '$1')
    .split(/\s+/)
}

/** The output of ps, empty if it fails, as it does for a process that is gone. */
function ps(...flags: string[]): string {
  try {
    return execFileSync('ps', flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 * 1024 * 1024 })
  } catch {
    return ''
  }
}
