/**
 * The planned fault and its write: a small file that the service's process reads before each of its
 * writes.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * The fault at a write. `torn`: half of it lands, then the process is killed. `late`: refused, but
 * it lands a moment later.
 */
export const MODES = [
  'kill-before',
  'kill-after',
  'torn',
  'eio-before',
  'eio-after',
  'enospc-before',
  'enospc-after',
  'enospc-half',
  'late',
] as const
export type Mode = (typeof MODES)[number]

/** `at`: which write from now on, from 1. `count`: how many in a row. */
export type Plan = { readonly at: number; readonly mode: Mode; readonly count: number }

/** Arms a process: from its next write on they are counted. */
export function arm(file: string, { at, mode, count }: Plan): void {
  disarm(file)
  writeFileSync(file, `${at} ${mode} ${count}\n`)
}

/** Takes a plan back, and what is known of its having happened. */
export function disarm(file: string): void {
  rmSync(file, { force: true })
  rmSync(`${file}.fired`, { force: true })
}

/** The write at which the plan came true: the operation and the file. */
export function firedAt(file: string): string | undefined {
  return existsSync(`${file}.fired`) ? readFileSync(`${file}.fired`, 'utf8').split('\n')[0] : undefined
}
