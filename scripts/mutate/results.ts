/** The outcomes of mutants, kept in a file, so that a run of hours may be stopped and goes on where it was. */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Part } from './parts.ts'
import { read } from './parts.ts'
import type { Mutant } from './typescript.ts'

/** `killed`: a test failed. `endless`: one ran on far past its time. `survived`: all passed. `invalid`: it does not compile, or to the same. */
export type Outcome = 'killed' | 'endless' | 'survived' | 'invalid'

/** What is known of mutants from before. */
export type Results = { get(mutant: Mutant): Outcome | undefined; add(mutant: Mutant, outcome: Outcome): void }

type Line = { readonly mutant: string; readonly tests: string; readonly outcome: Outcome }

/** Opens a file of outcomes; without one nothing is kept. An outcome counts while the mutant's file is the same, and survival while the tests are, too. */
export function openResults(path: string | undefined, part: Part): Results {
  const lines = path !== undefined && existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
  const known = new Map<string, Line>()
  for (const text of lines) {
    const line = JSON.parse(text) as Line
    known.set(line.mutant, line)
  }
  const tests = digest(part.tests.map(read).join('\0'))
  const sources = new Map<string, string>()
  const keyOf = ({ file, from, to, after }: Mutant) => {
    if (!sources.has(file)) sources.set(file, digest(read(file)))
    return digest([file, sources.get(file), from, to, after].join('\0'))
  }
  return {
    get(mutant) {
      const line = known.get(keyOf(mutant))
      return line?.outcome === 'survived' && line.tests !== tests ? undefined : line?.outcome
    },
    add(mutant, outcome) {
      if (path !== undefined) appendFileSync(path, `${JSON.stringify({ mutant: keyOf(mutant), tests, outcome } satisfies Line)}\n`)
    },
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
