/** A ZIP archive of receipts, as a page or a mail hands them out. */
import { copyBytes, joinBytes } from '../../core/bytes.ts'
import { withZip, type ZipEntry } from '../../documents/zip.ts'

/** A file in an archive. */
export type ZippedFile = { readonly name: string; readonly bytes: Uint8Array }

const LIMITS = { maxEntries: 10_000, maxUnpackedBytes: 64 * 1024 * 1024 }
const RECEIPTS = /\.receipts?\.(?:json|ndjson)$/i

/**
 * The files of an archive that contains only receipts, by name; undefined for any other archive.
 * Throws ZipError.
 */
export function readReceiptZip(bytes: Uint8Array): Promise<readonly ZippedFile[] | undefined> {
  return withZip(new Blob([bytes as BlobPart]), LIMITS, async entries => {
    if (entries.length === 0 || !entries.every(({ name }) => RECEIPTS.test(name))) return undefined
    const files: ZippedFile[] = []
    for (const entry of entries) files.push({ name: entry.name, bytes: await readEntry(entry) })
    return files
  })
}

async function readEntry(entry: ZipEntry): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  await entry.read(part => void parts.push(copyBytes(part)))
  return joinBytes(parts)
}
