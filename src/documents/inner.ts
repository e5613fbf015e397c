/** The documents inside of a file: their names and digests, as a statement lists them. */
import { createSha256 } from '#sha256'
import { copyBytes, joinBytes, toHex } from '../core/bytes.ts'
import { digestsOf } from './digest.ts'
import { mediaTypeOf } from './media-type.ts'
import { type InnerDocument, isFitId, MAX_READ_BYTES } from './reading.ts'
import type { ZipEntry } from './zip.ts'

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/

/** An inner document of this content, the `at`th of its container. */
export function innerDocument(name: string, at: number, bytes: Uint8Array, mediaType?: string): InnerDocument {
  const { jcsReason: _, ...digest } = digestsOf(bytes)
  return { ...named(name, at, mediaType), ...digest }
}

/**
 * Reads an entry of an archive. `bytes` is its content, if it is small enough to be read further.
 */
export async function readInner(entry: ZipEntry, at: number): Promise<{ document: InnerDocument; bytes?: Uint8Array }> {
  const hash = createSha256()
  let parts: Uint8Array[] | undefined = []
  let size = 0
  await entry.read(part => {
    hash.update(part)
    size += part.length
    if (size > MAX_READ_BYTES) parts = undefined
    parts?.push(copyBytes(part))
  })
  if (parts === undefined) return { document: { ...named(entry.name, at), bytes: size, sha256: toHex(hash.digest()) } }
  const bytes = joinBytes(parts)
  return { document: innerDocument(entry.name, at, bytes), bytes }
}

/**
 * Gives each document a name of its own, because a statement matches documents by their names. The
 * first of several with one name keeps it, and files come before what is in them.
 */
export function distinctNames(own: readonly string[], inner: readonly InnerDocument[]): readonly InnerDocument[] {
  const taken = new Set(own.map(name => name.normalize('NFC')))
  return inner.map(document => {
    let { name } = document
    for (let number = 2; taken.has(name); number++) name = `${number}-${document.name}`
    taken.add(name)
    return { ...document, name }
  })
}

function named(name: string, at: number, mediaType = ''): Pick<InnerDocument, 'name' | 'mediaType'> {
  const normal = name.normalize('NFC')
  const fit = isFitId(normal) ? normal : `document-${at + 1}`
  return { name: fit, mediaType: MEDIA_TYPE.test(mediaType) ? mediaType : mediaTypeOf(fit) }
}
