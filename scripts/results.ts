/**
 * The pages under docs/results. Each holds what the last run of one command found, and nothing
 * else.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'

/** The result of a run. `about` says what was measured, and against what; `body` is Markdown. */
export type Results = { readonly title: string; readonly command: string; readonly about: string; readonly body: string }

/** The text of a page. `machine` is left out if every machine gives the same result. */
export function formatResults({ title, command, about, body }: Results, machine?: string): string {
  return [`# ${title}`, `Written by \`${command}\`. Do not edit this page.`, about, ...(machine ? [machine] : []), body]
    .join('\n\n')
    .concat('\n')
}

/** Writes docs/results/<name>.md, with the machine and the day. */
export function writeResults(name: string, results: Results): void {
  writePage(name, formatResults(results, machineLine()))
}

/** Writes docs/results/<name>.md as it is given. */
export function writePage(name: string, text: string): void {
  const folder = join(dirname(import.meta.dirname), 'docs/results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.md`), text)
}

function machineLine(): string {
  return `Node ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${new Date().toISOString().slice(0, 10)}.`
}
