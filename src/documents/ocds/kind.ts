/** Names the kind of a file that is not accepted as OCDS, with what to do. */
import { concatBytes } from '../../core/bytes.ts'
import { type FileKind, HEAD_BYTES, kindOfHead } from '../file-kind.ts'
import { OcdsError } from './error.ts'

const WHAT: { readonly [kind in FileKind]?: string } = {
  gzip: 'this is a gzip archive inside another one. Unpack it, and submit the file in it.',
  zip: 'this is a ZIP archive inside another one. Unpack it, and submit the files in it.',
  spreadsheet: 'this is a spreadsheet. Submit the JSON that it was made from, or submit it without --ocds.',
  encoding:
    'this text is not plain UTF-8: it begins with a byte order mark, or is UTF-16. Save it as UTF-8 without one, or submit it without --ocds.',
}

/**
 * Watches the beginning of a file. `explain` replaces a scanner's error by a better reason, if
 * there is one.
 */
export function explainKind() {
  let head: Uint8Array = new Uint8Array(0)
  return {
    push(chunk: Uint8Array): void {
      if (head.length < HEAD_BYTES) head = concatBytes(head, chunk.subarray(0, HEAD_BYTES - head.length))
    },
    explain(error: unknown): unknown {
      if (!(error instanceof OcdsError)) return error
      const kind = kindOfHead(head)
      const what = kind && WHAT[kind]
      return what === undefined ? error : new OcdsError('OCDS_KIND', what, { cause: error })
    },
  }
}
