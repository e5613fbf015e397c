/**
 * Reads XML as a stream of elements. A document type declaration is refused, so there are no
 * entities and nothing is fetched from elsewhere.
 */
import { SaxesParser } from 'saxes'
import { DocumentError } from './reading.ts'

/** An element with the text that is directly in it. Attributes are by their local names. */
export type XmlElement = {
  /** The place in the document, with the prefixes that it uses. */
  readonly at: string
  readonly text: string
  readonly attributes: ReadonlyMap<string, string>
}

/** The root element, and the wanted elements by their keys. */
export type XmlReading = {
  readonly root: { readonly name: string; readonly uri: string }
  /** The wanted elements of a key, in the document's order. */
  all(key: string): readonly XmlElement[]
  first(key: string): XmlElement | undefined
}

/** The time to read grows with the square of the depth. */
const MAX_DEPTH = 256
/** Each element is looked up by the names of all around it. */
const MAX_PLACE_CHARACTERS = 8192
const MAX_ATTRIBUTES = 1000
const MAX_TEXT_CHARACTERS = 1024 * 1024
const MAX_FOUND = 10_000
/** A CDATA section costs the parser much more than other text. */
const MAX_CDATA = 100_000
const CHUNK_CHARACTERS = 64 * 1024

type Open = {
  readonly at: string
  readonly path: string
  readonly key: string | undefined
  text: string
  readonly attributes: Map<string, string>
}

/**
 * Reads a document. `wanted` gets the local names below the root, such as `cac:Party/cbc:ID` as
 * `Party/ID`, and returns the key of an element to keep. Throws DocumentError.
 */
export function readXml(bytes: Uint8Array, wanted: (path: string) => string | undefined): XmlReading {
  const found = new Map<string, XmlElement[]>()
  const open: Open[] = []
  let root: XmlReading['root'] | undefined
  let attributes = 0
  let count = 0
  let cdata = 0
  const parser = new SaxesParser({ xmlns: true, position: false })
  parser.on('error', error => {
    throw new DocumentError('XML_MALFORMED', `the XML is not well-formed: ${error.message.slice(0, 200)}`, { cause: error })
  })
  parser.on('doctype', () => {
    throw new DocumentError('XML_DOCTYPE', 'the XML has a document type declaration, which is not read')
  })
  parser.on('opentagstart', () => {
    attributes = 0
    if (open.length >= MAX_DEPTH) throw new DocumentError('XML_TOO_DEEP', `the XML is nested deeper than ${MAX_DEPTH} elements`)
  })
  parser.on('attribute', ({ value }) => {
    if (++attributes > MAX_ATTRIBUTES) throw tooLarge(`an element has more than ${MAX_ATTRIBUTES} attributes`)
    checkText(value)
  })
  parser.on('opentag', ({ name, local, uri, attributes: given }) => {
    const outer = open.at(-1)
    root ??= { name: local, uri }
    const path = outer === undefined ? '' : outer.path === '' ? local : `${outer.path}/${local}`
    const at = `${outer?.at ?? ''}/${name}`
    if (at.length > MAX_PLACE_CHARACTERS)
      throw tooLarge(`the names of an element and of those around it have more than ${MAX_PLACE_CHARACTERS} characters`)
    const key = path === '' ? undefined : wanted(path)
    const kept = new Map<string, string>()
    if (key !== undefined) for (const attribute of Object.values(given)) kept.set(attribute.local, attribute.value)
    open.push({ at, path, key, text: '', attributes: kept })
  })
  const take = (text: string) => {
    checkText(text)
    const top = open.at(-1)
    if (top?.key === undefined) return
    top.text += text
    if (top.text.length > MAX_TEXT_CHARACTERS) checkText(top.text)
  }
  parser.on('text', take)
  parser.on('cdata', text => {
    if (++cdata > MAX_CDATA) throw tooLarge(`the XML has more than ${MAX_CDATA} CDATA sections`)
    take(text)
  })
  parser.on('closetag', () => {
    const { key, at, text, attributes } = open.pop()!
    if (key === undefined) return
    if (++count > MAX_FOUND) throw tooLarge(`the XML has more than ${MAX_FOUND} ids, dates and titles`)
    const list = found.get(key)
    const element = { at, text: text.trim(), attributes }
    if (list === undefined) found.set(key, [element])
    else list.push(element)
  })
  feed(parser, decodeXml(bytes))
  const all = (key: string) => found.get(key) ?? []
  return { root: root!, all, first: key => all(key)[0] }
}

function feed(parser: SaxesParser<{ xmlns: true; position: false }>, text: string): void {
  for (let at = 0; at < text.length; at += CHUNK_CHARACTERS) parser.write(text.slice(at, at + CHUNK_CHARACTERS))
  parser.close()
}

function checkText(text: string): void {
  if (text.length > MAX_TEXT_CHARACTERS) throw tooLarge(`the XML has a text of more than ${MAX_TEXT_CHARACTERS} characters`)
  if (!text.isWellFormed()) throw new DocumentError('XML_MALFORMED', 'the XML has half of a surrogate pair')
}

/** The text, by its byte order mark or by the encoding that it declares. */
function decodeXml(bytes: Uint8Array): string {
  const label = encodingOf(bytes)
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(label, { fatal: true })
  } catch (cause) {
    throw new DocumentError('XML_ENCODING', `the XML is in an unknown encoding: ${label.slice(0, 40)}`, { cause })
  }
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new DocumentError('XML_ENCODING', `the XML is not in the encoding that it says, ${label.slice(0, 40)}`, { cause })
  }
}

function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xef && second === 0xbb) return 'utf-8'
  if (first === 0x3c && second === 0) return 'utf-16le'
  if (first === 0 && second === 0x3c) return 'utf-16be'
  const head = String.fromCharCode(...bytes.subarray(0, 200))
  return /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']+)["']/.exec(head)?.[1] ?? 'utf-8'
}

function tooLarge(detail: string): DocumentError {
  return new DocumentError('XML_TOO_LARGE', detail)
}
