/**
 * Files that belong to one statement: a decision of Diavgeia comes as a PDF beside its metadata.
 */
import { baseName, type DocumentReading } from './reading.ts'

/** Our own files beside the documents, and what systems hide. */
const PASSED_OVER = /^\.|\.receipt\.json$|\.receipts\.ndjson(?:\.new)?$|\.tmp$/

/** Whether a file or folder of this name is no document of the folder that it is in. */
export function isPassedOver(name: string): boolean {
  return PASSED_OVER.test(name)
}

/** A file that was read. `name` is its path. */
export type ReadDocumentFile = { readonly name: string; readonly reading: DocumentReading }

/**
 * Groups the files of a statement: the file that states the record comes first. In one folder, the
 * metadata of a decision takes the PDF that is named by its ΑΔΑ, and the list of its versions.
 * Where two files of metadata are of one decision, neither takes anything.
 */
export function groupCompanions<T extends ReadDocumentFile>(files: readonly T[]): readonly (readonly [T, ...T[]])[] {
  const owners = new Map<string, T | undefined>()
  for (const file of files) {
    const key = file.reading.format === 'diavgeia' ? placeOf(file, adaOf(file)) : undefined
    if (key !== undefined) owners.set(key, owners.has(key) ? undefined : file)
  }
  const groups = new Map<T, [T, ...T[]]>()
  for (const file of files) {
    const owner = ownerOf(file, owners)
    if (owner === undefined || owner === file) groups.set(file, [file, ...(groups.get(file)?.slice(1) ?? [])])
    else groups.set(owner, [...(groups.get(owner) ?? [owner]), file])
  }
  return [...groups.values()]
}

function ownerOf<T extends ReadDocumentFile>(file: T, owners: ReadonlyMap<string, T | undefined>): T | undefined {
  const { format } = file.reading
  if (format === 'diavgeia-history') return owners.get(placeOf(file, adaOf(file)) ?? '')
  return format === undefined && /\.pdf$/i.test(file.name) ? owners.get(placeOf(file, baseName(file.name).slice(0, -4)) ?? '') : undefined
}

function adaOf({ reading }: ReadDocumentFile): string | undefined {
  return reading.members.identifiers?.find(({ scheme }) => scheme === 'ada')?.value
}

function placeOf({ name }: ReadDocumentFile, ada: string | undefined): string | undefined {
  return ada && `${name.slice(0, name.lastIndexOf('/') + 1)}\n${ada.normalize('NFC')}`
}
