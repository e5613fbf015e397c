/** The files that `submit` is to take: those of folders, or the rows of a manifest. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { OpenSealError } from '../../core/errors.ts'
import { isPassedOver } from '../../documents/companions.ts'
import { type ManifestMembers, readManifest } from '../../documents/manifest.ts'
import { isFolder } from '../folder.ts'
import { FileError } from '../hash-file.ts'

/**
 * A file, and what is typed about it. `name` is how the user knows it: its path in the folder, or
 * as the manifest has it. `code` and `detail` say why it is left out already.
 */
export type WantedFile = {
  readonly name: string
  readonly path: string
  readonly typed: ManifestMembers
  readonly sha256?: string
  readonly left?: { readonly code: string; readonly detail: string }
}

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024

/** The files of these folders, and these files, in the order of their names. */
export async function filesOf(paths: readonly string[]): Promise<WantedFile[]> {
  const found: WantedFile[] = []
  for (const path of paths) {
    if (!(await isFolder(path))) found.push({ name: path, path, typed: {} })
    else for await (const file of walk(path)) found.push({ name: relative(path, file).split(sep).join('/'), path: file, typed: {} })
  }
  return found
}

async function* walk(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => {
    throw new FileError('FILE_UNREADABLE', `${folder} cannot be read (${error.code})`, { cause: error })
  })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isPassedOver(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else yield path
  }
}

/** The rows of a manifest. Its paths begin in its own folder. Throws FileError, ManifestError. */
export async function manifestFiles(path: string): Promise<WantedFile[]> {
  const { size } = await stat(path).catch(error => {
    throw new FileError('FILE_NOT_FOUND', `there is no manifest ${path}`, { cause: error })
  })
  if (size > MAX_MANIFEST_BYTES) throw new FileError('FILE_UNREADABLE', `${path} is larger than a manifest of ${MAX_MANIFEST_BYTES} bytes`)
  try {
    return readManifest(await readFile(path)).map(row => {
      const place = { name: row.file, path: join(dirname(path), row.file) }
      if ('code' in row) return { ...place, typed: {}, left: { code: row.code, detail: row.detail } }
      return { ...place, typed: row.members, ...(row.sha256 !== undefined && { sha256: row.sha256 }) }
    })
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    throw new FileError(error.code, `${path}: ${error.message}`, { cause: error })
  }
}
