/** A whole folder: each file is read here and becomes a record of its own. */
import { OpenSealError } from '../../core/errors.ts'
import { isPassedOver } from '../../documents/companions.ts'
import type { ManifestRow } from '../../documents/manifest.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import type { DeskData } from '../desk/choose.ts'
import type { RecordRow } from '../desk/rows.ts'
import { BatchError, createBatch } from './desk-batch.ts'
import { type ChosenFile, readRows } from './desk-intake.ts'
import { filesOfDrop, filesOfFolder, type PathFile, pathsInside, watchDrop } from './dropped-files.ts'
import { find } from './find.ts'

/** A clerk's choice for all files that state none. */
const CHOICES = ['#folder-kind', '#folder-number', '#folder-manifest'] as const

/** Starts the page. */
export function startFolder(say: SayDesk, data: DeskData): void {
  const setChoices = (isBusy: boolean) => {
    for (const selector of CHOICES) (find(selector) as HTMLInputElement).disabled = isBusy
  }
  const batch = createBatch(say, data, setChoices)
  let chosen: readonly PathFile[] = []
  const take = (files: readonly PathFile[] | Promise<readonly PathFile[]>) =>
    batch.take(async onRead => {
      chosen = await files
      const found = pathsInside(chosen).filter(({ path }) => !path.split('/').some(isPassedOver))
      const { wanted, rows } = await withManifest(say, found)
      const kind = valueAt('#folder-kind') === 'procurement' ? 'procurement' : 'decision'
      const fallbacks = { agency: data.agency, kind, takesPath: valueAt('#folder-number') === 'path' } as const
      return [...rows, ...(await readRows(wanted, fallbacks, onRead))]
    })

  find('#folder').hidden = false
  const input = find('#folder-files') as HTMLInputElement
  input.addEventListener('change', () => {
    void take(filesOfFolder(input.files ?? []))
    input.value = ''
  })
  watchDrop(find('#drop'), document, event => void take(filesOfDrop(event)))
  // Another choice counts for what was read already, as long as none of it was sent.
  for (const selector of CHOICES)
    find(selector).addEventListener('change', () => {
      if (chosen.length > 0 && !batch.hasSent()) void take(chosen)
    })
}

/** The files of a manifest, if one is chosen. Throws BatchError if it cannot be read. */
async function withManifest(say: SayDesk, files: readonly PathFile[]): Promise<ReturnType<typeof matchManifest>> {
  const manifest = (find('#folder-manifest') as HTMLInputElement).files?.[0]
  if (manifest === undefined) return { wanted: files, rows: [] }
  const { readManifest } = await import('../../documents/manifest.ts')
  try {
    return matchManifest(files, readManifest(new Uint8Array(await manifest.arrayBuffer())))
  } catch (error) {
    throw new BatchError(say('folder.manifestBad', { detail: error instanceof OpenSealError ? error.message : manifest.name }))
  }
}

/** The files that a manifest names, and rows for what is in only one of the two. */
function matchManifest(
  files: readonly PathFile[],
  manifest: readonly ManifestRow[],
): { wanted: readonly ChosenFile[]; rows: readonly RecordRow[] } {
  const byPath = new Map(files.map(file => [file.path.normalize('NFC'), file]))
  const wanted: ChosenFile[] = []
  const rows: RecordRow[] = []
  for (const row of manifest) {
    const path = row.file.normalize('NFC').replace(/^\.\//, '')
    const file = byPath.get(path)
    byPath.delete(path)
    if ('code' in row) rows.push({ path: row.file, state: 'refused', code: row.code, detail: row.detail })
    else if (file === undefined) rows.push({ path: row.file, state: 'absent' })
    else wanted.push({ ...file, typed: row.members, ...(row.sha256 !== undefined && { sha256: row.sha256 }) })
  }
  return { wanted, rows: [...rows, ...[...byPath.values()].map(({ path }): RecordRow => ({ path, state: 'unlisted' }))] }
}

function valueAt(selector: string): string {
  return (find(selector) as HTMLSelectElement).value
}
