/** The results of `openseal verify` as files: a report for people, and a table. */
import { writeFile } from 'node:fs/promises'
import type { Say } from '../messages/say.ts'
import { formatCsv } from '../report/csv.ts'
import { renderReport } from '../report/report.ts'
import type { Answers, Policy, TrustList, Unread } from '../verifier/index.ts'
import { FileError } from './hash-file.ts'

/** Where to write them. */
export type KeptPaths = { readonly report?: string; readonly csv?: string }

/** The results of a check, and the servers that were asked. */
type Checked = {
  readonly all: readonly Answers[]
  readonly unread: readonly Unread[]
  readonly policy: Policy | TrustList
  readonly endpoints: readonly string[]
  readonly ledgers: readonly string[]
}

/** Writes the files that were asked for. Throws FileError FILE_EXISTS or FILE_UNWRITABLE. */
export async function keepResults(
  say: Say,
  { report, csv }: KeptPaths,
  { all, unread, policy, endpoints, ledgers }: Checked,
): Promise<void> {
  if (report !== undefined) {
    const clock = { of: 'device', zone: new Intl.DateTimeFormat().resolvedOptions().timeZone } as const
    await writeNew(report, renderReport(say, { all, unread, policy, endpoints, ledgers, nowMs: Date.now(), clock }))
  }
  if (csv !== undefined) await writeNew(csv, formatCsv(say, all, unread))
}

/** A report that is there already may be the only copy of what was found then. */
async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'wx' }).catch(cause => {
    if (cause.code === 'EEXIST') throw new FileError('FILE_EXISTS', `there is a file ${path} already: name another one`, { cause })
    throw new FileError('FILE_UNWRITABLE', `${path} cannot be written (${cause.code})`, { cause })
  })
}
