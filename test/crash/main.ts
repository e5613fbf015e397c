/**
 * `npm run crash`: the whole crash matrix. `npm run crash -- seal anchor` only these phases;
 * `--state FILE` keeps what was done and goes on from there; `--points N` tries only N writes
 * of each phase; `--node` puts the faults in where Node calls the system, as on a machine without a
 * C compiler; `--write` writes docs/results/crashes.md.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { numberOption, readOptions } from '../../scripts/options.ts'
import { writeResults } from '../../scripts/results.ts'
import { PHASES } from './lives.ts'
import { type Result, runMatrix } from './matrix.ts'

const { values, positionals } = readOptions('crash', {
  options: { state: { type: 'string' }, points: { type: 'string' }, node: { type: 'boolean' }, write: { type: 'boolean' } },
  allowPositionals: true,
})
const ALL: readonly string[] = [...PHASES, 'full', 'clock']
const unknown = positionals.filter(phase => !ALL.includes(phase))
if (unknown.length > 0) throw new Error(`no such phase: ${unknown.join(', ')}; there are ${ALL.join(', ')}`)

const folder = mkdtempSync(join(tmpdir(), 'openseal-disk-'))
const disk = values.node ? undefined : compileDisk()
const done: Result[] = values.state !== undefined && existsSync(values.state) ? JSON.parse(readFileSync(values.state, 'utf8')) : []
say(disk === undefined ? 'Faults where Node calls the system (no C compiler, or --node).' : 'Faults below the system library.')

try {
  await runMatrix({
    phases: positionals.length > 0 ? positionals : ALL,
    points: values.points === undefined ? undefined : numberOption('crash', 'points', values.points, 1),
    disk,
    done: [...done],
    note: keep,
  })
  tell(`${done.length} crashes. Lost: nothing. There twice: nothing.`)
} catch (error) {
  tell(`A promise was broken: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Prints the table and how the run ended, and writes both where that is asked for. */
function tell(end: string): void {
  const lines = [...table(done), '', end]
  say('', ...lines)
  if (!values.write) return
  const given = [...positionals, ...(values.points ? [`--points ${values.points}`] : []), ...(values.node ? ['--node'] : [])]
  writeResults('crashes', {
    title: 'Crashes',
    command: `npm run crash -- ${[...given, '--write'].join(' ')}`,
    about:
      'Each row is a phase and a kind of crash. After each crash the service started again, and the whole ledger was audited. `N.log` are journals, `N.ldb` tables of the store or of the finder. “Ended” is a start that refused in one sentence, and the next one succeeded. “Went on” is a service that answered again by itself.',
    body: lines.join('\n'),
  })
}

function keep(result: Result): void {
  done.push(result)
  if (values.state !== undefined) writeFileSync(values.state, JSON.stringify(done))
  const { phase, mode, at, fired = '', end, acknowledged } = result
  say(`${phase} ${mode} ${at}: ${end} at ${fired.replace(/\/\S*\//, '')} (${acknowledged} acknowledged)`)
}

/** The library that makes a disk fail; undefined on a machine without a C compiler. */
function compileDisk(): string | undefined {
  const library = join(folder, 'disk.so')
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, fileURLToPath(new URL('./disk.c', import.meta.url)), '-ldl'])
    return library
  } catch {
    return undefined
  }
}

/** A row for each phase and kind of crash, as Markdown. */
function table(results: readonly Result[]): string[] {
  const rows = new Map<string, Result[]>()
  for (const result of results) {
    const key = `| ${result.phase} | ${result.mode} |`
    rows.set(key, [...(rows.get(key) ?? []), result])
  }
  const head = ['| when | what | crashes | where | what the service did |', '| --- | --- | --- | --- | --- |']
  return [
    ...head,
    ...[...rows].map(([key, found]) => `${key} ${found.length} | ${places(found)} | ${count(found.map(({ end }) => end))} |`),
  ]
}

/** The kinds of writes that were hit, by how often. */
function places(results: readonly Result[]): string {
  return count(results.map(({ fired = '' }) => fired.replace(/ \S*?([^/\s]*)$/, (_, name) => ` ${name.replace(/\d{6}/, 'N')}`)))
}

function count(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([word, times]) => `${word} ×${times}`)
    .join(', ')
}

function say(...lines: readonly string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''))
}
