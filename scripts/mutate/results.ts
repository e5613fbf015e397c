/** The outcomes of mutants, kept in a file, so that a long run can be stopped and continued. */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { read } from './parts.ts'
import type { Mutant } from './typescript.ts'

/**
 * `killed`: a test failed. `endless`: one ran on far past its time. `survived`: all passed.
 * `invalid`: it does not compile, or to the same.
 */
export type Outcome = 'killed' | 'endless' | 'survived' | 'invalid'

/** The outcome of a mutant and, if it survived, the digests of the tests that passed with it. */
export type Result = { readonly outcome: Outcome; readonly passed?: readonly string[] }

/** Known results of earlier runs. A result counts while the mutant's file is the same. */
export type Results = { get(mutant: Mutant): Result | undefined; add(mutant: Mutant, result: Result): void }

/** Opens a file of results; without one nothing is kept. */
export function openResults(path: string | undefined): Results {
  const lines = path !== undefined && existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
  const known = new Map<string, Result>()
  for (const line of lines) {
    const { mutant, ...result } = JSON.parse(line)
    known.set(mutant, result)
  }
  const sources = new Map<string, string>()
  const keyOf = ({ file, from, to, after }: Mutant) => {
    if (!sources.has(file)) sources.set(file, digest(read(file)))
    return digest([file, sources.get(file), from, to, after].join('\0'))
  }
  return {
    get: mutant => known.get(keyOf(mutant)),
    add(mutant, result) {
      if (path !== undefined) appendFileSync(path, `${JSON.stringify({ mutant: keyOf(mutant), ...result })}\n`)
    },
  }
}

/** A short name for exactly this text. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
