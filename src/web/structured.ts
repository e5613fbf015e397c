/**
 * The ledger and its records in the words of schema.org, for search engines and catalogues of data.
 * It says nothing that the pages do not say.
 */
import type { Statement } from '../core/statements/statement.ts'
import { formatTime } from '../core/time.ts'
import { TILE_WIDTH } from '../core/tlog/tile.ts'
import type { Say } from '../messages/say.ts'
import { clip } from './content.ts'
import type { SiteAgency, ToldChange } from './deps.ts'
import type { Frame } from './layout.ts'
import type { RecordFacts } from './pages/facts.ts'
import { whyUnchecked } from './pages/state.ts'

/** The most documents here. The receipt has all of them. */
const MAX_DOCUMENTS = 20
const MAX_TEXT = 500

/** The later changes of a version, as far as they were read. */
type Became = Pick<RecordFacts, 'state' | 'changes' | 'partial'>

/** The ledger, as far as the frame knows it. */
type Known = Pick<Frame, 'say' | 'siteUrl' | 'origin' | 'operator'>

/** The ledger as a `Dataset`, with the ways to get all of it. `size` is its number of entries. */
export function ledgerData({ say, siteUrl = '', origin, operator }: Known, size: number): { readonly [name: string]: unknown } {
  const offers = [
    ['/v1/records', 'application/json'],
    ['/checkpoint', 'text/plain'],
    ...(size < TILE_WIDTH ? [] : [['/tile/entries/000', 'application/octet-stream'] as const]),
    ['/feed.atom', 'application/atom+xml'],
    ['/feed.json', 'application/feed+json'],
  ] as const
  return {
    '@type': 'Dataset',
    '@id': idOf(siteUrl),
    name: `${say('site.name')}: ${origin}`,
    description: `${say('site.tagline')}. ${say('home.lead')}`,
    url: `${siteUrl}/`,
    identifier: origin,
    isAccessibleForFree: true,
    ...(operator?.name !== undefined && { publisher: { '@type': 'Organization', name: operator.name } }),
    distribution: offers.map(([path, encodingFormat]) => ({
      '@type': 'DataDownload',
      contentUrl: `${siteUrl}${path}`,
      encodingFormat,
    })),
  }
}

/** A record as a `CreativeWork` of its agency. Its state is part of it, so that no copy hides it. */
export function recordData(
  frame: Known,
  data: {
    readonly index: number
    readonly statement: Statement
    readonly agency: SiteAgency | undefined
    readonly sealedMs: number | undefined
  } & Became,
): { readonly [name: string]: unknown } {
  const { say, siteUrl = '' } = frame
  const { index, statement, agency, sealedMs } = data
  const { title, record, revision, identifiers = [], language, published, documents } = statement
  const numbers = [{ scheme: 'record', value: record }, ...identifiers].slice(0, MAX_DOCUMENTS)
  return {
    '@type': 'CreativeWork',
    '@id': `${siteUrl}/records/${index}`,
    url: `${siteUrl}/records/${index}`,
    name: clip(title === undefined || title.trim() === '' ? record : title, MAX_TEXT),
    identifier: numbers.map(({ scheme, value }) => ({ '@type': 'PropertyValue', propertyID: scheme, value })),
    ...(revision !== undefined && { version: revision }),
    ...(language !== undefined && { inLanguage: language }),
    genre: say(`kind.${statement.kind}`),
    creativeWorkStatus: becameOf(say, data).join('; ') || say(`action.${statement.action}`),
    ...(published !== undefined && { datePublished: published }),
    ...(sealedMs !== undefined && { dateModified: formatTime(sealedMs) }),
    publisher: {
      '@type': 'Organization',
      name: agency?.name ?? statement.agency,
      identifier: statement.agency,
      url: `${siteUrl}/agencies/${encodeURIComponent(statement.agency)}`,
    },
    isPartOf: { '@id': idOf(siteUrl) },
    encoding: documents.slice(0, MAX_DOCUMENTS).map(({ name, mediaType, bytes, sha256 }) => ({
      '@type': 'MediaObject',
      name: clip(name, MAX_TEXT),
      encodingFormat: mediaType,
      contentSize: `${bytes} B`,
      sha256,
    })),
  }
}

/** One line on a record: its agency, its kind, its version and its later changes. */
export function describeRecord(say: Say, { agency, kind, action, record }: Statement, name: string, became: Became, date: string): string {
  const parts = [`${name} (${agency})`, say(`kind.${kind}`), say(`action.${action}`), record].join(' · ')
  return [parts, date, ...becameOf(say, became)].map(sentence => sentence.replace(/(?<!\.)$/, '.')).join(' ')
}

/**
 * Words about the later changes. A change by an erased statement is only called unchecked, as
 * the page and a check call it.
 */
function becameOf(say: Say, { state, changes, partial }: Became): string[] {
  const { withdrawn, superseded, edited, isSilentEdit } = state
  const unchecked = whyUnchecked({ changes, ...(partial && { partial }) })
  const isErased = (what: ToldChange['what']) => {
    const all = changes.filter(change => change.what === what)
    return all.length > 0 && all.every(change => change.erased !== undefined)
  }
  const is = {
    withdrawn: withdrawn !== undefined,
    superseded: superseded !== undefined,
    edited: edited === true || isSilentEdit === true,
  }
  return [
    ...(unchecked === undefined ? [] : [`${say('mark.unchecked')}: ${say(`verdict.unchecked.${unchecked}`)}`]),
    ...(['withdrawn', 'superseded', 'edited'] as const).flatMap(what => (is[what] && !isErased(what) ? [say(`state.${what}`)] : [])),
  ]
}

function idOf(siteUrl: string): string {
  return `${siteUrl}/#ledger`
}
