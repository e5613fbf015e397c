/** The routes of the feeds: Atom, and the same as JSON Feed under `.json`. */
import type Router from '@koa/router'
import type { Context, Next } from 'koa'
import { isolate } from '../messages/say.ts'
import type { SiteChangeKind, SiteDeps } from './deps.ts'
import { type Feed, type FeedEntry, renderFeed, renderJsonFeed, tagOf } from './feed.ts'
import { frameOf, readCursor, sendText } from './frame.ts'
import type { Frame } from './layout.ts'
import { CHANGE_KINDS } from './pages/changes.ts'
import { countBehind, findAgency, newestIndexes, pageOf, readEntries } from './records.ts'

type Content = Pick<Feed, 'title' | 'older'> & { readonly indexes: readonly number[] }

const LENGTH = 50
const FORMS = [
  ['.atom', 'application/atom+xml', renderFeed],
  ['.json', 'application/feed+json', renderJsonFeed],
] as const
const WATCHED: readonly SiteChangeKind[] = ['silent-edit', 'withdraw']

/**
 * Adds the feeds of all records, of an agency, of silent edits and withdrawals, and of all changes.
 */
export function feedRoutes(router: Router, deps: SiteDeps): void {
  const { ledger, finder } = deps
  const send = (name: string, read: (frame: Frame, before: number, ctx: Context) => Promise<Content | undefined>) => {
    for (const [ending, type, render] of FORMS) {
      const path = `${name}${ending}`
      router.get(`{/:lang}${path}`, async (ctx: Context, next: Next) => {
        const frame = await frameOf(ctx, path, deps, { styleHref: '' })
        const before = readCursor(ctx)
        const content = frame && (await read(frame, before ?? Number.MAX_SAFE_INTEGER, ctx))
        if (frame === undefined || content === undefined) return next()
        ctx.vary('Accept-Language')
        ctx.type = `${type}; charset=utf-8`
        await sendText(ctx, render(frame.say, await complete(ctx, frame, before, content, deps)))
      })
    }
  }

  send('/feed', async ({ say }, before) => ({
    title: say('feed.all'),
    ...pageOf(newestIndexes(ledger, before, LENGTH + 1), LENGTH),
  }))
  send('/agencies/:id/feed', async ({ say }, before, ctx) => {
    const agency = await findAgency(String(ctx.params.id), deps)
    if (agency === undefined) return undefined
    const indexes = await ledger.listByAgency(agency.id, before, LENGTH + 1)
    return { title: say('feed.agency', { agency: isolate(agency.name) }), ...pageOf(indexes, LENGTH) }
  })
  const changes = async (kinds: readonly SiteChangeKind[], before: number) => {
    const found = await finder.changes(kinds, before, LENGTH + 1)
    const indexes = found.map(({ index }) => index)
    return pageOf(indexes, LENGTH)
  }
  send('/changes', async ({ say }, before) => ({ title: say('feed.watch'), ...(await changes(WATCHED, before)) }))
  send('/changes/all', async ({ say }, before) => ({ title: say('feed.changes'), ...(await changes(CHANGE_KINDS, before)) }))
}

async function complete(ctx: Context, frame: Frame, before: number | undefined, content: Content, deps: SiteDeps): Promise<Feed> {
  const { ledger } = deps
  const { title, older, indexes } = content
  const bornMs = (await ledger.sealedMs(0)) ?? 0
  const entries: FeedEntry[] = []
  for (const entry of await readEntries(deps, indexes)) {
    if (entry.statement === undefined) continue
    const { sealedMs = bornMs, anchored } = entry.dates
    entries.push({ ...entry, sealedMs, ledgerMs: anchored === undefined ? sealedMs : Date.parse(anchored.time) })
  }
  const updatedMs = Math.max(bornMs, ...entries.map(({ ledgerMs }) => ledgerMs))
  const { base, origin, byOthers } = frame
  const behind = countBehind(deps)
  const where = { siteUrl: deps.url, path: ctx.path, origin, base, before, older }
  return { title, tag: tagOf(origin, bornMs), ...where, updatedMs, behind, byOthers, entries }
}
