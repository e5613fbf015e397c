/**
 * The service itself: liveness, readiness, metrics, the OpenAPI document, and a plain page at `/`.
 */

import type Router from '@koa/router'
import type { Context } from 'koa'
import { toHex } from '../../core/bytes.ts'
import { escapeText } from '../../html.ts'
import type { RouteDeps } from '../deps.ts'
import { behind } from '../metrics.ts'
import { openApiDocument } from '../openapi.ts'
import { requireOperatorPlace } from '../place.ts'
import type { Alarm } from '../watched.ts'

/** Adds /v1/status, /healthz, /readyz, /metrics, /openapi.json and `/`. */
export function serviceRoutes(router: Router, deps: RouteDeps): void {
  const { ledger, metrics } = deps
  const document = JSON.stringify(openApiDocument(), null, 2)

  router.get('/v1/status', (ctx: Context) => {
    ctx.body = statusOf(deps)
  })
  router.get('/healthz', (ctx: Context) => {
    ctx.body = { status: 'ok' }
  })
  router.get('/readyz', (ctx: Context) => {
    const { accepting, alarms, alarmCodes, behind, behindSeconds } = statusOf(deps)
    ctx.status = accepting ? 200 : 503
    if (!accepting) ctx.set('Retry-After', '5')
    ctx.body = { status: accepting ? 'ok' : 'stopped', alarms, alarmCodes, behind, behindSeconds }
  })
  router.get('/metrics', async (ctx: Context) => {
    requireOperatorPlace(ctx, deps)
    const text = await metrics.text()
    ctx.type = metrics.contentType
    ctx.body = text
  })
  router.get('/openapi.json', (ctx: Context) => {
    ctx.type = 'application/json'
    ctx.body = document
  })
  if (deps.site !== undefined) return // the site has a page there
  router.get('/', (ctx: Context) => {
    const { size, root } = ledger.head()
    ctx.type = 'text/html; charset=utf-8'
    ctx.body = page({ origin: ledger.origin, size, root: toHex(root), alarms: statusOf(deps).alarms, anchored: ledger.latestRound() })
  })
}

/** Why nothing is accepted now; undefined if submissions are accepted. */
function refusalOf({ ledger, notAccepting, isClosing }: Pick<RouteDeps, 'ledger' | 'notAccepting' | 'isClosing'>): Alarm | undefined {
  const stopped = ledger.stopped()
  if (stopped !== undefined) return { code: ledger.stopCode() ?? 'LEDGER_STOPPED', message: `The ledger has stopped sealing: ${stopped}` }
  if (isClosing?.()) return { code: 'LEDGER_CLOSED', message: 'The ledger is being stopped.' }
  const unsettled = ledger.unsettled()
  if (unsettled !== undefined) return { code: ledger.unsettledCode() ?? 'LEDGER_UNSETTLED', message: unsettled }
  const waiting = notAccepting?.()
  return waiting === undefined ? undefined : { code: 'LEDGER_NOT_COMPARED', message: waiting }
}

/**
 * The ledger's state in one object. `alarms` has one sentence for each problem, and `alarmCodes`
 * their codes.
 */
export function statusOf({
  ledger,
  anchorer,
  scrub,
  notAccepting,
  isClosing,
  alarms,
  operator: { name, contact } = {},
}: Pick<RouteDeps, 'ledger' | 'anchorer' | 'scrub' | 'notAccepting' | 'isClosing' | 'alarms' | 'operator'>) {
  const { size, root, note } = ledger.head()
  const refusal = refusalOf({ ledger, notAccepting, isClosing })
  const lag = anchorer?.lag()
  const newest = ledger.latestRound()
  const scrubbed = scrub?.state()
  const damage = scrubbed?.findings.length
    ? `Stored data is damaged (${scrubbed.findings.slice(0, 3).join(', ')}${scrubbed.findings.length > 3 ? ', …' : ''}): run "openseal doctor".`
    : undefined
  const found: readonly (Alarm | undefined)[] = [
    refusal,
    ...(anchorer?.troubles() ?? []),
    damage === undefined ? undefined : { code: 'LEDGER_DAMAGED', message: damage },
    ...(alarms?.() ?? []),
  ]
  const all = found.filter(alarm => alarm !== undefined)
  return {
    origin: ledger.origin,
    vkey: ledger.vkey,
    size,
    root: toHex(root),
    checkpoint: note,
    accepting: refusal === undefined,
    alarms: all.map(({ message }) => message),
    alarmCodes: all.map(({ code }) => code),
    ...(newest && { anchored: newest }),
    vouchers: (anchorer?.vouchers() ?? []).map(({ trouble, ...voucher }) => ({
      ...voucher,
      ...(trouble && { alarm: trouble.message, alarmCode: trouble.code }),
    })),
    behind: behind(ledger),
    behindSeconds: Math.round((lag?.oldestUnanchoredMs ?? 0) / 1000),
    ...(scrubbed && { scrub: scrubbed }),
    operator: { ...(name !== undefined && { name }), ...(contact !== undefined && { contact }) },
  }
}

type PageState = {
  origin: string
  size: number
  root: string
  alarms: readonly string[]
  anchored: { size: number; time: string } | undefined
}

function page({ origin, size, root, alarms, anchored }: PageState): string {
  const warning = alarms.map(alarm => `<p role="alert"><strong>${escapeText(alarm)}</strong></p>`).join('\n')
  const chain = anchored
    ? `Enough others have vouched for the first ${anchored.size} of them since ${anchored.time}.`
    : 'Not enough others vouch for any of them yet.'
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeText(origin)} – OpenSeal</title></head>
<body>
<main>
<h1>${escapeText(origin)}</h1>
${warning}
<p>A public records ledger with ${size} entries. ${chain}</p>
<p>Root hash: <code>${root}</code></p>
<h2>How to verify a file</h2>
<p>Keep the file and its receipt. In a copy of OpenSeal, run: <code>./openseal verify FILE --receipt FILE.receipt.json --policy policy.json</code></p>
<p>This shows that the file is unchanged since that date and who submitted it according to the ledger. It does not show that what it says is true.</p>
<ul>
<li><a href="/policy.json">The policy</a>: what a verifier of this ledger trusts</li>
<li><a href="/checkpoint">The newest checkpoint</a></li>
<li><a href="/v1/records">The newest records</a></li>
<li><a href="/v1/status">The state of the ledger</a></li>
<li><a href="/openapi.json">The interface for programs</a></li>
</ul>
</main>
</body>
</html>
`
}
