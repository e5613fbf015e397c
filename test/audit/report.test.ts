/** The audit's report in a real browser: every language, light and dark, wide and narrow. */
import type { Browser } from 'playwright-core'
import { formatAuditReport } from '../../src/audit/report.ts'
import type { AuditReport } from '../../src/audit/run.ts'
import { speakAudit } from '../../src/messages/audit/speak.ts'
import { LANGUAGE_TAGS } from '../../src/messages/language.ts'
import { addAxe, assertAccessible, assertFits } from '../web/axe.ts'
import { launchBrowser } from '../web/browser.ts'

const ROOT = 'cd'.repeat(32)
const PLACE = { chainId: 1, endpoint: 'rpc.example' }

const INCONSISTENT: AuditReport = {
  notices: [],
  verdict: 'inconsistent',
  exit: 5,
  origin: 'records.example/2026',
  testNetwork: false,
  from: 0,
  size: 123_456,
  root: ROOT,
  statements: 123_456,
  erased: 3,
  withheld: 0,
  tiles: 490,
  evidence: [`/var/lib/openseal-audit/evidence/${'0123456789abcdef'.repeat(4)}`],
  findings: [
    { code: 'AUDIT_HISTORY_REWRITTEN', detail: 'rewritten', values: { size: 100_000, earlier: ROOT } },
    { code: 'AUDIT_ANCHOR_MISSING', detail: 'anchor', values: { size: 100_000, root: ROOT, ...PLACE } },
  ],
  unfinished: [{ code: 'AUDIT_CHAIN_UNREACHABLE', detail: 'endpoint', values: PLACE }],
  anchors: Array.from({ length: 30 }, (_, i) => ({
    size: 1000 + i * 4000,
    root: ROOT,
    time: new Date(Date.UTC(2026, 9, 1 + i)).toISOString().replace('.000', ''),
    block: 21_000_000 + i * 7000,
    transaction: `0x${'12'.repeat(32)}`,
    final: i < 29,
    ...PLACE,
  })),
}
const CLEAN: AuditReport = { ...INCONSISTENT, verdict: 'clean', exit: 0, findings: [], unfinished: [], evidence: [], testNetwork: true }
const VOUCHED: AuditReport = { ...CLEAN, rounds: { read: 30, final: 29, newest: 117_000, stamps: 58, testAuthorities: false } }
const FACTS = { ledger: 'https://records.example', trust: 'ledger', time: '2026-11-24T13:00:00Z' } as const

describe('audit/report', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  it('is accessible and fits in every language, light and dark, wide and at 320 px', async () => {
    for (const [colorScheme, width] of [
      ['light', 1100],
      ['dark', 320],
    ] as const) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } })
      await addAxe(context)
      const page = await context.newPage()
      for (const tag of LANGUAGE_TAGS) {
        await page.setContent(formatAuditReport(width === 320 ? INCONSISTENT : VOUCHED, FACTS, speakAudit(tag)))
        await assertAccessible(page)
        await assertFits(page, `in ${tag} at ${width} px`)
      }
      await context.close()
    }
  })
})
