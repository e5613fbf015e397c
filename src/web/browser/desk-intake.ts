/**
 * Reads the files of a folder, or packages, into rows: a statement for each record, or why there is
 * none. The bytes of a file are not kept.
 */
import { OpenSealError } from '../../core/errors.ts'
import type { Statement } from '../../core/statements/statement.ts'
import { followChanges } from '../../documents/changes.ts'
import { groupCompanions } from '../../documents/companions.ts'
import { documentsOf, fillMembers, fillStatement, statedTogether } from '../../documents/fill.ts'
import type { ManifestMembers } from '../../documents/manifest.ts'
import { holdsMany } from '../../documents/reading.ts'
import { createEditCheck, inOrder } from '../../documents/together.ts'
import { type DescribedFile, findBroken } from '../desk/describe.ts'
import { remarksOf } from '../desk/remarks.ts'
import type { RecordRow } from '../desk/rows.ts'
import { takeApart, withEdit } from '../desk/take-apart.ts'
import { readHere } from './read-here.ts'

/** A file to read, and what a manifest says of it. */
export type ChosenFile = { readonly path: string; readonly file: File; readonly typed?: ManifestMembers; readonly sha256?: string }

/** Values for files that state them neither themselves nor in a manifest. */
export type Fallbacks = { readonly agency: string; readonly kind?: Statement['kind']; readonly takesPath: boolean }

/** Called after each file. Returns whether to stop. */
export type OnRead = (done: number, total: number) => boolean

type Taken = DescribedFile & { readonly wanted: ChosenFile }

/** The longest time at a stretch in which the page answers to nothing. */
const TURN_MS = 50
/** A page keeps a kilobyte of each record. */
const MAX_RECORDS = 50_000

/** Reads files, and puts their rows in the order in which their statements are sent. */
export async function readRows(files: readonly ChosenFile[], fallbacks: Fallbacks, onRead: OnRead): Promise<RecordRow[]> {
  const { agency } = fallbacks
  const edits = createEditCheck()
  const rows: RecordRow[] = []
  const taken: Taken[] = []
  for (const [at, wanted] of files.entries()) {
    const read = await readHere(wanted.path, wanted.file).catch(() => undefined)
    if (read === undefined) rows.push({ path: wanted.path, state: 'unreadable' })
    else if (wanted.sha256 !== undefined && wanted.sha256 !== read.document.sha256) rows.push(otherFile(read))
    // Words that are typed about a package are about the file, not about its records.
    else if (isOther(wanted, fallbacks)) rows.push(otherAgency(read, fallbacks))
    else if (holdsMany(read.reading) && wanted.typed?.record === undefined)
      rows.push(...(await takeApart(read, wanted.file, { agency, edits, room: MAX_RECORDS - rows.length })))
    else taken.push({ ...read, wanted })
    if (onRead(at + 1, files.length)) break
  }
  const pause = createPauses()
  const stated: RecordRow[] = []
  for (const group of groupCompanions(followChanges(taken))) {
    stated.push(stateGroup(group, fallbacks))
    await pause()
  }
  for (const row of inOrder(stated, ({ statement }) => statement)) {
    rows.push(withEdit(row, edits))
    await pause()
  }
  return rows
}

/** Lets the page answer the clerk now and then, in the middle of many records. */
function createPauses(): () => Promise<void> {
  let fromMs = performance.now()
  return async () => {
    if (performance.now() - fromMs < TURN_MS) return
    await new Promise(resolve => setTimeout(resolve))
    fromMs = performance.now()
  }
}

/** The row of a file and of those that belong to it. */
function stateGroup(group: readonly [Taken, ...Taken[]], { agency, kind, takesPath }: Fallbacks): RecordRow {
  const [{ wanted, document }] = group
  const broken = findBroken(group)
  const row = { path: wanted.path, sha256: document.sha256, remarks: group.flatMap(each => remarksOf(each.document.name, each.reading)) }
  if (broken !== undefined) return { ...row, state: 'refused', detail: broken.detail, code: broken.code, remarks: [] }
  try {
    const { agency: _, ...typed } = wanted.typed ?? {}
    const members = {
      ...(kind !== undefined && { kind }),
      ...(takesPath && { record: wanted.path.normalize('NFC') }),
      ...fillMembers(typed, statedTogether(group)?.members ?? {}),
    }
    return { ...row, state: 'ready', statement: fillStatement(agency, members, documentsOf(group)) }
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return error.code === 'RECORD_MISSING'
      ? { ...row, state: 'noNumber' }
      : { ...row, state: 'refused', code: error.code, detail: error.message }
  }
}

function otherFile({ name, document: { sha256 } }: DescribedFile): RecordRow {
  return { path: name, state: 'refused', sha256, code: 'FILE_OTHER', detail: 'the file has another SHA-256 than the manifest says' }
}

function isOther({ typed }: ChosenFile, { agency }: Fallbacks): boolean {
  return typed?.agency !== undefined && typed.agency !== agency
}

function otherAgency({ name, document: { sha256 } }: DescribedFile, { agency }: Fallbacks): RecordRow {
  return { path: name, state: 'refused', sha256, code: 'KEY_OTHER_AGENCY', detail: `you are signed in for ${agency}` }
}
