/** A report that was given to be checked again: its files by their fingerprints, and its receipts. */
import { canonicalJson } from '../../core/json.ts'
import { type GivenFile, type GivenReceipt, readReceipt } from './given.ts'
import { fingerprint } from './pasted.ts'
import type { ReportData } from './report-data.ts'

/** What is to be checked of a report. */
export type OpenedReport = { readonly files: readonly GivenFile[]; readonly receipts: readonly GivenReceipt[]; readonly policyText: string }

/** Takes apart the report of this name. */
export function openReport(name: string, { files, receipts, policy }: ReportData): OpenedReport {
  const owned = files.flatMap(file => (file.receipt === undefined ? [] : [{ of: file.name, at: file.receipt }]))
  const places = new Set(owned.map(({ at }) => at))
  const others = receipts.flatMap((_, at) => (places.has(at) ? [] : [{ of: undefined, at }]))
  return {
    files: files.flatMap(file => (file.sha256 === undefined ? [] : [{ ...fingerprint(file.sha256, file.name), isReported: true }])),
    receipts: [...owned, ...others].map(({ of, at }) => ({
      ...readReceipt(`${name}:${at + 1}`, receipts[at] ?? '', of),
      isInside: true,
    })),
    policyText: canonicalJson(policy),
  }
}

/**
 * Leaves out each fingerprint of a report whose file was given too, by its content or by its name:
 * the file itself is checked, with the receipt of the report.
 */
export function withoutRepeats(files: readonly GivenFile[]): GivenFile[] {
  const given = files.filter(({ isReported }) => !isReported)
  const digests = new Set(
    given.flatMap(({ read }) => [read.digest, ...read.releases.map(({ digest }) => digest)].map(each => each?.sha256)),
  )
  const names = new Set(given.map(({ name }) => lastPart(name)))
  const seen = new Set<string>()
  return files.filter(({ name, read, isReported }) => {
    if (!isReported) return true
    const { sha256 } = read.digest
    const isRepeat = digests.has(sha256) || names.has(lastPart(name)) || seen.has(`${sha256} ${name}`)
    seen.add(`${sha256} ${name}`)
    return !isRepeat
  })
}

function lastPart(path: string): string {
  return (path.split(/[/\\]/).at(-1) ?? path).toLowerCase()
}
