/**
 * Reads what a file states about itself. Server and browser share this reader, so that both read
 * the same. It only proposes members: the file is always hashed as it is. Readers that need
 * libraries are loaded when a file needs them.
 */
import { attempt } from '../core/attempt.ts'
import { decodeText } from '../core/encoding.ts'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { akomaNtosoKey, isAkomaNtoso, readAkomaNtoso } from './akoma-ntoso.ts'
import { readCmsBytes } from './cms-bytes.ts'
import { eformsKey, isEforms, readEforms } from './eforms.ts'
import { HEAD_BYTES, isJsonLines } from './file-kind.ts'
import { distinctNames, innerDocument, readInner } from './inner.ts'
import { readJsonRecord } from './json-record.ts'
import { isMail } from './mail-head.ts'
import { baseName, DocumentError, type DocumentReading, draftReading, MAX_READ_BYTES, NOTHING_STATED, TOO_LARGE } from './reading.ts'

/** A signed file may hold another signed file, but that one must not hold a third. */
const MAX_LAYERS = 2
const ZIP_LIMITS = { maxEntries: 10_000, maxUnpackedBytes: 512 * 1024 * 1024 }
const ASIC_TYPE = /^application\/vnd\.etsi\.asic-[es]\+zip/
const ASIC_NAME = /\.(?:asic[es]|sc[es]|bdoc|edoc|adoc)$/i
const PACKED_JSON = /\.(?:json|jsonl|ndjson)(?:\.gz)?$/i
const OFFICE_PART = /^(?:\[Content_Types\]\.xml|mimetype|META-INF\/.*)$/

/**
 * Reads a file by its content. Its name decides only if the content fits two formats. If a file
 * cannot be read, `refused` says why, and nothing is stated. Releases of OCDS are only recognised
 * here.
 */
export async function readDocument(name: string, bytes: Uint8Array): Promise<DocumentReading> {
  const reading = await readLayer(baseName(name), bytes, 0)
  return { ...reading, inner: distinctNames([baseName(name)], reading.inner) }
}

async function readLayer(name: string, bytes: Uint8Array, layer: number): Promise<DocumentReading> {
  try {
    if (bytes.length > MAX_READ_BYTES) return TOO_LARGE
    return await readByContent(name, bytes, layer)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return { ...NOTHING_STATED, refused: { code: error.code, detail: error.message } }
  }
}

async function readByContent(name: string, bytes: Uint8Array, layer: number): Promise<DocumentReading> {
  const head = bytes.subarray(0, HEAD_BYTES)
  if (head[0] === 0x1f && head[1] === 0x8b) return PACKED_JSON.test(name) ? recognised('ocds') : NOTHING_STATED
  if (head[0] === 0x50 && head[1] === 0x4b) return readArchive(name, bytes, layer)
  const first = firstCharacter(head)
  if (first === '<') return readXmlDocument(bytes)
  if (first === '{' || first === '[') return readJson(name, bytes)
  const cms = readCmsBytes(bytes)
  if (cms !== undefined) return readSigned(name, cms, layer)
  if (isMail(name, head)) return (await import('./mail.ts')).readMail(bytes)
  // Only its name says that it is JSON.
  return /\.json$/i.test(name) ? readJson(name, bytes) : NOTHING_STATED
}

async function readXmlDocument(bytes: Uint8Array): Promise<DocumentReading> {
  const { readXml } = await import('./xml.ts')
  const xml = readXml(bytes, path => eformsKey(path) ?? akomaNtosoKey(path))
  if (isEforms(xml)) return readEforms(xml)
  return isAkomaNtoso(xml) ? readAkomaNtoso(xml) : NOTHING_STATED
}

function readJson(name: string, bytes: Uint8Array): DocumentReading {
  const decoded = attempt(() => decodeText(bytes))
  const isNamed = PACKED_JSON.test(name)
  // A text that begins with a bracket need not be JSON, if its name says otherwise.
  if (decoded.error) return isNamed ? refuse(decoded.error) : NOTHING_STATED
  const text = decoded.value
  if (isJsonLines(text))
    return isOcds(parseJson(text.trimStart().split('\n', 1)[0] ?? '', { allowNull: true })) ? recognised('ocds') : NOTHING_STATED
  const { value, error } = attempt(() => parseJson(text, { allowNull: true }))
  if (error) return error.code === 'JSON_MALFORMED' && !isNamed ? NOTHING_STATED : refuse(error)
  return isOcds(value) ? recognised('ocds') : (readJsonRecord(value) ?? NOTHING_STATED)
}

