/**
 * The verify page in a real Chromium: every verdict, damage, silence, disagreement, what is pasted.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { canonicalJson, parseJson } from '../../src/core/json.ts'
import { formatPolicy } from '../../src/core/policy.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { check, type Given, given, textOf, useEndpoints, usePolicy, useVerifyPage, verdicts } from './verify-tool.ts'

describe('verify page', function () {
  this.timeout(120_000)
  const { receiptOf, saveOffline, state, withPage } = useVerifyPage()

  it('gives each of the nine verdicts, with its own mark in words and in drawing', async () => {
    const bring = async (...files: Given[]) => {
      let seen: (string | undefined)[] = []
      await withPage('/en/verify', async page => {
        await check(page, files)
        if (files.some(({ name }) => name === 'policy.json')) await usePolicy(page)
        seen = await verdicts(page)
        assert.match((await page.locator('#results .mark').first().textContent()) ?? '', /\S/)
        assert.equal(await page.locator('#results article > header svg').count(), files.filter(({ name }) => name.startsWith('f')).length)
      })
      return seen
    }
    const stranger = formatPolicy({
      ...state.world.policy(),
      anchors: state.world.policy().anchors.map(a => ({ ...a, codeSha256: '0'.repeat(64) })),
    })
    const files = ['good file', 'old version', 'withdrawn file', 'fresh file', 'never seen'].map((text, at) => given(`f${at}`, text))
    assert.deepEqual(await bring(...files), ['anchored', 'superseded', 'withdrawn', 'sealed', 'unknown'])
    assert.deepEqual(await bring(given('f', 'good file!'), given('x.receipt.json', await receiptOf(6))), ['invalid'])
    assert.deepEqual(await bring(given('f', 'good file'), given('policy.json', stranger)), ['unsupported'])
    state.world.chain.state.down = true
    assert.deepEqual(await bring(given('f', 'good file')), ['unchecked'])
    state.world.chain.state.down = false
    state.world.state.production = false
    assert.deepEqual(await bring(given('f', 'good file')), ['test-network'])
  })

  it('counts the results of several files above them, the gravest first, and says nothing above a single one', async () => {
    await withPage('/en/verify', async page => {
      await check(page, given('f0', 'good file'))
      assert.equal(await page.locator('#results-sum').textContent(), '')
      await check(
        page,
        ['withdrawn file', 'good file', 'never seen'].map((text, at) => given(`g${at}`, text)),
      )
      const lines = (await textOf(page.locator('#results-sum'))).split('\n').map(line => line.trim())
      assert.deepEqual(lines, ['No record: 1 g2', 'On the record, withdrawn: 1 g0', 'On the record: 2 f0 · g1'])
      await page.locator('#results-sum a').first().click()
      assert.equal(await page.evaluate(() => document.querySelector(':target article')?.getAttribute('aria-label')), 'g2')
      await page.locator('#clear').click()
      assert.equal(await page.locator('#results-sum').textContent(), '')
    })
  })

  it('lists the checks as they run, in their order and words, and never shows a verdict before they are done', async () => {
    await withPage('/en/verify', async page => {
      let release = () => {}
      const held = new Promise<void>(resolve => {
        release = resolve
      })
      await page.route(`${state.world.chain.url}/**`, async route => {
        await held
        await route.continue()
      })
      await page.setInputFiles('#files', [given('f', 'good file'), given('f.receipt.json', await receiptOf(6))])
      await page.waitForSelector('#results li.not-run[data-check="cosignatures"]')
      const states = () =>
        page.locator('#results li[data-check]').evaluateAll(items => items.map(item => [item.className, item.getAttribute('data-check')]))
      const before = [...['document', 'statement', 'inclusion', 'checkpoint'].map(name => ['passed', name]), ['not-run', 'cosignatures']]
      const after = ['anchor', 'finality', 'currency']
      assert.deepEqual(await states(), [...before, ...after.map(name => ['running', name])])
      assert.match(
        await textOf(page.locator('#results li[data-check=inclusion]')),
        /Inclusion: passed\s+– the statement is in the ledger’s list\s+index 6 of/,
      )
      assert.equal(await page.locator('#results [data-verdict]').count(), 0)
      release()
      await page.waitForSelector('#results article[data-verdict="anchored"]')
      assert.deepEqual(await states(), [...before, ...after.map(name => ['passed', name])])
    })
  })

  it('gives each verdict that needs no receipt, in the order in which files came', async () => {
    await withPage('/en/verify', async page => {
      await check(page, [
        given('renamed.bin', 'good file'),
        given('a', 'never seen'),
        given('b', 'old version'),
        given('c', 'withdrawn file'),
        given('d', 'fresh file'),
      ])
      assert.deepEqual(await verdicts(page), ['anchored', 'unknown', 'superseded', 'withdrawn', 'sealed'])
      const sentences = await page.locator('.sentence').allTextContents()
      assert.match(sentences[0] ?? '', /This file has been on the record, unchanged, since 20 November 2026 at 10:00 UTC\./)
      assert.match(
        (await page.locator('article[data-verdict=withdrawn] li[data-check=currency] .detail').textContent()) ?? '',
        /^withdrawn by the statement at index 12: Court order/,
      )
      assert.match(sentences[3] ?? '', /The agency withdrew it on 20 November 2026/)
    })
  })

  it('pairs files and receipts in any order, renamed or not, and asks no ledger for them', async () => {
    await withPage('/en/verify', async page => {
      const asked: string[] = []
      await page.route('**/v1/digests/*', route => {
        asked.push(route.request().url())
        return route.continue()
      })
      await check(page, given('x.receipt.json', await receiptOf(6)))
      assert.match((await page.locator('.sentence').first().textContent()) ?? '', /This entry has been on the record, unchanged, since/)
      await check(page, given('another name.txt', 'good file'))
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.deepEqual(asked, [])
    })
  })

  it('checks pasted fingerprints and receipts without any file', async () => {
    await withPage('/en/verify', async page => {
      const paste = async (text: string) => {
        await page.locator('#paste-part').evaluate(node => node.setAttribute('open', ''))
        await page.fill('#paste', text)
        await page.locator('#paste-form button').click()
      }
      const hash = (text: string) => createHash('sha256').update(text).digest('hex')
      await paste(`${hash('good file')}  good.txt\n${hash('never seen')}  never.txt\n`)
      await page.waitForSelector('#results[data-done="1"]', { state: 'attached' })
      assert.deepEqual(await verdicts(page), ['anchored', 'unknown'])
      await paste('a'.repeat(32))
      assert.match(await textOf(page.locator('#notices')), /This looks like MD5/)
      await paste(await receiptOf(8))
      await page.waitForSelector('#results[data-done="2"]', { state: 'attached' })
      assert.deepEqual((await verdicts(page)).length, 3)
    })
  })

  it('gives an answer for each record that names the file, the gravest first', async () => {
    await withPage('/en/verify', async page => {
      await check(page, given('form.txt', 'standard form'))
      assert.deepEqual(await verdicts(page), ['withdrawn', 'anchored'])
      const text = await textOf(page.locator('#results'))
      assert.match(text, /Record: Second use.*Record: First use/s)
    })
  })

  it('says that the content is the same where only the formatting of JSON changed', async () => {
    await withPage('/en/verify', async page => {
      await check(page, given('a.json', '{ "b": [2.0],\n "a": 1 }'))
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.match(await textOf(page.locator('#results')), /Same content, formatted differently/)
    })
  })

  it('refuses a damaged receipt and a changed file, and says which check failed', async () => {
    const receipt = await receiptOf(6)
    for (const [damaged, file] of [
      [receipt.replace('"record":"good"', '"record":"goog"'), 'good file'],
      [receipt.slice(0, 200), 'good file'],
      ['', 'good file'],
      [receipt, 'good file.'],
    ] as const) {
      await withPage('/en/verify', async page => {
        await check(page, [given('f.txt', file), given('f.txt.receipt.json', damaged)])
        assert.deepEqual(await verdicts(page), ['invalid'])
        assert.match(
          await textOf(page.locator('.sentence').first()),
          /The proof does not fit: (this file is not one of|the receipt cannot be read|what the receipt states is not in)/,
        )
        assert.ok((await page.locator('li.failed').count()) > 0)
      })
    }
  })

  it('never shows a test network green', async () => {
    state.world.state.production = false
    await withPage('/en/verify', async page => {
      await check(page, given('f', 'good file'))
      assert.deepEqual(await verdicts(page), ['test-network'])
      assert.equal(await page.locator('article.good').count(), 0)
    })
  })

  it('asks before a policy that was dropped judges anything, shows whose it is, and forgets it when the reader starts again', async () => {
    const elsewhere = createSigner('other.example/log', new Uint8Array(32).fill(5)).vkey
    const other = formatPolicy({
      ...state.world.policy(),
      origin: 'other.example/log',
      logKeys: [{ vkey: formatVkey(elsewhere), fromSize: 0 }],
    })
    const hash = createHash('sha256')
      .update(canonicalJson(parseJson(other)))
      .digest('hex')
    const files = async () => [given('f', 'good file'), given('f.receipt.json', await receiptOf(6))]
    for (const path of ['/en/verify', pathToFileURL(await saveOffline()).href]) {
      await withPage(path, async page => {
        await page.waitForSelector('#files', { state: 'attached' })
        await check(page, [given('my-policy.json', other), ...(await files())])
        assert.deepEqual(await verdicts(page), ['anchored'])
        const asked = await textOf(page.locator('#policy-part'))
        for (const told of [/\u2068my-policy\.json\u2069 is a policy/, /other\.example\/log/, new RegExp(hash)]) assert.match(asked, told)
        await page.locator('#policy-leave').click()
        assert.equal(await page.locator('#policy-part').isVisible(), false)
        await check(page, given('my-policy.json', other))
        assert.deepEqual(await verdicts(page), ['anchored'])
        await usePolicy(page)
        assert.deepEqual(await verdicts(page), ['unsupported'])
        assert.match(
          await textOf(page.locator('#results')),
          new RegExp(`Checked by the policy in .*my-policy\\.json.*, with the SHA-256 ${hash}`),
        )
        await page.locator('#clear').click()
        await check(page, await files())
        assert.deepEqual(await verdicts(page), ['anchored'])
        assert.equal(await page.locator('#policy-part').isVisible(), false)
        const whose = path.startsWith('file:') ? /the policy that is saved in this file/ : /the rules that the ledger itself publishes/
        assert.match(await textOf(page.locator('#results')), whose)
      })
    }
  })

  it('keeps its policy when a new one cannot be read', async () => {
    await withPage('/en/verify', async page => {
      await check(page, [given('p.json', '{"type":"openseal/policy@v1"}'), given('f', 'good file')])
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.match(
        await textOf(page.locator('#notices')),
        /\u2068p.json\u2069: This policy file was not used. It was cut off or changed .* \(POLICY_MALFORMED\)/,
      )
    })
  })

  it('loads its checking part with the first file, and says so if that part cannot be loaded', async () => {
    await withPage('/en/verify', async page => {
      const loaded = new Set<string>()
      page.on('request', request => loaded.add(new URL(request.url()).pathname))
      await page.reload()
      await page.waitForSelector('#files', { state: 'attached' })
      const atFirst = new Set(loaded)
      await page.route('**/assets/part-*', route =>
        atFirst.has(new URL(route.request().url()).pathname) ? route.continue() : route.abort(),
      )
      await page.setInputFiles('#files', given('f', 'good file'))
      await page.waitForSelector('#notices p')
      assert.match(await textOf(page.locator('#notices')), /A part of this page could not be loaded/)
      assert.ok(loaded.size > atFirst.size)
      await page.unroute('**/assets/part-*')
      await page.reload()
      await check(page, given('f', 'good file'))
      assert.deepEqual(await verdicts(page), ['anchored'])
    })
  })

  it('is unchecked when the chain is silent or two endpoints disagree, and finds again with one that answers', async () => {
    state.world.chain.state.down = true
    await withPage('/en/verify', async page => {
      await check(page, given('f', 'good file'))
      assert.deepEqual(await verdicts(page), ['unchecked'])
      state.world.chain.state.down = false
      await useEndpoints(page, `${state.world.chain.url}\n${state.world.liar.url}`)
      await page.waitForSelector('#results article[data-verdict] li.not-run[data-check="anchor"] .detail:has-text("disagree")', {
        state: 'attached',
      })
      assert.deepEqual(await verdicts(page), ['unchecked'])
      await useEndpoints(page, state.world.chain.url)
      await page.waitForSelector('#results article[data-verdict="anchored"]')
    })
  })

  it('still checks a receipt when the ledger is gone, and says so without one', async () => {
    await withPage('/en/verify', async page => {
      await page.route('**/v1/**', route => route.abort())
      await check(page, given('f', 'good file'))
      assert.match(await textOf(page.locator('#results')), /The ledger did not answer/)
      await check(page, given('f.receipt.json', await receiptOf(6)))
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.match(await textOf(page.locator('#results')), /We did not check for newer versions/)
    })
  })
})
