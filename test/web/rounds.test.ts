/** How pages show who vouches: the list of rounds, the banner, and a ledger that logs only time stamps. */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { toHex } from '../../src/core/bytes.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import type { MessageKey } from '../../src/messages/en.ts'
import { LANGUAGE_TAGS, speak } from '../../src/messages/language.ts'
import type { SiteVoucher } from '../../src/web/deps.ts'
import { addAxe, assertAccessible, assertFits, lookIn } from './axe.ts'
import { launchBrowser } from './browser.ts'
import { ANCHORED_MS, CHAIN_ID, openWorld, type World } from './world.ts'

const WITNESS = createSigner('witness.transparency-of-records.example/2026', new Uint8Array(32).fill(1), 4)
const TIME = '2026-11-20T09:00:00Z'
const voucher = (kind: SiteVoucher['kind'], name: string, isBehind = false): SiteVoucher => ({ kind, name, size: 2, isBehind })
const VOUCHERS = [
  { ...voucher('chain', 'mainnet <b>'), chainId: CHAIN_ID },
  voucher('witness', WITNESS.vkey.name),
  voucher('timestamp', 'Authority of Example'),
]

describe('web/rounds', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const read = async (path: string) => (await fetch(world.url + path)).text()
  /** Opens a round of the whole ledger, which grows by a record first. */
  const openRound = async () => {
    await world.submit(`r-${world.ledger.head().size}`, 'text')
    const { size, root, note } = world.ledger.head()
    await world.ledger.rounds.open({ size, root: toHex(root), checkpoint: note, openedMs: ANCHORED_MS - 60_000 }, [])
    return size
  }
  const cosign = (size: number) => world.ledger.addCosignature({ size, vkey: formatVkey(WITNESS.vkey), line: '', time: TIME })
  const stamp = async (size: number) => {
    const token = { size, name: 'Authority of Example', token: '', signer: '', time: TIME, renewBy: TIME }
    await world.ledger.addToken({ ...token, sha256: 'ab'.repeat(32), created: TIME })
    await world.ledger.logTimestamp({ size, sha256: 'ab'.repeat(32), created: TIME })
    await world.finder.tick()
  }
  /** The cells of the list, as text. */
  const rowsOf = (page: string) => {
    const [, table = ''] = /id="checkpoints">[\s\S]*?<tbody>([\s\S]*?)<\/tbody>/.exec(page) ?? []
    return [...table.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row]) =>
      [...row!.matchAll(/<td[^>]*>([\s\S]*?)<\/td>/g)].map(([, cell]) => cell!.replace(/<[^>]*>/g, '')),
    )
  }

  it('lists who vouches for each checkpoint by name, and whether that is enough', async () => {
    world.state.vouchers = VOUCHERS
    const [first] = [await openRound(), await openRound()]
    await world.anchor()
    await cosign(first!)
    await stamp(first!)
    await openRound()
    const made = '20 November 2026 at 09:59 UTC'
    const since = 'yes, since 20 November 2026 at 10:00 UTC'
    deepEqual(rowsOf(await read('/anchors')), [
      [made, '5', '–', '–', '–', 'not yet'],
      [made, '3', '–', '–', 'mainnet &lt;b&gt;', since],
      [made, '2', WITNESS.vkey.name, 'Authority of Example', '–', 'not yet'],
    ])
    // The name of a chain that was retired is no longer known.
    world.state.vouchers = VOUCHERS.slice(1)
    deepEqual(rowsOf(await read('/anchors'))[1]![4], String(CHAIN_ID))
    // Of one chain, the list of anchors says all.
    world.state.vouchers = VOUCHERS.slice(0, 1)
    doesNotMatch(await read('/anchors'), /id="checkpoints"/)
  })

  it('goes on with the checkpoints page by page, and shows nothing else there', async () => {
    world.state.vouchers = VOUCHERS
    for (let at = 0; at < 21; at++) await openRound()
    const first = await read('/anchors')
    equal(rowsOf(first).length, 20)
    match(first, /<a href="\/anchors\?checkpoints=3">Older checkpoints<\/a>/)
    const second = await read('/anchors?checkpoints=3')
    deepEqual(
      rowsOf(second).map(([, size]) => size),
      ['2'],
    )
    match(second, /<meta name="robots" content="noindex">[\s\S]*<a href="\/anchors#checkpoints">Newest checkpoints<\/a>/)
    doesNotMatch(second, /Newest anchors|Older checkpoints|class="tabs"/)
    doesNotMatch(await read('/anchors?before=2'), /id="checkpoints"/)
  })

  it('names in the banner who is behind, and the chain alone where it vouches alone', async () => {
    await world.submit('r-1', 'first')
    world.state.lag = { alarm: 'late' }
    const banner = async () => /<div class="banner">[\s\S]*?<\/div>/.exec(await read('/about'))?.[0].replace(/<[^>]*>/g, '') ?? ''
    match(await banner(), /but the chain does not vouch for them at the moment\. Entries waiting: 2,/)
    world.state.vouchers = [voucher('chain', 'mainnet', true)]
    match(await banner(), /but the chain does not vouch for them/)
    world.state.vouchers = [VOUCHERS[0]!, voucher('witness', 'w-1 <b>', true), voucher('witness', 'w-2', true)]
    match(await banner(), /are behind: w-1 &lt;b&gt;, w-2\. Entries waiting: 2, the oldest since 20 November 2026/)
    world.state.vouchers = [voucher('witness', 'w-1', true)]
    match(await banner(), /are behind: w-1\./)
    world.state.vouchers = VOUCHERS
    match(await banner(), /but not enough of those who vouch for this ledger have done so yet\./)
  })

  it('does not call a logged time stamp, which opens no round, an entry that waits', async () => {
    const size = await openRound()
    await world.anchor()
    await stamp(size)
    world.state.lag = { alarm: 'a certificate ends' }
    const home = await read('/')
    match(home, /A time stamp that this ledger was given/)
    doesNotMatch(home, /class="badge note">Waiting/)
    doesNotMatch(await read('/about'), /Entries waiting/)
    match(home, /<dt>Waiting for the chain<\/dt><dd>0<\/dd>/)
    await world.submit('r-9', 'next')
    const later = await read('/')
    equal(later.match(/class="badge note">Waiting/g)?.length, 1)
    match(later, /<dt>Waiting for the chain<\/dt><dd>1 <span/)
  })

  it('speaks of the chain only where it vouches alone, on pages, in feeds and on certificates, in every language', async () => {
    await world.submit('r-1', 'first')
    await world.anchor()
    await world.submit('r-2', 'second')
    await world.finder.tick()
    const textOf = async (path: string) => (await read(path)).replace(/<(?!meta)[^>]*>/g, '')
    const paths = {
      'home.vouched': ['/'],
      'home.waiting': ['/'],
      'home.lastAnchor': ['/'],
      'state.waiting': ['/', '/records', '/records/2', '/feed.atom', '/feed.json'],
      'verdict.sealed.entry': ['/records/2'],
      'record.state.sealed': ['/records/2/certificate'],
      'record.state.anchored': ['/records/1/certificate'],
      'cert.step6sealed': ['/records/2/certificate'],
    } as const
    for (const [vouchers, isChain] of [
      [VOUCHERS.slice(0, 1), true],
      [VOUCHERS, false],
      [VOUCHERS.slice(1, 2), false],
      [[VOUCHERS[0]!, VOUCHERS[0]!], false],
    ] as const) {
      world.state.vouchers = vouchers
      for (const tag of LANGUAGE_TAGS) {
        const say = speak(tag)
        for (const [key, where] of Object.entries(paths) as [keyof typeof paths, readonly string[]][]) {
          const wordsOf = (each: MessageKey) => say(each, { date: '|' }).split('|')[0]!
          const [wanted, unwanted] = isChain ? [wordsOf(key), wordsOf(`${key}.others`)] : [wordsOf(`${key}.others`), wordsOf(key)]
          // Words that begin the other ones cannot be told from them.
          for (const path of where) {
            const text = await textOf(`/${tag}${path}`)
            ok(text.includes(wanted), `${tag}${path} says ${wanted}`)
            if (!wanted.includes(unwanted)) ok(!text.includes(unwanted), `${tag}${path} says ${unwanted}`)
          }
        }
      }
    }
  })

  describe('in a browser', () => {
    let browser: Browser
    before(async () => {
      browser = await launchBrowser()
    })
    after(() => browser?.close())

    it('is accessible and fits in every language, wide and at 320 px', async () => {
      world.state.vouchers = [...VOUCHERS, voucher('witness', 'w-2.example', true)]
      world.state.lag = { alarm: 'late' }
      const size = await openRound()
      await world.anchor()
      await cosign(size)
      await stamp(size)
      await openRound()
      for (const width of [1100, 320]) {
        const context = await browser.newContext({ viewport: { width, height: 800 } })
        await addAxe(context)
        const page = await context.newPage()
        for (const tag of LANGUAGE_TAGS) {
          await page.goto(`${world.url}/${tag}/anchors`)
          const { title, rows } = await page.evaluate(() => ({
            title: document.querySelector('#checkpoints')?.textContent,
            rows: document.querySelectorAll('#checkpoints ~ .scroll')[0]!.querySelectorAll('tbody tr').length,
          }))
          deepEqual([title, rows], [speak(tag)('rounds.title'), 2])
          await assertAccessible(page, lookIn(tag).axe)
          await assertFits(page, `in ${tag} at ${width} px`)
        }
        await context.close()
      }
    })
  })
})
