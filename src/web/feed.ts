/**
 * Feeds of all records, an agency's, and changes: Atom (RFC 4287) with pages (RFC 5005 §3), and the
 * same as JSON Feed 1.1.
 */
import type { Statement } from '../core/statements/statement.ts'
import { formatTime } from '../core/time.ts'
import { visibleJson } from '../core/visible.ts'
import { html } from '../html.ts'
import { isolate, type Say, sayTime } from '../messages/say.ts'
import { clip } from './content.ts'
import type { Entry } from './records.ts'
import { vouchKey } from './vouching.ts'

/**
 * An entry with the time at which the ledger accepted it, and the ledger's date: the chain's, once
 * the chain vouches for it.
 */
export type FeedEntry = Entry & { readonly sealedMs: number; readonly ledgerMs: number }

/** One page of a feed. */
export type Feed = {
  readonly title: string
  /**
   * Stays the same forever, wherever the ledger is served: the ids of feeds and entries begin with
   * it.
   */
  readonly tag: string
  /** The site's absolute address, and the feed's path without the query. */
  readonly siteUrl: string
  readonly path: string
  readonly origin: string
  readonly base: string
  readonly before: number | undefined
  /** Where the next page begins, if there is one. */
  readonly older: number | undefined
  readonly updatedMs: number
  /** How many of the newest entries the finder has not read yet. */
  readonly behind: number
  /** Whether more than one chain alone vouches for this ledger. */
  readonly byOthers?: boolean | undefined
  readonly entries: readonly FeedEntry[]
}

/**
 * The feed as XML. An entry's `published` is when the ledger accepted it, and `updated` is the
 * ledger's date. The agency's own date is only in the text, because feed readers sort by the
 * others.
 */
export function renderFeed(say: Say, feed: Feed): string {
  const { title, tag, siteUrl, path, origin, base, before, older, updatedMs, behind, entries } = feed
  const self = `${siteUrl}${path}`
  return html`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="${say.lang}">
<title>${title}</title>
${
  behind > 0 &&
  html`<subtitle>${say('changes.behind', { count: behind })}</subtitle>
`
}<id>${tag}${path}</id>
<updated>${formatTime(updatedMs)}</updated>
<author><name>${origin}</name></author>
<link rel="self" type="application/atom+xml" href="${self}${before !== undefined && `?before=${before}`}"/>
<link rel="alternate" type="text/html" href="${siteUrl}${base}/"/>
<link rel="first" type="application/atom+xml" href="${self}"/>
${older !== undefined && html`<link rel="next" type="application/atom+xml" href="${self}?before=${older}"/>`}
${entries.map(entry => renderEntry(say, feed, entry))}</feed>
`.safe
}

function renderEntry(say: Say, feed: Feed, entry: FeedEntry) {
  const { tag, siteUrl, base } = feed
  const { index, statement, sealedMs, ledgerMs } = entry
  if (statement === undefined) return undefined
  const { language, agency, action } = statement
  return html`<entry>
<id>${tag}/records/${index}</id>
<title${language && html` xml:lang="${language}"`}>${nameOf(statement)}</title>
<updated>${formatTime(ledgerMs)}</updated>
<published>${formatTime(sealedMs)}</published>
<author><name>${entry.agencyName ?? agency}</name><uri>${siteUrl}${base}/agencies/${encodeURIComponent(agency)}</uri></author>
<link rel="alternate" type="text/html" href="${siteUrl}${base}/records/${index}"/>
<category term="${action}" label="${say(`action.${action}`)}"/>
${entry.state.isSilentEdit === true && html`<category term="silent-edit" label="${say('changes.silent-edit')}"/>`}
<summary>${summarize(say, feed, entry, statement)}</summary>
</entry>
`
}

/** The feed as JSON Feed 1.1, with the ids, dates and texts of the Atom feed. */
export function renderJsonFeed(say: Say, feed: Feed): string {
  const { title, tag, siteUrl, path, origin, base, before, older, behind, entries } = feed
  const self = `${siteUrl}${path}`
  return visibleJson(
    JSON.stringify({
      version: 'https://jsonfeed.org/version/1.1',
      title,
      ...(behind > 0 && { description: say('changes.behind', { count: behind }) }),
      home_page_url: `${siteUrl}${base}/`,
      feed_url: before === undefined ? self : `${self}?before=${before}`,
      ...(older !== undefined && { next_url: `${self}?before=${older}` }),
      language: say.lang,
      authors: [{ name: origin }],
      items: entries.flatMap(entry => {
        const { index, statement, sealedMs, ledgerMs, state } = entry
        if (statement === undefined) return []
        const { language, agency, action } = statement
        return {
          id: `${tag}/records/${index}`,
          url: `${siteUrl}${base}/records/${index}`,
          title: nameOf(statement),
          content_text: summarize(say, feed, entry, statement),
          date_published: formatTime(sealedMs),
          date_modified: formatTime(ledgerMs),
          authors: [{ name: entry.agencyName ?? agency, url: `${siteUrl}${base}/agencies/${encodeURIComponent(agency)}` }],
          tags: [action, ...(state.isSilentEdit === true ? ['silent-edit'] : [])],
          ...(language !== undefined && { language }),
        }
      }),
    }),
  )
}

function nameOf({ title, record }: Statement): string {
  return clip(title === undefined || title.trim() === '' ? record : title, MAX_TITLE)
}

/** One line: the entry, the ledger's date, the agency's date, and what became of it. */
function summarize(say: Say, feed: Feed, entry: FeedEntry, { action, record, published }: Statement): string {
  const { index, state, dates, sealedMs } = entry
  const { withdrawn, superseded, edited, isSilentEdit } = state
  const by = (sentence: string, other: number | undefined) => other !== undefined && `${sentence}: ${say('record.entry', { index: other })}`
  const { anchored } = dates
  const ledgerDate = anchored
    ? say(anchored.isEvidence ? 'date.anchored' : 'date.test', { date: sayTime(say, anchored.time) })
    : say('date.accepted', { date: sayTime(say, sealedMs) })
  const sentences = [
    `${say('record.entry', { index })}: ${say(isSilentEdit === true ? 'flag.silent-edit' : `action.${action}`)}`,
    isolate(record),
    ledgerDate,
    published !== undefined && say('date.agency', { date: sayTime(say, published) }),
    by(say('state.withdrawn'), withdrawn),
    by(say('state.superseded'), superseded),
    edited === true && isSilentEdit !== true && say('state.edited'),
    anchored === undefined && say(vouchKey('state.waiting', feed)),
  ]
  return sentences
    .filter(sentence => sentence !== false)
    .map(sentence => `${sentence}.`)
    .join(' ')
}

/** The ledger's part of a tag URI (RFC 4151): its origin, and the day on which it began. */
export function tagOf(origin: string, bornMs: number): string {
  const [host = '', ...rest] = origin.split('/')
  const authority = /^[a-z0-9.-]+$/i.test(host) ? host.toLowerCase() : 'ledger.invalid'
  const specific = authority === 'ledger.invalid' ? [host, ...rest] : rest
  return `tag:${authority},${formatTime(bornMs).slice(0, 10)}:${specific.map(encodeURIComponent).join('/')}`
}

const MAX_TITLE = 500
