/**
 * Four ways, one answer: the page in a real Chromium, the form without JavaScript, the command line
 * and the library give the same verdicts for the same things.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { TextReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import { OWN_DEVICE, readArchive } from '../../src/verifier/app/archive.ts'
import {
  type Answer,
  createFileReader,
  createJsonRpcReader,
  createLedgerReader,
  type GivenFile,
  type GivenReceipt,
  planChecks,
  readPasted,
  recognizeZipped,
  VERDICTS,
} from '../../src/verifier/index.ts'
import { WHOLE_CARDS } from '../../src/web/result.ts'
import { type Commands, openCommands } from '../cli/commands.ts'
import { savedAs } from '../core/saved-as.ts'
import { check, type Given, given, useVerifyPage } from './verify-tool.ts'

/** A ZIP archive of receipts. */
async function zipOf(...receipts: readonly string[]): Promise<Buffer> {
  return zipFiles(receipts.map((receipt, at) => [`${at}.receipt.json`, receipt]))
}

/** A ZIP archive of anything. */
async function zipFiles(files: readonly (readonly [string, string])[]): Promise<Buffer> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false })
  for (const [name, text] of files) await writer.add(name, new TextReader(text))
  return Buffer.from(await writer.close())
}

/**
 * Files as a source sends them. Some have receipts: one of these was changed, one was withdrawn. All
 * together they are more than get a card of their own (WHOLE_CARDS).
 */
const MEMBERS = 60
const STRANGERS = WHOLE_CARDS - MEMBERS + 10
const ORDER: readonly string[] = VERDICTS.map(({ code }) => code)

/**
 * The inputs, and the expected answer of each way: a verdict, or `none`, for each card from the
 * top; for a package, its releases after it. `exit` is the command line's.
 */
type Case = {
  readonly files?: readonly Given[]
  readonly pasted?: string
  readonly verdicts: readonly string[]
  readonly exit: number
  readonly isAnyOrder?: boolean
}

/** Holds the releases that the world has. */
const PACKAGE = '{"uri":"u","releases":[{"id":"r1","ocid":"ocds-1"},{"id":"r2","ocid":"ocds-1"}]}'