/** Members with these names are found elsewhere too. */
function isOcds(value: Json): boolean {
  if (Array.isArray(value)) return value[0] !== undefined && isOcds(value[0])
  if (!isJsonObject(value)) return false
  if (typeof value.ocid === 'string') return true
  const list = value.releases ?? value.records
  if (!Array.isArray(list)) return false
  const [first] = list as readonly Json[]
  return first === undefined ? typeof value.publishedDate === 'string' : isJsonObject(first) && 'ocid' in first
}

async function readArchive(name: string, bytes: Uint8Array, layer: number): Promise<DocumentReading> {
  const { withZip } = await import('./zip.ts')
  return withZip(new Blob([bytes as BlobPart]), ZIP_LIMITS, async entries => {
    const mimetype = entries.find(entry => entry.name === 'mimetype')
    let type = ''
    await mimetype?.read(part => {
      if (type.length < HEAD_BYTES) type += String.fromCharCode(...part.subarray(0, HEAD_BYTES))
    })
    if (!ASIC_TYPE.test(type) && !(mimetype === undefined && ASIC_NAME.test(name))) {
      const isData = entries.some(entry => PACKED_JSON.test(entry.name)) && !entries.some(entry => OFFICE_PART.test(entry.name))
      return isData ? recognised('ocds') : NOTHING_STATED
    }
    const draft = draftReading('asice')
    const documents = entries.filter(entry => !OFFICE_PART.test(entry.name))
    let only: Uint8Array | undefined
    for (const [at, entry] of documents.entries()) {
      const { document, bytes } = await readInner(entry, at)
      draft.inner(document)
      if (documents.length === 1) only = bytes
    }
    if (documents.length === 0) draft.remark('INNER_DETACHED')
    return only === undefined ? draft.finish() : within(draft.finish(), await readLayer(documents[0]!.name, only, layer + 1), layer)
  })
}

async function readSigned(name: string, bytes: Uint8Array, layer: number): Promise<DocumentReading> {
  const draft = draftReading('cms')
  const { readCms } = await import('./cms.ts')
  const signed = readCms(bytes)
  if ('missing' in signed) {
    draft.remark(signed.missing === 'detached' ? 'INNER_DETACHED' : 'INNER_ENCRYPTED')
    return draft.finish()
  }
  const inside = name.replace(/\.p7[mcs]$/i, '')
  const innerName = inside === name ? 'document' : inside
  draft.inner(innerDocument(innerName, 0, signed.content))
  return within(draft.finish(), await readLayer(innerName, signed.content, layer + 1), layer)
}

/** A container with one document states what that document states. */
function within(outer: DocumentReading, inner: DocumentReading, layer: number): DocumentReading {
  if (layer >= MAX_LAYERS) throw new DocumentError('DOCUMENT_TOO_DEEP', `signed files are nested more than ${MAX_LAYERS} deep`)
  const name = outer.inner[0]?.name ?? ''
  const { members, stated, agencyHint, remarks } = inner
  return {
    ...outer,
    members,
    stated: stated.map(each => ({ ...each, at: each.at === undefined ? name : `${name}: ${each.at}` })),
    inner: [...outer.inner, ...inner.inner],
    remarks: [...outer.remarks, ...remarks],
    ...(agencyHint !== undefined && { agencyHint }),
    ...(inner.refused?.code.endsWith('_TOO_DEEP') && { refused: inner.refused }),
  }
}

function recognised(format: NonNullable<DocumentReading['format']>): DocumentReading {
  return { ...NOTHING_STATED, format }
}

function refuse({ code, message }: OpenSealError): DocumentReading {
  return { ...NOTHING_STATED, refused: { code, detail: message } }
}

/** The first character that is not white space, a byte order mark or a zero of UTF-16. */
function firstCharacter(head: Uint8Array): string {
  const byte = head.find(each => ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf, 0xff, 0xfe, 0x00].includes(each))
  return byte === undefined ? '' : String.fromCharCode(byte)
}
