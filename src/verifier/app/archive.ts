/**
 * Looks into a ZIP archive of files and receipts, as a source or a ledger hands them out. Files are
 * hashed while they are unpacked, and parts that are not checked are named.
 */
import { attemptAsync } from '../../core/attempt.ts'
import { withZip, type ZipEntry } from '../../documents/zip.ts'
import { createFileReader, type FileReaderOptions } from './file-reader.ts'
import { type GivenFile, type GivenReceipt, recognize, type Unpacked, type Unread } from './given.ts'
import { openReport } from './opened-report.ts'

/** Bounds of one archive: its files, all that they unpack to, and the releases in all of them. */
export type ArchiveLimits = {
  readonly maxEntries: number
  readonly maxUnpackedBytes: number
  readonly maxReleases: number
  /** JSON up to this size is held in memory, one file at a time. */
  readonly maxJsonBytes?: number
}

/** For a reader's own device: as many files as a folder, each with its receipt. */
export const OWN_DEVICE: ArchiveLimits = {
  maxEntries: 20_000,
  maxUnpackedBytes: 4 * 1024 * 1024 * 1024,
  maxReleases: 250_000,
}

const RECEIPTS = /\.receipts?\.(?:json|ndjson)$/i
/** Files that file managers add, and files that people do not see. */
const HIDDEN = /(?:^|\/)(?:__MACOSX|\.[^/]*|Thumbs\.db|desktop\.ini)(?:\/|$)/i

/** Reads an archive of this name. `onProgress` gets 0 to 1. Throws ZipError if it cannot be trusted. */
export async function readArchive(
  name: string,
  blob: Blob,
  { maxReleases, maxJsonBytes, ...limits }: ArchiveLimits = OWN_DEVICE,
  onProgress: (part: number) => void = () => {},
): Promise<Unpacked> {
  return withZip(blob, limits, async entries => {
    // Receipts alone are for files elsewhere, whose folders are not those of the archive.
    const isOfReceipts = entries.every(entry => RECEIPTS.test(entry.name) || HIDDEN.test(entry.name))
    const unpacked: { files: GivenFile[]; receipts: GivenReceipt[]; unread: Unread[] } = { files: [], receipts: [], unread: [] }
    let releasesLeft = maxReleases
    for (const [at, entry] of entries.entries()) {
      const path = `${name}/${entry.name}`
      onProgress(at / entries.length)
      const why = HIDDEN.test(entry.name) ? 'hidden' : entry.isEncrypted ? 'encrypted' : undefined
      if (why !== undefined) {
        unpacked.unread.push({ name: path, why })
        continue
      }
      const options = { maxReleases: releasesLeft, maxZipBytes: 0, ...(maxJsonBytes !== undefined && { maxJsonBytes }) }
      const { value: read, error } = await attemptAsync(() => readEntry(entry, options))
      if (error) {
        unpacked.unread.push({ name: path, why: error.code === 'ZIP_TOO_LARGE' ? 'large' : 'damaged' })
        continue
      }
      releasesLeft -= read.releases.length
      const given = recognize(isOfReceipts ? (entry.name.split('/').at(-1) ?? entry.name) : path, read)
      if (given.kind === 'report') {
        // Its own policy is not used: the sender of the archive has chosen it.
        const { files, receipts } = openReport(path, given.data)
        unpacked.files.push(...files)
        unpacked.receipts.push(...receipts)
        unpacked.unread.push({ name: path, why: 'policy' })
      } else if (given.kind === 'file') unpacked.files.push(given.file)
      else if (given.kind === 'policy') unpacked.unread.push({ name: path, why: 'policy' })
      else
        unpacked.receipts.push(
          ...given.receipts.map(receipt => ({ ...receipt, isInside: true, ...(isOfReceipts && { name: `${name}/${receipt.name}` }) })),
        )
      if (given.kind === 'file' && given.file.read.kind === 'zip') unpacked.unread.push({ name: path, why: 'nested' })
    }
    return unpacked
  })
}

async function readEntry(entry: ZipEntry, options: FileReaderOptions) {
  const reader = createFileReader(options)
  await entry.read(part => reader.update(part))
  return reader.finish()
}
