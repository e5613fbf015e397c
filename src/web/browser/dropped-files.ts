/** Files that are dropped onto a page, with their paths in their folder. */

/** A file and its path, with slashes and without one in front. */
export type PathFile = { readonly path: string; readonly file: File }

/**
 * Lets people drop files onto an element, which shows it, or beside it. `take` is called in the
 * event's own turn, in which the browser hands the files out.
 */
export function watchDrop(drop: HTMLElement, where: EventTarget, take: (event: DragEvent) => void): void {
  for (const type of ['dragenter', 'dragover'])
    where.addEventListener(type, event => {
      event.preventDefault()
      drop.classList.add('over')
    })
  where.addEventListener('dragleave', () => drop.classList.remove('over'))
  where.addEventListener('drop', event => {
    event.preventDefault()
    drop.classList.remove('over')
    if (event instanceof DragEvent) take(event)
  })
}

/** Every file of what was dropped. Must be called in the event's own turn. */
export async function filesOfDrop({ dataTransfer }: DragEvent): Promise<PathFile[]> {
  const entries = [...(dataTransfer?.items ?? [])].map(item => item.webkitGetAsEntry()).filter(entry => entry !== null)
  const files: PathFile[] = []
  for (const entry of entries) await walk(entry, files)
  return files
}

/** Every file of a folder that was chosen. */
export function filesOfFolder(files: Iterable<File>): PathFile[] {
  return [...files].map(file => ({ path: file.webkitRelativePath || file.name, file }))
}

/**
 * The files with their paths inside of the folder that was chosen: its own name belongs to none of
 * them, as for `openseal submit FOLDER`. Where several were dropped, their names stay.
 */
export function pathsInside(files: readonly PathFile[]): readonly PathFile[] {
  const tops = new Set(files.map(({ path }) => path.slice(0, path.indexOf('/') + 1)))
  const [top = ''] = tops
  return tops.size === 1 ? files.map(({ path, file }) => ({ path: path.slice(top.length), file })) : files
}

async function walk(entry: FileSystemEntry, files: PathFile[]): Promise<void> {
  if (entry instanceof FileSystemFileEntry) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject))
    files.push({ path: entry.fullPath.slice(1), file })
    return
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return
  const reader = entry.createReader()
  // A browser gives a hundred entries at a time.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (batch.length === 0) return
    for (const child of batch) await walk(child, files)
  }
}
