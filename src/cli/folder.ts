/** The files of a folder, for commands that take one in place of its files. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FileError } from './hash-file.ts'

/** More than any folder that a person looks through by hand. */
const MAX_FILES = 10_000

/** Whether a path is a folder. False for a path that is not there; the reader reports it. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

/**
 * The paths of all files in a folder and in the folders inside it, sorted. Hidden files and folders
 * are left out, and so are links, which could lead out of the folder or in a circle.
 * @throws FileError FILE_UNREADABLE, FOLDER_EMPTY, FOLDER_TOO_LARGE
 */
export async function filesIn(folder: string): Promise<string[]> {
  const files: string[] = []
  const open = [folder]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const entry of await readFolder(next)) {
      if (entry.name.startsWith('.')) continue
      const path = join(next, entry.name)
      if (entry.isDirectory()) open.push(path)
      else if (entry.isFile()) files.push(path)
    }
    if (files.length + open.length > MAX_FILES)
      throw new FileError(
        'FOLDER_TOO_LARGE',
        `${folder} has more than ${MAX_FILES} files and folders: name the folders inside it one by one`,
      )
  }
  if (files.length === 0) throw new FileError('FOLDER_EMPTY', `there is no file in ${folder}`)
  return files.sort()
}

async function readFolder(path: string) {
  return readdir(path, { withFileTypes: true }).catch(cause => {
    throw new FileError('FILE_UNREADABLE', `${path} cannot be read (${cause.code})`, { cause })
  })
}
