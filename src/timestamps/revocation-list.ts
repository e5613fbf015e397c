/**
 * Lists of revoked certificates (CRL, RFC 5280 §5). Entries are read one by one and not kept: the
 * list of a large authority has a hundred thousand of them.
 */
import { equalBytes, fromHex, toHex } from '../core/bytes.ts'
import { type AlgorithmId, readAlgorithm, readExtensions } from '../core/timestamp/certificate.ts'
import { contextTag, malformed, parseDer, readHead, TAG, timeOf, wholeBits } from '../core/timestamp/der.ts'

/** A list, whose signature nobody has checked yet. */
export type RevocationList = {
  /** The part that its issuer signed. */
  readonly signed: Uint8Array
  readonly algorithm: AlgorithmId
  readonly signature: Uint8Array
  /** The issuer's name, as in certificates. */
  readonly issuer: string
  /** Unix seconds; missing: the list does not end. */
  readonly nextUpdate?: number
  /** The extension that limits which certificates it covers; missing: all those of its issuer. */
  readonly scope?: Uint8Array
  /** Whether it lists a certificate with this serial number. Throws DerError. */
  names(serial: string): boolean
}

/** An element, without its content. */
type Part = { readonly tag: number; readonly start: number; readonly from: number; readonly to: number }

/** The extension that limits which certificates a list covers. */
const SCOPE = '2.5.29.28'
/**
 * Critical extensions that change nothing about an entry that is found. A list that names only
 * changes (2.5.29.27), or has one that we do not know, is not read.
 */
const KNOWN_CRITICAL = ['2.5.29.20', SCOPE, '2.5.29.35']
/** The most members that a SEQUENCE of a list may have: the part that is signed has seven. */
const MAX_MEMBERS = 8

/** Reads a list in DER. Throws DerError. */
export function parseRevocationList(bytes: Uint8Array): RevocationList {
  const file = membersIn(bytes, { from: 0, to: bytes.length })
  const outer = membersIn(bytes, file.need(TAG.sequence))
  file.end()
  const signed = outer.need(TAG.sequence)
  const [algorithm, signature] = [outer.read(TAG.sequence), outer.read(TAG.bitString)]
  outer.end()
  const body = membersIn(bytes, signed)
  body.take(TAG.integer)
  if (!equalBytes(body.read(TAG.sequence).whole, algorithm.whole)) throw malformed('a list names two algorithms')
  const issuer = toHex(body.read(TAG.sequence).whole)
  const takeTime = () => body.take(TAG.utcTime) ?? body.take(TAG.generalizedTime)
  if (takeTime() === undefined) throw malformed('a list has no date')
  const next = takeTime()
  const revoked = body.take(TAG.sequence)
  const tagged = body.take(contextTag(0))
  body.end()
  const extensions = readExtensions(tagged && parseDer(bytes.subarray(tagged.start, tagged.to)))
  if ([...extensions].some(([oid, { isCritical }]) => isCritical && !KNOWN_CRITICAL.includes(oid)))
    throw malformed('a list has a critical extension that is not known')
  const scope = extensions.get(SCOPE)?.value
  return {
    signed: bytes.subarray(signed.start, signed.to),
    algorithm: readAlgorithm(algorithm),
    signature: wholeBits(signature),
    issuer,
    ...(scope && { scope }),
    ...(next && { nextUpdate: timeOf(parseDer(bytes.subarray(next.start, next.to))) }),
    names(serial) {
      const wanted = fromHex(serial)
      for (const entry of revoked === undefined ? [] : partsOf(bytes, revoked.from, revoked.to)) {
        const { tag, from, to } = readHead(bytes, entry.from, entry.to)
        if (entry.tag !== TAG.sequence || tag !== TAG.integer) throw malformed('an entry of a list has no serial number')
        if (to - from === wanted.length && equalBytes(bytes.subarray(from, to), wanted)) return true
      }
      return false
    },
  }
}

function* partsOf(bytes: Uint8Array, start: number, end: number): Generator<Part> {
  for (let at = start; at < end; ) {
    const head = readHead(bytes, at, end)
    yield { ...head, start: at }
    at = head.to
  }
}

/** The members of a SEQUENCE, read one after the other. */
function membersIn(bytes: Uint8Array, { from, to }: Pick<Part, 'from' | 'to'>) {
  const parts: Part[] = []
  // A server may fill a list with millions of them.
  for (const part of partsOf(bytes, from, to)) if (parts.push(part) > MAX_MEMBERS) throw malformed('it has too many members')
  const take = (tag: number) => (parts[0]?.tag === tag ? parts.shift() : undefined)
  const need = (tag: number) => {
    const found = take(tag)
    if (found === undefined) throw malformed(`an element of type ${tag} is missing`)
    return found
  }
  return {
    take,
    need,
    /** With everything in it. */
    read(tag: number) {
      const found = need(tag)
      return parseDer(bytes.subarray(found.start, found.to))
    },
    end() {
      if (parts.length > 0) throw malformed('it has an unknown member')
    },
  }
}
