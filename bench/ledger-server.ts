/**
 * The service under test: OpenSeal's HTTP side on a Level store or on PostgreSQL, in its own
 * process. It has its admission and limits, except for the rate of one key. Arguments: the store's
 * folder, or the address of a database; on Level, `site` for the pages too, or `whole` for the
 * finder and the scrub at work besides.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openScrub } from '../src/care/scrub.ts'
import { parsePolicy } from '../src/core/policy.ts'
import { openFinder } from '../src/finder/finder.ts'
import { systemHost } from '../src/host.ts'
import { createHandler } from '../src/http/app.ts'
import { createAdmission } from '../src/http/guard/admission.ts'
import { createLimits, PLACES } from '../src/http/guard/limits.ts'
import { createAgencies } from '../src/ledger/agencies/agencies.ts'
import { silentLog } from '../src/logger.ts'
import { isShared } from '../src/store/port/port.ts'
import { siteRoutes } from '../src/web/site.ts'
import { openBenchLedger, openBenchNode } from './open.ts'
import { AGENCY } from './statements.ts'

let noteSeal = (_records: number) => {}
const [place = '', parts] = process.argv.slice(2)
const openPlace = place.startsWith('postgres:') ? openBenchNode : openBenchLedger
const { ledger, store } = await openPlace(place, ({ records }) => noteSeal(records))
const host = systemHost(silentLog)
const agencies = createAgencies({ store, host })
if (!(await agencies.list()).some(({ id }) => id === AGENCY)) await agencies.add({ id: AGENCY, name: 'Bench' })
const { key } = await agencies.addKey(AGENCY, {})

const policy = parsePolicy({
  type: 'openseal/policy@v1',
  origin: ledger.origin,
  logKeys: [{ vkey: ledger.vkey, fromSize: 0 }],
  anchors: [
    {
      type: 'evm',
      chainId: 31337,
      contract: `0x${'0'.repeat(40)}`,
      codeSha256: '0'.repeat(64),
      logId: `0x${'0'.repeat(64)}`,
      finality: { confirmations: 0 },
      fromSize: 0,
    },
  ],
  requireAnchors: 1,
})
const nowMs = Date.now
const admission = createAdmission({ waiting: () => ledger.waiting(), nowMs })
noteSeal = admission.noteSeal
const limits = createLimits({ ...PLACES, address: { perSecond: 200, burst: 1000 }, nowMs })
const guards = { admission, limits, operatorKey: 'bench-operator-key', host, log: silentLog }
const site = parts === undefined ? undefined : await openSite(parts === 'whole')
const server = createServer(createHandler({ ledger, agencies, policy: () => policy, ...guards, ...(site && { site: site.pages }) })).listen(
  0,
  '127.0.0.1',
  () => {
    process.send?.({ port: (server.address() as AddressInfo).port, key, size: ledger.head().size })
  },
)

process.on('message', () => process.send?.({ reached: site?.finder.reached(), size: ledger.head().size }))

async function openSite(isAtWork: boolean) {
  if (isShared(store)) throw new Error('bug: the pages are measured on Level only')
  const finder = await openFinder({ ledger, folder: `${place}-finder`, steadyMs: () => performance.now(), log: silentLog })
  const scrub = await openScrub({ store, entriesPerSecond: 2000, host, log: silentLog })
  if (isAtWork) finder.start()
  if (isAtWork) scrub.start()
  const deps = { url: 'http://127.0.0.1', ledger, agencies, policy: () => policy, nowMs, finder, chain: [], publicEndpoints: [] }
  return { pages: await siteRoutes(deps), finder, scrub }
}

process.once('SIGTERM', async () => {
  server.close()
  server.closeAllConnections()
  await site?.finder.stop()
  await site?.scrub.stop()
  await ledger.close()
  process.exit(0)
})
