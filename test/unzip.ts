/** The files of a ZIP archive, whole. */
import { copyBytes, joinBytes } from '../src/core/bytes.ts'
import { withZip } from '../src/documents/zip.ts'

export function unzip(bytes: Uint8Array): Promise<{ readonly name: string; readonly bytes: Uint8Array }[]> {
  return withZip(new Blob([bytes as BlobPart]), { maxEntries: 10_000, maxUnpackedBytes: 64 * 1024 * 1024 }, async entries => {
    const files: { name: string; bytes: Uint8Array }[] = []
    for (const entry of entries) {
      const parts: Uint8Array[] = []
      await entry.read(part => void parts.push(copyBytes(part)))
      files.push({ name: entry.name, bytes: joinBytes(parts) })
    }
    return files
  })
}
