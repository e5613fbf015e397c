/**
 * The output of commands: answers on stdout, progress and notices on stderr. Every mark has a word
 * beside it; a terminal shows marks in colour.
 */
import type { SingleBar } from 'cli-progress'
import { visible, visibleJson } from '../core/visible.ts'

/** Prints lines to stdout. */
export function print(...lines: readonly string[]): void {
  write(process.stdout, lines)
}

/**
 * Lines broken at words to fit a terminal, further lines indented. Where the output is no terminal,
 * each line stays whole, for programs that read it.
 */
export function wrapLines(
  lines: readonly string[],
  { isTTY, columns = 80 }: { readonly isTTY?: boolean; readonly columns?: number },
): string[] {
  return isTTY !== true ? [...lines] : lines.flatMap(line => wrapLine(line, Math.max(columns, MIN_COLUMNS)))
}

const MIN_COLUMNS = 40

function wrapLine(line: string, columns: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? ''
  const wrapped: string[] = []
  let current = ''
  for (const word of line.slice(indent.length).split(' ')) {
    const start = wrapped.length === 0 ? indent : `${indent}  `
    if (current !== '' && start.length + current.length + 1 + word.length > columns) {
      wrapped.push(start + current)
      current = word
    } else current = current === '' ? word : `${current} ${word}`
  }
  return [...wrapped, (wrapped.length === 0 ? indent : `${indent}  `) + current]
}

/** Prints a value as JSON to stdout: what --json asks for. */
export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(JSON.stringify(value, undefined, 2))}\n`)
}

/** Prints notices to stderr, so that piped output stays clean. */
export function remark(...lines: readonly string[]): void {
  write(process.stderr, lines)
}

/**
 * Whether a stream takes colours: a terminal that knows them, and no NO_COLOR
 * (https://no-color.org).
 */
export function takesColour({ isTTY }: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}

/** A line with the mark that it begins with in its colour. */
export function paint(line: string): string {
  return line.replace(MARK, mark => `\x1b[${COLOURS[mark.trim()]}m${mark}\x1b[0m`)
}

const COLOURS: { readonly [mark: string]: number } = { '✓': 32, '✗': 31, '–': 33, 'ALARM:': 31 }
const MARK = /^ *(?:[✓✗–]|ALARM:)(?= )/

function write(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  const shown = takesColour(stream, process.env) ? (line: string) => paint(visibleLine(line)) : visibleLine
  stream.write(lines.map(line => `${shown(line)}\n`).join(''))
}

/** A progress bar on stderr. Silent if stderr is not a terminal, and for short work. */
export function startProgress(label: string, total: number): { update(done: number): void; stop(): void } {
  if (!process.stderr.isTTY || total <= 0) return { update: () => {}, stop: () => {} }
  let bar: SingleBar | undefined
  let done = 0
  let isStopped = false
  // Loaded for a terminal only, where it comes a moment later.
  void import('cli-progress').then(({ SingleBar }) => {
    if (isStopped) return
    bar = new SingleBar({
      format: `${visibleLine(label)} [{bar}] {percentage}%`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barCompleteChar: '#',
      barIncompleteChar: '.',
    })
    bar.start(total, done)
  })
  return {
    update: now => {
      done = now
      bar?.update(now)
    },
    stop: () => {
      isStopped = true
      bar?.stop()
    },
  }
}

/**
 * A line on stderr that is rewritten with every word and removed at the end. Silent if stderr is
 * not a terminal.
 */
export function startWordLine(): { add(word: string): void; stop(): void } {
  const { stderr } = process
  if (!stderr.isTTY) return { add: () => {}, stop: () => {} }
  const words: string[] = []
  const draw = (line: string) => void stderr.write(`\r\x1b[2K${visibleLine(line).slice(0, Math.max(0, stderr.columns - 1))}`)
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
 * One line of a terminal. Others' text in it cannot steer the terminal, reverse the line or begin
 * another one.
 */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\t\n\r]/g, found => `[U+000${found.charCodeAt(0).toString(16).toUpperCase()}]`)
}
