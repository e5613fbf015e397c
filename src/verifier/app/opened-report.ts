/** A report that was given to be checked again: its files by their fingerprints, and its receipts. */
import { canonicalJson } from '../../core/json.ts'
import { byEach, type GivenFile, type GivenReceipt, readReceipt } from './given.ts'
import { fingerprint } from './pasted.ts'
import type { ReportData } from './report-data.ts'

/** The parts of a report that are to be checked. */
export type OpenedReport = { readonly files: readonly GivenFile[]; readonly receipts: readonly GivenReceipt[]; readonly policyText: string }

/**
 * Takes apart the report of this name, which is in the names of its files: a document can pass for a
 * report of itself.
 */
export function openReport(name: string, { files, receipts, policy }: ReportData): OpenedReport {
  const owned = files.flatMap(file => (file.receipt === undefined ? [] : [{ of: file.name, at: file.receipt }]))
  const places = new Set(owned.map(({ at }) => at))
  const others = receipts.flatMap((_, at) => (places.has(at) ? [] : [{ of: undefined, at }]))
  return {
    files: files.flatMap(file =>
      file.sha256 === undefined ? [] : [{ ...fingerprint(file.sha256, `${name}/${file.name}`), reportedAs: file.name }],
    ),
    receipts: [...owned, ...others].map(({ of, at }) => ({
      ...readReceipt(`${name}:${at + 1}`, receipts[at] ?? '', of),
      isInside: true,
    })),
    policyText: canonicalJson(policy),
  }
}

/**
 * Leaves out each fingerprint of a report whose file was given too, by its content, by its path, or
 * by its name if only one file of the reports has it: the file itself is checked, with the receipt of
 * the report.
 */
export function withoutRepeats(files: readonly GivenFile[]): GivenFile[] {
  const given = files.filter(({ reportedAs }) => reportedAs === undefined)
  const digests = new Set(
    given.flatMap(({ read }) => [read.digest, ...read.releases.map(({ digest }) => digest)].map(each => each?.sha256)),
  )
  const paths = new Set(given.map(({ name }) => name.toLowerCase()))
  const names = new Set(given.map(({ name }) => lastPart(name)))
  const reported = byEach(files, ({ reportedAs }) => (reportedAs === undefined ? [] : [lastPart(reportedAs)]))
  const isOnly = new Map([...reported].map(([last, all]) => [last, new Set(all.map(({ reportedAs }) => reportedAs)).size === 1]))
  const seen = new Set<string>()
  return files.filter(({ name, read, reportedAs }) => {
    if (reportedAs === undefined) return true
    const { sha256 } = read.digest
    const last = lastPart(reportedAs)
    const isNamed = paths.has(reportedAs.toLowerCase()) || (names.has(last) && isOnly.get(last) === true)
    const isRepeat = digests.has(sha256) || isNamed || seen.has(`${sha256} ${name}`)
    seen.add(`${sha256} ${name}`)
    return !isRepeat
  })
}

function lastPart(path: string): string {
  return (path.split(/[/\\]/).at(-1) ?? path).toLowerCase()
}