describe('four ways, one answer', function () {
  this.timeout(900_000)
  const { receiptOf, state, withPage } = useVerifyPage()
  let folder: string
  let commands: Commands
  /** Entries of the files that a source sends in one archive. */
  const members: number[] = []
  /** An archive that is itself on the record. */
  let published: Buffer
  before(async () => {
    commands = openCommands()
    folder = await mkdtemp(join(tmpdir(), 'openseal-ways-'))
    for (let at = 0; at < MEMBERS; at++) members.push(Number(await state.world.submit(`member-${at}`, `member ${at}`)))
    await state.world.submit('member-7', 'member 7', { action: 'withdraw', reason: { code: 'other' }, documents: [] })
    published = await zipFiles([['inside.txt', 'in no record']])
    const sha256 = createHash('sha256').update(published).digest('hex')
    await state.world.submit('archive', '', {
      documents: [{ name: 'published.zip', mediaType: 'application/zip', bytes: published.length, sha256 }],
    })
    await state.world.anchor()
    await state.world.submit('fresh-2', 'fresher file')
    await state.world.submit(`urn:sha256:${createHash('sha256').update(PACKAGE).digest('hex')}`, PACKAGE)
  })
  after(async () => {
    await commands.close()
    await rm(folder, { recursive: true, force: true })
  })

  const cases = async (): Promise<{ readonly [title: string]: Case }> => {
    const good = await receiptOf(6)
    const saved = savedAs(good)
    const sha256 = createHash('sha256').update('good file').digest('hex')
    const lines = `${await receiptOf(4)}\n${await receiptOf(5)}\n`
    const ofPackage = `${await receiptOf(state.world.ledger.head().size - 1)}\n`
    const upper = sha256.toUpperCase()
    return {
      'a file': { files: [given('f.txt', 'good file')], verdicts: ['anchored'], exit: 0 },
      'files of every state': {
        files: ['good file', 'old version', 'withdrawn file', 'fresher file', 'never seen'].map((text, at) => given(`f${at}.txt`, text)),
        verdicts: ['anchored', 'superseded', 'withdrawn', 'sealed', 'unknown'],
        exit: 4,
      },
      'a forged file and a receipt': { files: [given('f.txt', 'forged'), given('r.receipt.json', good)], verdicts: ['invalid'], exit: 5 },
      'a file and a receipt without documents': {
        files: [given('f.txt', 'forged'), given('r.receipt.json', await receiptOf(0))],
        verdicts: ['invalid'],
        exit: 5,
      },
      'a known file beside the receipt of another': {
        files: [given('f.txt', 'good file'), given('f.txt.receipt.json', await receiptOf(1))],
        verdicts: ['invalid'],
        exit: 5,
      },
      ...Object.fromEntries(
        Object.entries(saved).map(([encoding, bytes]) => [
          `a receipt in ${encoding}`,
          {
            files: [given('f.txt', 'good file'), { ...given('f.txt.receipt.json', ''), buffer: Buffer.from(bytes) }],
            verdicts: ['anchored'],
            exit: 0,
          },
        ]),
      ),
      'a receipt in an encoding that is not known': {
        files: [
          given('f.txt', 'good file'),
          { ...given('f.txt.receipt.json', ''), buffer: Buffer.from(good.replace('"title":"', '"title":"\xe9'), 'latin1') },
        ],
        verdicts: ['none'],
        exit: 2,
      },
      'a receipt in place of a file': { files: [given('r.receipt.json', good)], verdicts: ['anchored'], exit: 2 },
      'several receipts in lines, in place of files': {
        files: [given('download.ndjson', lines)],
        verdicts: ['anchored', 'anchored'],
        exit: 2,
      },
      'a ZIP of receipts beside its files': {
        files: [
          given('f.txt', 'good file'),
          given('g.txt', 'old version'),
          { ...given('receipts.zip', ''), buffer: await zipOf(good, await receiptOf(1)) },
        ],
        verdicts: ['anchored', 'superseded'],
        exit: 8,
      },
      'a ZIP from a source, with receipts for some files, one changed and one withdrawn': {
        files: [{ ...given('source.zip', ''), buffer: await sourceZip() }],
        // Of many, the gravest come first on the page and in the form.
        verdicts: ['invalid', ...Array(STRANGERS).fill('unknown'), 'withdrawn', ...Array(MEMBERS - 2).fill('anchored')],
        exit: 5,
        isAnyOrder: true,
      },
      'a ZIP that is itself on the record, whose files are not': {
        files: [{ ...given('published.zip', ''), buffer: published }],
        verdicts: ['anchored'],
        exit: 0,
      },
      'a ZIP of files on the record, without receipts': {
        files: [
          {
            ...given('z.zip', ''),
            buffer: await zipFiles([
              ['a.txt', 'good file'],
              ['b.txt', 'never seen'],
            ]),
          },
        ],
        verdicts: ['anchored', 'unknown'],
        exit: 4,
      },
      'a compressed copy': { files: [{ ...given('f.txt.gz', ''), buffer: gzipSync('good file') }], verdicts: ['unknown'], exit: 4 },
      'a package and its receipts': {
        files: [given('p.json', PACKAGE), given('p.json.receipts.ndjson', lines + ofPackage)],
        verdicts: ['sealed', 'anchored', 'anchored'],
        exit: 3,
      },
      'a package and receipts of its releases only': {
        files: [given('q.json', PACKAGE.replace('"u"', '"v"')), given('q.json.receipts.ndjson', lines)],
        verdicts: ['unknown', 'anchored', 'anchored'],
        exit: 4,
      },
      'a package that was changed around its releases, and its receipts': {
        files: [given('p.json', PACKAGE.replace('"u"', '"forged"')), given('p.json.receipts.ndjson', lines + ofPackage)],
        verdicts: ['invalid', 'anchored', 'anchored'],
        exit: 5,
      },
      'a package with a forged release, and its receipts': {
        files: [given('p.json', PACKAGE.replace('"r1"', '"r1","forged":true')), given('p.json.receipts.ndjson', lines + ofPackage)],
        verdicts: ['invalid', 'invalid', 'anchored'],
        exit: 5,
      },
      'a fingerprint in upper case': { pasted: upper, verdicts: ['anchored'], exit: 0 },
      'what certutil prints': {
        pasted: `SHA256 hash of f.txt:\r\n${sha256}\r\nCertUtil: -hashfile command completed successfully.\r\n`,
        verdicts: ['anchored'],
        exit: 0,
      },
      'what Get-FileHash prints': {
        pasted: `Algorithm       Hash       Path\n---------       ----       ----\nSHA256          ${upper}       C:\\f.txt\n`,
        verdicts: ['anchored'],
        exit: 0,
      },
      'what sha256sum --tag prints': { pasted: `SHA256 (f.txt) = ${sha256}\n`, verdicts: ['anchored'], exit: 0 },
      'the text of a receipt': { pasted: good, verdicts: ['anchored'], exit: 2 },
      'the text of several receipts': { pasted: `[${good},${await receiptOf(1)}]`, verdicts: ['anchored', 'superseded'], exit: 2 },
    }
  }

  it('gives the same verdicts on the page, by the form, on the command line and by the library', async () => {
    for (const [title, { files = [], pasted, verdicts, exit, isAnyOrder }] of Object.entries(await cases())) {
      const gravestFirst = (found: readonly string[]) =>
        isAnyOrder ? found.toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)) : found
      assert.deepEqual(gravestFirst(await byLibrary(files, pasted)), verdicts, `${title}: library`)
      const found = await byCommand(files, pasted)
      assert.deepEqual({ ...found, verdicts: gravestFirst(found.verdicts) }, { verdicts, exit }, `${title}: command line`)
      assert.deepEqual(await byForm(files, pasted), verdicts, `${title}: form`)
      assert.deepEqual(await byPage(files, pasted), verdicts, `${title}: page`)
    }
  })

  async function sourceZip(): Promise<Buffer> {
    const files: [string, string][] = []
    for (const [at, index] of members.entries()) {
      files.push([`files/${at}.txt`, at === 23 ? 'member 23, changed' : `member ${at}`])
      files.push([`receipts/${at}.txt.receipt.json`, await receiptOf(index)])
    }
    for (let at = 0; at < STRANGERS; at++) files.push([`others/${at}.md`, `stranger ${at}`])
    return zipFiles(files)
  }

  async function byLibrary(files: readonly Given[], pasted?: string): Promise<string[]> {
    const { chain, policy, url } = state.world
    const found: { files: GivenFile[]; receipts: GivenReceipt[] } = { files: [], receipts: [] }
    for (const { name, buffer } of files) {
      const reader = createFileReader()
      reader.update(buffer)
      const blob = new Blob([new Uint8Array(buffer)])
      const each = await recognizeZipped(name, reader.finish(), path => readArchive(path, blob, OWN_DEVICE))
      if (each.kind === 'file') found.files.push(each.file)
      if (each.kind === 'archive') found.files.push(...each.files)
      if (each.kind === 'receipts' || each.kind === 'archive') found.receipts.push(...each.receipts)
    }
    const text = readPasted('pasted', pasted ?? '')
    if (text.kind === 'given') {
      found.files.push(...text.files)
      found.receipts.push(...text.receipts)
    }
    const ledger = createLedgerReader({ url, origin: policy().origin, fetch, timeoutMs: 5000 })
    const readers = [createJsonRpcReader({ url: chain.url, fetch, timeoutMs: 5000 })]
    const tasks = planChecks(found.files, found.receipts, { policy: policy(), trust: 'ledger', chain: readers, ledger })
    const answers: Answer[] = []
    for (const task of tasks) {
      const { own, parts } = await task.run()
      answers.push(...own, ...parts)
    }
    return answers.map(({ finding }) => finding?.result.verdict ?? 'none')
  }

  async function byCommand(files: readonly Given[], pasted?: string): Promise<{ verdicts: string[]; exit: number }> {
    const place = await mkdtemp(join(folder, 'case-'))
    for (const { name, buffer } of files) await writeFile(join(place, name), buffer)
    const { chain, url } = state.world
    const names = pasted === undefined ? files.map(({ name }) => name) : ['-']
    const args = ['verify', ...names, '--json', '--trust-ledger', '--ledger', url, '--rpc', chain.url]
    const { code: exit, out } = await commands.run(args, { cwd: place, ...(pasted !== undefined && { input: pasted }) })
    type Told = { verdict?: string; entry?: Told; others?: Told[]; releases?: Told[] }
    const verdictsOf = ({ verdict = 'none', entry, others = [], releases = [] }: Told): string[] =>
      entry ? verdictsOf(entry) : [verdict, ...others.flatMap(verdictsOf), ...releases.flatMap(verdictsOf)]
    return { verdicts: ([JSON.parse(out)].flat() as Told[]).flatMap(verdictsOf), exit }
  }

  async function byForm(files: readonly Given[], pasted = ''): Promise<string[]> {
    const body = new FormData()
    for (const { name, buffer } of files) body.append('files', new File([new Uint8Array(buffer)], name))
    body.append('pasted', pasted)
    const text = await (await fetch(`${state.world.url}/en/verify`, { method: 'POST', body })).text()
    return [...text.matchAll(/<(?:article|p)[^>]* data-verdict="([^"]*)"/g)].map(([, verdict = '']) => verdict)
  }

  async function byPage(files: readonly Given[], pasted?: string): Promise<string[]> {
    let seen: string[] = []
    await withPage('/en/verify', async page => {
      if (pasted === undefined) await check(page, [...files])
      else {
        await page.locator('#paste-part').evaluate(part => part.setAttribute('open', ''))
        await page.fill('#paste', pasted)
        await page.locator('#paste-form button').click()
        await page.waitForSelector('#results[data-done]')
      }
      for (const more = page.locator('#more-results button'); (await more.count()) > 0; ) await more.click()
      seen = await page.locator('#results article').evaluateAll(cards => cards.map(card => (card as HTMLElement).dataset.verdict ?? ''))
    })
    return seen
  }
})
