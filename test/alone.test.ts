/**
 * Everything deleted but the core, the verifier and the page: what is left, in an empty folder,
 * still checks a receipt against the chain. The ledger that gave the receipt is gone. With the
 * command line and the audit, what is left still works against somebody else's ledger.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { readConfig } from '../src/config.ts'
import { startServer } from '../src/server/server.ts'
import { type AnchoredWorld, openAnchoredWorld } from './audit/anchored-world.ts'
import { policyOf } from './audit/world.ts'
import { BARE_ENV } from './bare-env.ts'
import { statementOf } from './ledger/fixtures.ts'
import { launchBrowser } from './web/browser.ts'

const run = promisify(execFile)
const root = dirname(import.meta.dirname)
const FILE = 'The bridge is to be built.\n'

describe('the core, the verifier and the page alone', function () {
  this.timeout(120_000)
  let world: AnchoredWorld
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-alone-'))
    world = await openAnchoredWorld()
    const { ledger, close } = world.served
    const sha256 = createHash('sha256').update(FILE).digest('hex')
    const documents = [{ name: 'bridge.txt', mediaType: 'text/plain', bytes: FILE.length, sha256 }]
    const { index } = await ledger.submit(statementOf('bridge', 0, { documents }))
    await world.anchorHead(index + 1)
    const policy = policyOf(ledger, [{ ...world.pinned, production: true }])
    await writeFile(join(folder, 'policy.json'), JSON.stringify(policy))
    await writeFile(join(folder, 'bridge.txt.receipt.json'), await ledger.receipt(index))
    await writeFile(join(folder, 'bridge.txt'), FILE)
    await close()
  })
  after(async () => {
    await world?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('the verifier says "anchored" of the file and its receipt, and "invalid" of another file', async () => {
    const place = join(folder, 'verifier')
    await leaveOnly(place, VERIFIER, ['@noble/curves', '@noble/hashes', 'canonicalize'])
    const program = `import { readFileSync } from 'node:fs'
      import { createJsonRpcReader, digestsOf, parsePolicy, verify } from './src/verifier/index.ts'
      const policy = parsePolicy(readFileSync('../policy.json'))
      const chain = [createJsonRpcReader({ url: process.argv[2], fetch, timeoutMs: 60_000 })]
      const receipt = readFileSync('../bridge.txt.receipt.json')
      const files = [readFileSync('../bridge.txt'), Buffer.from('another')]
      for (const file of files) {
        const { verdict, date, checks } = await verify({ file: digestsOf(file), receipt, policy, chain, trust: 'policy' })
        console.log(verdict, date, checks.map(({ status }) => status).join())
      }`
    await writeFile(join(place, 'check.mjs'), program)
    const { stdout } = await run(process.execPath, ['check.mjs', world.chain.url], { cwd: place })
    const { block } = JSON.parse(await readFile(join(folder, 'bridge.txt.receipt.json'), 'utf8')).anchors[0]
    assert.deepEqual(stdout.split('\n'), [
      `anchored ${block.time} passed,passed,passed,passed,not-run,passed,passed,not-run`,
      'invalid undefined failed,passed,passed,passed,not-run,not-run,not-run,not-run',
      '',
    ])
  })

  it('the page is made, opened from disk in a browser, and says the same', async () => {
    const place = join(folder, 'page')
    await leaveOnly(
      place,
      ['html.ts', 'messages', 'report', 'turns.ts', 'web', ...VERIFIER],
      ['@noble/curves', '@noble/hashes', '@zip.js/zip.js', 'canonicalize', 'esbuild'],
    )
    const program = `import { readFileSync, writeFileSync } from 'node:fs'
      import { bundleOffline } from './src/web/bundle.ts'
      import { makeOfflineVerifier } from './src/web/offline.ts'
      const policy = JSON.parse(readFileSync('../policy.json', 'utf8'))
      const { text } = makeOfflineVerifier({ policy, endpoints: [process.argv[2]], scriptText: await bundleOffline() })
      writeFileSync('page.html', text)`
    await writeFile(join(place, 'make.mjs'), program)
    await run(process.execPath, ['make.mjs', world.chain.url], { cwd: place })
    const browser = await launchBrowser()
    try {
      const page = await browser.newPage({ locale: 'en-GB' })
      await page.goto(pathToFileURL(join(place, 'page.html')).href)
      await page.setInputFiles('#files', [join(folder, 'bridge.txt'), join(folder, 'bridge.txt.receipt.json')])
      await page.waitForSelector('#results article[data-verdict="anchored"]')
      await writeFile(join(place, 'bridge.txt'), 'another')
      await page.setInputFiles('#files', [join(place, 'bridge.txt'), join(folder, 'bridge.txt.receipt.json')])
      await page.waitForSelector('#results article[data-verdict="invalid"]')
    } finally {
      await browser.close()
    }
  })
})

describe('the command line without the service', function () {
  this.timeout(240_000)

  it('submits, fetches a receipt and completes it, verifies and audits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openseal-alone-'))
    const config = readConfig({
      OPENSEAL_PORT: '0',
      OPENSEAL_CHAIN_PORT: '0',
      OPENSEAL_DATA: join(folder, 'data'),
      OPENSEAL_ANCHOR_INTERVAL: '1s',
    })
    const service = await startServer(config)
    try {
      const place = join(folder, 'commands')
      await leaveOnly(
        place,
        ['audit', 'chain', 'cli', 'folder-lock.ts', 'html.ts', 'messages', 'report', 'whole-file.ts', ...VERIFIER],
        [
          ...['@noble/curves', '@noble/hashes', '@zip.js/zip.js', 'asn1js', 'canonicalize', 'cli-progress', 'commander'],
          ...['csv-parse', 'ethers', 'level', 'merkletreejs', 'postal-mime', 'saxes'],
        ],
      )
      await cp(join(root, 'contracts'), join(place, 'contracts'), { recursive: true })
      const env = {
        ...BARE_ENV,
        OPENSEAL_LEDGER: service.url,
        OPENSEAL_RPC: service.chain.urls.join(),
        OPENSEAL_API_KEY_FILE: 'agency.key',
        OPENSEAL_OPERATOR_KEY_FILE: service.operatorKeyFile,
      }
      const openseal = (...args: string[]) =>
        run(process.execPath, [join(place, 'src/cli/main.ts'), ...args], { cwd: folder, env }).then(
          ({ stdout }) => ({ code: 0, stdout }),
          ({ code, stdout, stderr }) => ({ code, stdout: `${stdout}${stderr}` }),
        )
      await writeFile(join(folder, 'bridge.txt'), FILE)
      const submit = ['submit', 'bridge.txt', '--agency', 'a.gov.example', '--kind', 'decision', '--record', '1']
      const steps: [string[], number, RegExp][] = [
        [['agency', 'add', 'a.gov.example', '--name', 'A', '--key-file', 'agency.key'], 0, /a\.gov\.example/],
        [[...submit, '--wait'], 0, /Receipt: bridge\.txt\.receipt\.json/],
        [['receipt', '1', '--out', 'copy.json'], 0, /./],
        [['receipt', '--upgrade', 'copy.json'], 0, /./],
        [['policy', '--out', 'policy.json'], 0, /policy\.json/],
        [['verify', 'bridge.txt', '--policy', 'policy.json'], 3, /test-network/],
        [['audit', '--policy', 'policy.json', '--state', 'state', '--report', 'audit.html'], 0, /consistent/],
      ]
      for (const [args, exit, words] of steps) {
        const { code, stdout } = await openseal(...args)
        assert.equal(code, exit, `${args.join(' ')}\n${stdout}`)
        assert.match(stdout, words)
      }
    } finally {
      await service.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})

/** Everything that the verifier needs. */
const VERIFIER = ['at-once.ts', 'bounded.ts', 'core', 'documents', 'ledger-client', 'rpc', 'verifier']

/** Copies these folders of src, and links these packages; nothing else of the project is there. */
async function leaveOnly(place: string, sources: readonly string[], packages: readonly string[]): Promise<void> {
  const { imports, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await mkdir(place)
  await writeFile(join(place, 'package.json'), JSON.stringify({ type: 'module', imports, version }))
  for (const source of sources) await cp(join(root, 'src', source), join(place, 'src', source), { recursive: true })
  for (const name of packages) {
    const link = join(place, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link)
  }
}
