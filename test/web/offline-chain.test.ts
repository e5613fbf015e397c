/** The offline verifier, opened from disk, and a real local chain: which one lets it ask. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { filesOf, startProcess } from '../../src/chain/anvil.ts'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/logger.ts'
import { startServer } from '../../src/server/server.ts'
import { statement } from '../http/service.ts'
import { launchBrowser } from './browser.ts'
import { check, given, textOf, useEndpoints, verdicts } from './verify-tool.ts'

const FILE = 'the file of this record\n'

describe('offline verifier and a local chain', function () {
  this.timeout(120_000)
  const log = createLog({ write: () => {}, nowMs: Date.now })
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-offline-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('says that the chain did not answer unless the chain lets every page ask, and then gives its verdict', async () => {
    const dataDir = join(folder, 'data')
    const config = { ...readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '200ms' }), dataDir }
    const service = await startServer(config, { log })
    const offline = join(folder, 'offline.html')
    let receipt = ''
    const browser = await launchBrowser()
    const closing: (() => unknown)[] = [() => service.close(), () => browser.close()]
    const verdictOf = async (url: string) => {
      const context = await browser.newContext({ locale: 'en-GB' })
      const page = await context.newPage()
      await page.goto(pathToFileURL(offline).href)
      await useEndpoints(page, url)
      await check(page, [given('f', FILE), given('f.receipt.json', receipt)])
      const seen = [await verdicts(page), await textOf(page.locator('#results .sentence').first())]
      await context.close()
      return seen
    }
    try {
      const key = (await readFile(service.operatorKeyFile!, 'utf8')).trim()
      const send = async (path: string, key: string, body: unknown) =>
        (
          await fetch(service.url + path, {
            method: 'POST',
            headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          })
        ).json()
      await send('/v1/agencies', key, { id: 'transport.gov.example', name: 'Ministry of Transport' })
      const made = await send('/v1/agencies/transport.gov.example/keys', key, {})
      const bytes = new TextEncoder().encode(FILE)
      const sha256 = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
      await send('/v1/records', made.key, {
        ...statement(1),
        documents: [{ name: 'f', mediaType: 'text/plain', bytes: bytes.length, sha256 }],
      })
      while ((await (await fetch(`${service.url}/v1/records/1`)).json()).state !== 'anchored') await sleep(50)
      receipt = await (await fetch(`${service.url}/v1/records/1/receipt`)).text()
      await writeFile(offline, await (await fetch(`${service.url}/openseal-verifier.html`)).text())

      // The embedded chain lets the ledger's own pages ask, and no file.
      const silent =
        'Not checked:\nWe could not check everything just now: too few endpoints of the chain answered. Try again later, or name other endpoints.'
      assert.deepEqual(await verdictOf(service.chain.urls[0]!), [['unchecked'], silent])
      await service.close()

      const open = await startProcess(filesOf(dataDir, '*'), 0, log)
      closing.push(() => process.kill(open.pid, 'SIGKILL'))
      const [verdict, sentence] = await verdictOf(`http://127.0.0.1:${open.port}`)
      assert.deepEqual(verdict, ['test-network'])
      assert.match(
        sentence as string,
        /^Test network:\nWe did not check for newer versions\. This file has been on the record, unchanged, since .* But the chain is a test network, so this is no evidence\.$/,
      )
    } finally {
      for (const close of closing.reverse()) await close()
    }
  })
})
