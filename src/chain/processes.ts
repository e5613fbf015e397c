/** Processes of this machine by their ids: what one was called with, which one was called so, and the end of one. On Linux by /proc, elsewhere by ps. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const END_MS = 2_000
const LOOK_MS = 20

/** How a process was called, empty when it is gone. Process ids are used again: only the command line tells which process it is. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {}
  return ps('-ww', '-o', 'command=', '-p', String(pid))
}

/** The first process whose command line, with its id before it, has `part` in it: that line. */
export function findCommand(part: string): string | undefined {
  return ps('-A', '-ww', '-o', 'pid=', '-o', 'args=')
    .split('\n')
    .find(line => line.includes(part))
}

/** Ends a process, by force where it does not listen. Returns when it is gone, or when only a parent that is not us has still to take note of it. */
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

/** A process that ends loses its command line some moments before it is gone, so that does not tell. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return true
  }
  const [state, parent] = stateOf(pid)
  return state === 'Z' && Number(parent) !== process.pid
}

/** One letter, and the id of the parent. */
function stateOf(pid: number): string[] {
  try {
    // The name stands before it in brackets and may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {}
  return ps('-o', 'stat=,ppid=', '-p', String(pid))
    .trim()
    .replace(/^(.)\S*/, '$1')
    .split(/\s+/)
}

/** What ps says, nothing where it fails: that is what it does for a process that is gone. */
function ps(...flags: string[]): string {
  try {
    return execFileSync('ps', flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 * 1024 * 1024 })
  } catch {
    return ''
  }
}
