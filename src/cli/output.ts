/** What the commands print: answers on stdout, progress and remarks on stderr. Marks always stand beside a word, and colour is never used. */
import { SingleBar } from 'cli-progress'
import type { Result } from '../verifier/index.ts'

/** Prints lines to stdout. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map(line => `${forTerminal(line)}\n`).join(''))
}

/** Prints a value as JSON to stdout: what --json asks for. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

/** Prints remarks to stderr, so that what is piped on stays clean. */
export function remark(...lines: readonly string[]): void {
  process.stderr.write(lines.map(line => `${forTerminal(line)}\n`).join(''))
}

/** The verdict's sentence first, then every check with its mark and its word. */
export function formatResult(result: Result, path: string): string[] {
  const marks = isUtf8() ? { passed: '✓', failed: '✗', 'not-run': '–' } : { passed: '+', failed: 'x', 'not-run': '-' }
  const facts: [string, string | number | undefined][] = [
    ['file', path],
    ['verdict', result.verdict],
    [
      'matched',
      result.matched === undefined ? undefined : result.matched === 'bytes' ? 'bytes (unchanged)' : 'content (formatted differently)',
    ],
    ['agency', result.agency],
    ['record', result.record],
    ['revision', result.revision],
    ['title', result.title],
    ['published', result.published === undefined ? undefined : `${result.published} (as the agency says)`],
    ['ledger', result.origin === undefined ? undefined : `${result.origin}${result.index === undefined ? '' : `, index ${result.index}`}`],
  ]
  return [
    result.sentence,
    '',
    ...facts.filter(([, value]) => value !== undefined).map(([name, value]) => `  ${name.padEnd(10)}${value}`),
    '',
    ...result.checks.map(check => {
      const word = check.status === 'not-run' ? 'not run' : check.status
      return `  ${marks[check.status]} ${check.name.padEnd(13)}${word.padEnd(8)} ${check.detail}${check.code === undefined ? '' : ` [${check.code}]`}`
    }),
    ...(result.limits === undefined ? [] : ['', result.limits]),
  ]
}

/** A progress bar on stderr. Silent where stderr is no terminal, and for work too short to need one. */
export function startProgress(label: string, total: number): { update(done: number): void; stop(): void } {
  if (!process.stderr.isTTY || total <= 0) return { update: () => {}, stop: () => {} }
  const bar = new SingleBar({
    format: `${label} [{bar}] {percentage}%`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    barCompleteChar: '#',
    barIncompleteChar: '.',
  })
  bar.start(total, 0)
  return { update: done => bar.update(done), stop: () => bar.stop() }
}

/** A hashing progress bar that begins with the first report, once the file's size is known. */
export function startByteProgress(label: string): { report(done: number, total: number): void; stop(): void } {
  let bar: ReturnType<typeof startProgress> | undefined
  return {
    report: (done, total) => {
      if (total < 32 * 1024 * 1024) return
      bar ??= startProgress(label, total)
      bar.update(done)
    },
    stop: () => bar?.stop(),
  }
}

/** Text of others must not steer the terminal: control characters are shown as an escape. */
function forTerminal(line: string): string {
  return line.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    found => `\\u${found.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}

function isUtf8(): boolean {
  if (process.platform === 'win32') return true
  const locale = process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || ''
  return /utf-?8/i.test(locale)
}
