/**
 * Changes of changes. An eForms change notice names the notice that it changes. If that one is a
 * change notice too, the record is that of the first notice of the chain, which only the files
 * together show.
 */
import type { ReadDocumentFile } from './companions.ts'
import type { DocumentReading } from './reading.ts'

/**
 * Returns the files. In each change of a change notice, `record` becomes that of the first notice,
 * and `target` the revision of the changed notice. Notices that change each other in a circle stay
 * as they are.
 */
export function followChanges<T extends ReadDocumentFile>(files: readonly T[]): readonly T[] {
  const changes = new Map(files.flatMap(file => (isChange(file.reading) ? [[file.reading.members.revision, file] as const] : [])))
  if (changes.size === 0) return files
  return files.map(file => {
    if (!isChange(file.reading)) return file
    const { record, target } = file.reading.members
    const changed = changes.get(`${record}-${target}`)
    const first = changed && firstOf(changed, changes)
    return changed === undefined || first === undefined ? file : { ...file, reading: moved(file.reading, changed, first) }
  })
}

function isChange({ format, members }: DocumentReading): boolean {
  return format === 'eforms' && members.action === 'amend'
}

/** The first change notice of a chain: the notice that it changes is not a change. */
function firstOf<T extends ReadDocumentFile>(file: T, changes: ReadonlyMap<string | undefined, T>): T | undefined {
  const seen = new Set<T>()
  for (let at = file; ; ) {
    if (seen.has(at)) return undefined
    seen.add(at)
    const { record, target } = at.reading.members
    const before = changes.get(`${record}-${target}`)
    if (before === undefined) return at
    at = before
  }
}

function moved(reading: DocumentReading, changed: ReadDocumentFile, first: ReadDocumentFile): DocumentReading {
  const { record } = first.reading.members
  const target = changed.reading.members.revision
  const values: { readonly [member: string]: string | undefined } = { record, target }
  const stated = reading.stated.map(each => {
    const value = values[each.member]
    return value === undefined ? each : { ...each, value, at: `${each.at}, by ${first.name}` }
  })
  // This remark is for a first notice that is not known.
  const remarks = reading.remarks.filter(({ code }) => code !== 'CHANGE_OF_RECORD')
  return { ...reading, members: { ...reading.members, ...(record && { record }), ...(target && { target }) }, stated, remarks }
}
