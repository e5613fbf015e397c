/** Names the kind of a file that is not accepted as OCDS, with what to do. */
import { type FileKind, HEAD_BYTES, isJsonLines, kindOfHead } from '../../documents/file-kind.ts'
import { OcdsError } from '../../documents/ocds/error.ts'

const WHAT: { readonly [kind in FileKind]?: string } = {
  gzip: 'this is a gzip archive. Unpack it, and submit the file in it.',
  zip: 'this is a ZIP archive. Unpack it, and submit the files in it.',
  spreadsheet: 'this is a spreadsheet. Submit the JSON that it was made from, or submit it without --ocds.',
  encoding:
    'this text is not plain UTF-8: it begins with a byte order mark, or is UTF-16. Save it as UTF-8 without one, or submit it without --ocds.',
  'json-lines': 'this is JSON lines, one JSON text a line. Make a release package of them, or one file of each.',
  'json-list': 'this is a JSON list. A release package, a record package or one release is expected.',
  oc4ids: 'these are infrastructure projects (OC4IDS), not releases of OCDS. Submit the file without --ocds.',
}

/**
 * Watches the beginning of a file. `explain` replaces a scanner's error by a better reason, if
 * there is one.
 */
export function createKindCheck() {
  let head: Buffer = Buffer.alloc(0)
  return {
    push(chunk: Buffer): void {
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)])
    },
    explain(error: unknown): unknown {
      if (!(error instanceof OcdsError)) return error
      const text = head.toString('utf8')
      const kind = kindOfHead(head) ?? (isJsonLines(text) ? 'json-lines' : kindOfText(text))
      const what = kind && WHAT[kind]
      return what === undefined ? error : new OcdsError('OCDS_KIND', what, { cause: error })
    },
  }
}

/** Decides by its beginning alone: a file may be larger than memory. */
function kindOfText(text: string): FileKind | undefined {
  if (/^\s*\[/.test(text)) return 'json-list'
  return /"projects"\s*:\s*\[|"id"\s*:\s*"oc4ids-/.test(text) ? 'oc4ids' : undefined
}
