/**
 * A record's page in a real browser: what it says first, the proof with its buttons and links, and
 * receipts that are saved under the name that the command line looks for.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { LANGUAGE_TAGS } from '../../src/messages/language.ts'
import { receiptName } from '../../src/web/receipt-name.ts'
import { openCommands } from '../cli/commands.ts'
import { addAxe, assertAccessible, assertFits } from './axe.ts'
import { launchBrowser } from './browser.ts'
import { CHAIN_ID, openWorld, statementOf, type World } from './world.ts'

const EXPLORER = 'https://explorer.example/main/'

describe('web/record', function () {
  this.timeout(120_000)
  let world: World
  let browser: Browser
  let folder: string

  before(async () => {
    world = await openWorld({ explorer: EXPLORER })
    const [document] = statementOf('x', 'one').documents
    await world.submit('r-1', 'one', { documents: [{ ...document!, name: 'απόφαση 1.txt' }] })
    await world.submit('r-2', 'two', {
      documents: ['b.txt', 'نص "c" 100%.txt'].map((name, at) => ({ ...statementOf('x', `two ${at}`).documents[0]!, name })),
    })
    await world.submit('r-3', 'edited')
    await world.submit('r-3', 'edited later')
    await world.submit('r-4', 'gone')
    await world.submit('r-4', 'w', { action: 'withdraw', reason: { code: 'other' }, documents: [] })
    await world.submit('r-5', 'replaced')
    await world.submit('r-5', 'newer', { action: 'amend', target: '1', revision: '2' })
    await world.anchor()
    await world.submit('r-6', 'waits')
    await world.submit('r-7', 'waits too')
    await world.submit('r-7', 'w', { action: 'withdraw', reason: { code: 'other' }, documents: [] })
    folder = await mkdtemp(join(tmpdir(), 'openseal-saved-'))
    browser = await launchBrowser()
  })
  after(async () => {
    await browser?.close()
    await world?.close()
    await rm(folder, { recursive: true })
  })

  const withPage = async (use: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext(options)
    await addAxe(context)
    try {
      await use(await context.newPage())
    } finally {
      await context.close()
    }
  }
  const read = async (path: string) => (await fetch(world.url + path, { headers: { accept: 'text/html' } })).text()
  /** The card's verdict, tone, mark and sentence. */
  const cardOf = (text: string) =>
    /class="card (\w+)" data-verdict="([\w-]+)"[\s\S]*?<p class="mark">([^<]*)<\/p><p class="sentence">([^<]*)</.exec(text)?.slice(1)

  const SINCE = 'This entry has been on the record since 20 November 2026 at 10:00 UTC.'
  const STATES: readonly (readonly [number, readonly string[]])[] = [
    [1, ['calm', 'anchored', 'On the record', 'This entry has been on the record, unchanged, since 20 November 2026 at 10:00 UTC.']],
    [
      3,
      [
        'warn',
        'edited',
        'On the record, changed without a new version',
        `${SINCE} The agency has published different content under the same version.`,
      ],
    ],
    [
      4,
      [
        'warn',
        'edited',
        'On the record, changed without a new version',
        `${SINCE} The agency has published different content under the same version.`,
      ],
    ],
    [5, ['warn', 'withdrawn', 'On the record, withdrawn', `${SINCE} The agency withdrew it on 20 November 2026 at 10:00 UTC.`]],
    [7, ['warn', 'superseded', 'On the record, replaced by a newer version', `${SINCE} A newer version has replaced it.`]],
    [9, ['calm', 'sealed', 'Accepted, no evidence yet', 'The ledger has accepted this entry. The chain does not vouch for it yet.']],
    [10, ['warn', 'sealed', 'Withdrawn', 'Withdrawn. The ledger has accepted this entry. The chain does not vouch for it yet.']],
  ]

  it('says the state first, in the words of the verdicts, and is never green', async () => {
    for (const [index, card] of STATES) {
      const text = await read(`/en/records/${index}`)
      assert.deepEqual(cardOf(text), card, `entry ${index}`)
      assert.ok(text.indexOf('data-verdict') < text.indexOf('<h2>Documents'), `entry ${index}`)
      assert.match(text, /The ledger itself says so\. You can check it without trusting the ledger: <a href="\/en\/verify">/)
    }
    for (const tag of LANGUAGE_TAGS)
      for (const [index] of STATES) assert.doesNotMatch(await read(`/${tag}/records/${index}`), /class="card good"/)
  })

  it('says of a test network what it would say otherwise, and then that this is no evidence', async () => {
    world.state.production = false
    try {
      assert.deepEqual(cardOf(await read('/en/records/5')), [
        'warn',
        'test-network',
        'On the record, withdrawn (Test network)',
        `${SINCE} The agency withdrew it on 20 November 2026 at 10:00 UTC. But the chain is a test network, so this is no evidence.`,
      ])
    } finally {
      world.state.production = true
    }
  })

  it('says that a change by an erased statement cannot be checked, as a check does', async () => {
    const here = await openWorld()
    try {
      const [withdrawn, edited, replaced] = [
        await here.submit('r-1', 'gone'),
        await here.submit('r-2', 'edited'),
        await here.submit('r-3', 'replaced'),
      ]
      const changes = [
        await here.submit('r-1', 'w', { action: 'withdraw', reason: { code: 'other' }, documents: [] }),
        await here.submit('r-2', 'edited later'),
        await here.submit('r-3', 'newer', { action: 'amend', target: '1', revision: '2' }),
      ]
      await here.anchor()
      for (const index of changes) await here.ledger.requestErasure(index, 'court-order', { by: 'operator' })
      await here.finder.tick()
      await here.anchor()
      const pageOf = async (index: number) => (await fetch(`${here.url}/en/records/${index}`, { headers: { accept: 'text/html' } })).text()
      const what: readonly (readonly [number, string])[] = [
        [withdrawn, 'a later statement that withdrew this version has been erased. Ask the agency.'],
        [edited, 'another statement that published different content under the same version has been erased. Ask the agency.'],
        [replaced, 'a later statement that replaced this version has been erased. Ask the agency.'],
      ]
      for (const isProduction of [true, false]) {
        here.state.production = isProduction
        for (const [at, [index, why]] of what.entries()) {
          const text = await pageOf(index)
          const sentence = `We could not check everything just now: ${why}`
          assert.deepEqual(cardOf(text), ['warn', 'unchecked', 'Not checked', sentence], `entry ${index}`)
          const link = `<a href="/en/records/${changes[at]}">Entry ${changes[at]}</a>. That entry has been erased since.`
          assert.ok(text.includes(link), `entry ${index}`)
          assert.doesNotMatch(text, /This shows that the entry has not changed/)
          const head = text.slice(0, text.indexOf('</head>'))
          assert.equal(head.split(`Not checked: ${why}`).length, 4, 'description, Open Graph and JSON-LD')
          assert.doesNotMatch(head, /Withdrawn|Replaced by|Changed without/)
        }
      }
    } finally {
      await here.close()
    }
  })

  it('says of what the owner of the log has disowned only that', async () => {
    const here = await openWorld()
    try {
      const good = await here.submit('r-1', 'one')
      await here.anchor()
      const index = await here.submit('r-2', 'two')
      await here.anchor()
      await here.ledger.disown(CHAIN_ID, { lastGoodSize: index, successor: `0x${'5c'.repeat(32)}` })
      const text = await (await fetch(`${here.url}/en/records/${index}`)).text()
      const sentence = 'The owner of the log has disowned the checkpoint behind this proof. Ask for a newer receipt.'
      assert.deepEqual(cardOf(text), ['warn', 'disowned', 'Disowned by the owner', sentence])
      assert.doesNotMatch(text, /This shows|has waited/)
      assert.equal(cardOf(await (await fetch(`${here.url}/en/records/${good}`)).text())?.[1], 'anchored')
    } finally {
      await here.close()
    }
  })

  it('says of an entry that waits for a test network that nothing it shows is evidence', async () => {
    const here = await openWorld({ production: false })
    try {
      const index = await here.submit('r-1', 'one')
      const text = await (await fetch(`${here.url}/en/records/${index}`)).text()
      assert.deepEqual(cardOf(text), [
        'warn',
        'test-network',
        'Accepted, no evidence yet (Test network)',
        'The ledger has accepted this entry. The chain does not vouch for it yet. But the chain is a test network, so this is no evidence.',
      ])
    } finally {
      await here.close()
    }
  })

  it('folds the proof, each value with a button that copies it and says so', async () => {
    await withPage(
      async page => {
        await page.goto(`${world.url}/en/records/1`)
        assert.equal(await page.locator('.proof[open]').count(), 0)
        await page.locator('.proof > summary').click()
        const { values, buttons } = await page.evaluate(() => ({
          values: [...document.querySelectorAll('[data-copy]')].map(node => node.textContent),
          buttons: [...document.querySelectorAll('button.copy')].map(node => node.getAttribute('aria-label')),
        }))
        assert.equal(values.length, buttons.length)
        assert.ok(buttons.length > 8 && buttons.every(name => /^Copy: ./.test(name ?? '')), buttons.join())
        for (const [at, value] of values.entries()) {
          await page.locator('button.copy').nth(at).click()
          assert.equal(await page.evaluate(() => navigator.clipboard.readText()), value)
          assert.match((await page.locator('.proof [role=status]').textContent()) ?? '', /^Copied/)
        }
        const statement = await world.ledger.statement(1)
        assert.ok(
          values.includes(statement!) &&
            values.includes(
              JSON.parse(await world.ledger.receipt(1))
                .proof.split('\n\n')
                .slice(1)
                .join('\n\n'),
            ),
        )
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    )
  })

  it('links the policy’s block explorer as EIP-3091 says, and none where there is none', async () => {
    const text = await read('/en/records/1')
    const { transaction, contract, block } = (await world.ledger.roundOf(1))!.anchor!
    for (const path of [`tx/${transaction}`, `address/${contract}`, `block/${block.number}`])
      assert.ok(text.includes(`href="https://explorer.example/main/${path}" rel="external noreferrer"`), path)
    assert.doesNotMatch(await read('/en/records/9'), /explorer/)
  })

  it('is complete without JavaScript, has no buttons then, and fits and passes axe unfolded', async () => {
    await withPage(
      async page => {
        await page.goto(`${world.url}/de/records/1`)
        assert.equal(await page.locator('button.copy').count(), 0)
        assert.ok((await page.locator('.proof').textContent())?.includes(JSON.parse((await world.ledger.statement(1))!).salt))
      },
      { javaScriptEnabled: false },
    )
    for (const [tag, colorScheme] of [
      ['en', 'dark'],
      ['ar', 'light'],
    ] as const)
      await withPage(
        async page => {
          for (const [index] of STATES) {
            await page.goto(`${world.url}/${tag}/records/${index}`)
            await page.evaluate(() => {
              for (const part of document.querySelectorAll('details')) part.open = true
            })
            await assertAccessible(page)
            await assertFits(page)
          }
        },
        { viewport: { width: 320, height: 640 }, colorScheme },
      )
  })

  it('saves a receipt under its document’s name, and openseal verify finds it there', async () => {
    const files: readonly (readonly [path: string, link: number, name: string, content: string])[] = [
      ['/en/records/1', 0, 'απόφαση 1.txt', 'one'],
      ['/ar/records/2', 1, 'b.txt', 'two 0'],
      ['/en/records/2', 2, 'نص _c_ 100%.txt', 'two 1'],
    ]
    await writeFile(join(folder, 'policy.json'), JSON.stringify(world.policy()))
    const commands = await openCommands()
    try {
      await withPage(async page => {
        for (const [path, link, name, content] of files) {
          await page.goto(world.url + path)
          const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a[href*="/receipt"]').nth(link).click()])
          await download.saveAs(join(folder, download.suggestedFilename()))
          await writeFile(join(folder, name), content)
          const asked = ['verify', name, '--policy', 'policy.json', '--rpc', world.chain.url, '--ledger', world.url, '--json']
          const { code, out } = await commands.run(asked, { cwd: folder })
          assert.deepEqual([code, JSON.parse(out).verdict], [0, 'anchored'], out)
        }
      })
      assert.deepEqual(
        (await readdir(folder)).filter(name => name.endsWith('.receipt.json')).sort(),
        files.map(([, , name]) => `${name}.receipt.json`).sort(),
      )
    } finally {
      await commands.close()
    }
  })

  it('names no file that a system would refuse, take for a path, or show otherwise', () => {
    const names: readonly (readonly [string, string])[] = [
      ['../../etc/passwd', '___.._etc_passwd'],
      ['..\\..\\a.txt', '___.._a.txt'],
      ['a\r\nSet-Cookie: x', 'a__Set-Cookie_ x'],
      ['a"b;filename=c.exe', 'a_b;filename=c.exe'],
      ['gpj\u202eexe.txt', 'gpj_exe.txt'],
      ['.htaccess', '_htaccess'],
      ['CON', '_CON'],
      ['aux.txt', '_aux.txt'],
      ['con .txt', '_con .txt'],
      ['com¹', '_com¹'],
      ['console.txt', 'console.txt'],
      ['a\ud800b', 'a_b'],
      ['می‌خواهم.txt', 'می‌خواهم.txt'],
      ['%2e%2e%2fa', '%2e%2e%2fa'],
    ]
    for (const [name, saved] of names) assert.equal(receiptName(1, name), `${saved}.receipt.json`, name)
    assert.equal(receiptName(7, undefined), 'entry-7.receipt.json')
    const long = receiptName(1, '💥'.repeat(200))
    assert.equal(long, `${'💥'.repeat(60)}.receipt.json`)
    for (const length of [241, 242, 243])
      assert.equal(receiptName(1, 'a'.repeat(length)), `${'a'.repeat(Math.min(length, 242))}.receipt.json`)
    assert.equal(receiptName(1, `${'a'.repeat(241)}é`), `${'a'.repeat(241)}.receipt.json`)
  })

  it('sends the name in a header that holds any name, and no receipt where there is no document', async () => {
    const { headers } = await fetch(`${world.url}/records/2/receipt/2`)
    assert.equal(
      headers.get('content-disposition'),
      `attachment; filename="?? _c_ 100%.txt.receipt.json"; filename*=UTF-8''${encodeURIComponent('نص _c_ 100%.txt.receipt.json')}`,
    )
    assert.equal(
      (await fetch(`${world.url}/records/6/receipt`)).headers.get('content-disposition'),
      'attachment; filename="entry-6.receipt.json"',
    )
    for (const path of [
      '/records/2/receipt/0',
      '/records/2/receipt/3',
      '/records/2/receipt/x',
      '/records/99/receipt',
      '/records/-1/receipt',
      '/records/01/receipt',
    ])
      assert.equal((await fetch(world.url + path)).status, 404, path)
  })
})
