/**
 * A ledger with a record for every verdict, and the verify page of it in a real Chromium: what the
 * tests of the page share.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { ANCHORED_MS, openWorld, type World } from './world.ts'

/** A file as a reader gives it. */
export type Given = { name: string; mimeType: string; buffer: Buffer }

export const given = (name: string, content: string | Buffer): Given => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(content),
})

/** Submitted unchanged; signed afterwards in the tests. */
export const PDF = '%PDF-1.7\n1 %%EOF'

/**
 * Opens all of it before the tests of a `describe`, and closes it after them. `state` holds what is
 * open.
 */
export function useVerifyPage() {
  const state = {} as { world: World; browser: Browser; folder: string }

  before(async () => {
    state.world = await openWorld()
    await fill(state.world)
    state.browser = await launchBrowser()
    state.folder = await mkdtemp(join(tmpdir(), 'openseal-web-'))
  })
  after(async () => {
    await state.browser?.close()
    await state.world?.close()
    await rm(state.folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    state.world.state.production = true
    state.world.chain.state.down = false
  })

  return {
    state,
    /**
     * Uses a page at a path of the ledger, or at a file: address. An error in the page fails the
     * test.
     */
    withPage: async (path: string, use: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) => {
      const context = await state.browser.newContext({ locale: 'en-GB', ...options })
      // A busy machine takes long for an archive of many files.
      context.setDefaultTimeout(120_000)
      const page = await context.newPage()
      const errors: Error[] = []
      page.on('pageerror', error => errors.push(error))
      try {
        await page.goto(path.startsWith('file:') ? path : state.world.url + path)
        await use(page)
        assert.deepEqual(errors, [])
      } finally {
        await context.close()
      }
    },
    receiptOf: (index: number) => state.world.ledger.receipt(index),
    /** Saves the offline verifier; its path. */
    saveOffline: async () => {
      const path = join(state.folder, 'openseal-verifier.html')
      await writeFile(path, await (await fetch(`${state.world.url}/openseal-verifier.html`)).text())
      return path
    },
  }
}

/** Gives files to the page and waits for its answers. */
export async function check(page: Page, files: Given | Given[] | string): Promise<void> {
  const before = await page.locator('#results').getAttribute('data-done')
  await page.setInputFiles('#files', files)
  await page.waitForFunction(last => (document.querySelector('#results') as HTMLElement).dataset.done !== last, before ?? undefined)
}

/** The verdicts on the page, from its top. */
export function verdicts(page: Page): Promise<(string | undefined)[]> {
  return page.locator('#results article').evaluateAll(cards => cards.map(card => (card as HTMLElement).dataset.verdict))
}

/** Has the page ask these endpoints. */
export async function useEndpoints(page: Page, endpoints: string): Promise<void> {
  await page.locator('#endpoints').evaluate((node, value) => {
    ;(node as HTMLTextAreaElement).value = value
    node.closest('details')?.setAttribute('open', '')
  }, endpoints)
  await page.locator('#endpoints-form button').click()
}

/** Says yes to the policy that the page asks about, and waits for the answers by it. */
export async function usePolicy(page: Page): Promise<void> {
  const before = await page.locator('#results').getAttribute('data-done')
  await page.locator('#policy-use').click()
  await page.waitForFunction(last => (document.querySelector('#results') as HTMLElement).dataset.done !== last, before ?? undefined)
}

/** The text that a reader sees of it. */
export async function textOf(locator: Locator): Promise<string> {
  return (await locator.allInnerTexts()).join('\n')
}

/**
 * Entries: 1 old, 2 gone, 3 json, 4 and 5 releases, 6 good, 7 pdf, 8 and 9 forms, then amendments
 * and withdrawals, and a fresh one.
 */
async function fill(world: World): Promise<void> {
  await world.submit('old', 'old version', { revision: '1' })
  await world.submit('gone', 'withdrawn file')
  await world.submit('json', '{"a":1,"b":[2]}')
  for (const id of ['r1', 'r2']) await world.submit('ocds-1', JSON.stringify({ id, ocid: 'ocds-1' }), { revision: id, title: id })
  await world.anchor(ANCHORED_MS - 3_600_000)
  await world.submit('good', 'good file')
  await world.submit('pdf', PDF)
  await world.submit('form-1', 'standard form', { title: 'First use' })
  await world.submit('form-2', 'standard form', { title: 'Second use' })
  await world.submit('form-2', 'standard form', { action: 'withdraw', reason: { code: 'other' }, documents: [] })
  await world.submit('old', 'new version', { action: 'amend', reason: { code: 'correction' } })
  await world.submit('gone', 'withdrawn file', { action: 'withdraw', reason: { code: 'court-order' }, documents: [] })
  await world.anchor()
  await world.submit('fresh', 'fresh file')
}
