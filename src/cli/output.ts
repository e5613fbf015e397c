/** What the commands print: answers on stdout, progress and remarks on stderr. Marks always stand beside a word, and colour is never used. */
import { SingleBar } from 'cli-progress'

/** Prints lines to stdout. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map(line => `${visible(line)}\n`).join(''))
}

/** Prints a value as JSON to stdout: what --json asks for. */
export function printJson(value: unknown): void {
  process.stdout.write(`${visible(JSON.stringify(value, undefined, 2), '\n')}\n`)
}

/** Prints remarks to stderr, so that what is piped on stays clean. */
export function remark(...lines: readonly string[]): void {
  process.stderr.write(lines.map(line => `${visible(line)}\n`).join(''))
}

/** A progress bar on stderr. Silent where stderr is no terminal, and for work too short to need one. */
export function startProgress(label: string, total: number): { update(done: number): void; stop(): void } {
  if (!process.stderr.isTTY || total <= 0) return { update: () => {}, stop: () => {} }
  const bar = new SingleBar({
    format: `${visible(label)} [{bar}] {percentage}%`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    barCompleteChar: '#',
    barIncompleteChar: '.',
  })
  bar.start(total, 0)
  return { update: done => bar.update(done), stop: () => bar.stop() }
}

/** A line on stderr that is written anew with every word, and gone at the end. Silent where stderr is no terminal. */
export function startWordLine(): { add(word: string): void; stop(): void } {
  const { stderr } = process
  if (!stderr.isTTY) return { add: () => {}, stop: () => {} }
  const words: string[] = []
  const draw = (line: string) => void stderr.write(`\r\x1b[2K${visible(line).slice(0, Math.max(0, stderr.columns - 1))}`)
  return {
    add: word => {
      words.push(word)
      draw(words.join('  '))
    },
    stop: () => draw(''),
  }
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

/**
 * Control characters, and the characters that change the direction of a text, written as `\u202e`: text of others must not steer a terminal
 * or turn a sentence round. Inside a JSON text that is the same string. `kept` are characters that stay.
 */
export function visible(text: string, kept = ''): string {
  return text.replace(UNSEEN, found => (kept.includes(found) ? found : `\\u${found.codePointAt(0)!.toString(16).padStart(4, '0')}`))
}

const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
