/** Atom feeds (RFC 4287): all records, those of an agency, silent edits and withdrawals. */

import type { Say } from '../messages/say.ts'
import { html } from './html.ts'
import type { Entry } from './records.ts'

/** What one feed holds. `flag` marks an entry, in words. */
export type Feed = {
  readonly title: string
  /** Absolute address of the site, and the path of the feed itself. */
  readonly siteUrl: string
  readonly path: string
  readonly origin: string
  readonly base: string
  readonly entries: readonly (Entry & { readonly flag?: string })[]
}

/** The feed as XML. Times are those that the agencies state: the ledger keeps no other for a statement. */
export function renderFeed(say: Say, { title, siteUrl, path, origin, base, entries }: Feed): string {
  const stated = entries.filter(entry => entry.statement !== undefined)
  const updated =
    stated
      .map(entry => entry.statement?.published ?? '')
      .sort()
      .at(-1) ?? '1970-01-01T00:00:00Z'
  return html`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="${say.lang}">
<title>${title}</title>
<id>${siteUrl}${path}</id>
<updated>${updated}</updated>
<author><name>${origin}</name></author>
<link rel="self" type="application/atom+xml" href="${siteUrl}${path}"/>
<link rel="alternate" type="text/html" href="${siteUrl}${base}/records"/>
${stated.map(
  ({ index, statement, flag }) =>
    statement &&
    html`<entry>
<id>${siteUrl}/records/${index}</id>
<title${statement.language && html` xml:lang="${statement.language}"`}>${statement.title ?? statement.record}</title>
<updated>${statement.published}</updated>
<author><name>${statement.agency}</name></author>
<link rel="alternate" type="text/html" href="${siteUrl}${base}/records/${index}"/>
<category term="${statement.action}" label="${say(`action.${statement.action}`)}"/>
<summary>${say('record.entry', { index })}: ${flag ?? say(`action.${statement.action}`)}. ${statement.record}</summary>
</entry>
`,
)}</feed>
`.safe
}
