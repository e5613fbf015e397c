/**
 * How `submit` treats warnings: it asks for them in a dry run, stops at those that look like slips,
 * and reports the others.
 */
import { STOPPING_WARNINGS } from '../core/statements/warnings.ts'

/** A warning from a ledger. A later version may know more codes. */
export type GivenWarning = { readonly code: string; readonly detail: string }

/** Warnings of one kind about many statements: their number, and the names of the first ones. */
export type WarningCount = { readonly code: string; readonly count: number; readonly labels: readonly string[] }

const LABELS = 20

/** The well-formed warnings of an answer. */
export function readWarnings(value: unknown): GivenWarning[] {
  const items: unknown[] = Array.isArray(value) ? value : []
  return items.filter((item): item is GivenWarning => {
    const { code, detail } = (item ?? {}) as { code?: unknown; detail?: unknown }
    return typeof code === 'string' && typeof detail === 'string'
  })
}

/** The codes at which a submission stops, unless its submitter accepts them. */
export function stoppingCodes(codes: Iterable<string>, accepted: readonly string[] = []): string[] {
  return [...new Set(codes)].filter(code => STOPPING_WARNINGS.some(stopping => stopping === code) && !accepted.includes(code))
}

/** Counts the warnings of many statements, each given by its name and its codes. */
export function countWarnings(statements: Iterable<{ readonly label: string; readonly codes: readonly string[] }>): WarningCount[] {
  const counts = new Map<string, { count: number; labels: string[] }>()
  for (const { label, codes } of statements)
    for (const code of codes) {
      const counted = counts.get(code) ?? { count: 0, labels: [] }
      counts.set(code, counted)
      if (counted.count++ < LABELS) counted.labels.push(label)
    }
  return [...counts].map(([code, counted]) => ({ code, ...counted }))
}

/** One warning as a line. */
export function formatWarning({ code, detail }: GivenWarning): string {
  return `Warning: ${detail} [${code}]`
}

/** Warnings of one kind in a few lines. */
export function formatCount({ code, count, labels }: WarningCount): string[] {
  const first = labels.slice(0, 3).join(', ')
  return [`Warning: ${meaningOf(code)}: ${count}, ${count > 3 ? `${first}, …` : first} [${code}]`]
}

/** The subject of a warning, in words. */
export function meaningOf(code: string): string {
  return (Object.hasOwn(MEANING, code) ? MEANING[code] : undefined) ?? 'another warning'
}

/** Advice after a submission was stopped. */
export function formatStop(codes: readonly string[]): string {
  return `Nothing was logged. If you intended this, add: ${codes.map(code => `--accept ${code}`).join(' ')}`
}

const MEANING: { readonly [code in string]: string } = {
  EMPTY_DOCUMENT: 'documents of 0 bytes',
  TARGET_UNKNOWN: 'amendments or withdrawals of a version that is not there',
  RECORD_UNKNOWN: 'amendments or withdrawals of a record that is not there',
  SILENT_EDIT: 'other content under a version that was published before, which readers will see as changed without a new version',
  ID_CONFUSABLE: 'record ids that differ from a known one only by case, spaces, dashes or letters that look alike',
  PUBLISHED_FUTURE: 'dates of publication more than a day ahead',
  PUBLISHED_OLD: 'dates of publication more than a year ago',
  KNOWN_CHANGED: 'known statements that were withdrawn, superseded or edited since, of which nothing was logged now',
}
