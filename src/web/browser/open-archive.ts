/** Looks into an archive on this device. */
import { OWN_DEVICE, readArchive } from '../../verifier/app/archive.ts'
import type { Unpacked } from '../../verifier/index.ts'

/** Looks into an archive of this name. `onProgress` gets 0 to 1. */
export type OpenArchive = (name: string, blob: Blob, onProgress: (part: number) => void) => Promise<Unpacked>

/** Rejects with a ZipError if it cannot be trusted. */
export const openArchive: OpenArchive = (name, blob, onProgress) => readArchive(name, blob, OWN_DEVICE, onProgress)
