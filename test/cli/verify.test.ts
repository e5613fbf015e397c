/**
 * `openseal verify` with several files, with slips, and with whom it asks: a real ledger and a real
 * endpoint over HTTP.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatPolicy } from '../../src/core/policy.ts'
import { listen, stop } from '../listen.ts'
import { openWorld, type World } from '../web/world.ts'
import { type Commands, openCommands } from './commands.ts'

describe('openseal verify', function () {
  this.timeout(60_000)
  let world: World
  let folder: string
  let liar: Server
  let liarUrl: string
  let questions = 0
  let commands: Commands

  before(async () => {
    commands = openCommands()
    world = await openWorld()
    await world.submit('good', 'good file')
    await world.submit('gone', 'withdrawn file')
    await world.submit('gone', 'withdrawn file', { action: 'withdraw', reason: { code: 'other' }, documents: [] })
    await world.submit('later', 'first version', { revision: '1' })
    await world.submit('later', 'second version', { revision: '2' })
    await world.anchor()
    folder = mkdtempSync(join(tmpdir(), 'openseal-verify-'))
    const policy = formatPolicy(world.policy())
    const receipt = await world.ledger.receipt(1)
    const texts = {
      'good.txt': 'good file',
      'gone.txt': 'withdrawn file',
      'later.txt': 'first version',
      'package.json': JSON.stringify({ uri: 'u', releases: [{ ocid: 'ocds-1', id: '1', date: '2026-01-01T00:00:00Z', tag: ['tender'] }] }),
      'forged.txt': 'forged',
      'policy.json': policy,
      'r.json': receipt,
    }
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text)
    writeFileSync(join(folder, 'forged.txt.receipt.json'), receipt)
    mkdirSync(join(folder, 'folder'))
    // A mirror whose list of statements never ends.
    let next = 2 ** 40
    liar = createServer(async (request, response) => {
      questions++
      if (!request.url?.includes('agency=')) return void response.end(await (await fetch(world.url + request.url)).text())
      const records = [{ index: next, agency: 'a', record: 'good', action: 'publish' }]
      setTimeout(() => response.end(JSON.stringify({ records, cursor: String(next--) })), 100)
    })
    liarUrl = await listen(liar)
  })
  after(async () => {
    await commands.close()
    stop(liar)
    await world.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = async (args: readonly string[], { ledger = world.url, rpc = world.chain.url, input = '' } = {}) => {
    const place = { cwd: folder, env: { LC_ALL: 'C.UTF-8' }, input }
    const ran = await commands.run(['verify', ...args, '--policy', 'policy.json', '--ledger', ledger, '--rpc', rpc], place)
    return { ...ran, json: args.includes('--json') ? JSON.parse(ran.out) : undefined }
  }

  it('checks each of several files by itself, names what it cannot read, and exits with the gravest', async () => {
    const told = async (...names: string[]) => {
      const { code, json } = await run([...names, '--json'])
      return [code, ...[json].flat().map(({ file, verdict, code }: { [member: string]: string }) => `${file}: ${verdict ?? code}`)]
    }
    assert.deepEqual(await told('good.txt', 'gone.txt'), [8, 'good.txt: anchored', 'gone.txt: withdrawn'])
    assert.deepEqual(await told('good.txt', 'none.txt', 'folder'), [
      2,
      'good.txt: anchored',
      'none.txt: FILE_NOT_FOUND',
      'folder: FOLDER_EMPTY',
    ])
    assert.deepEqual(await told('none.txt', 'forged.txt', 'good.txt'), [
      5,
      'none.txt: FILE_NOT_FOUND',
      'forged.txt: invalid',
      'good.txt: anchored',
    ])
    assert.deepEqual(await told('good.txt'), [0, 'good.txt: anchored'])
    const { out } = await run(['good.txt', 'none.txt', 'forged.txt'])
    assert.match(
      out,
      /^✗ 1 Does not fit: forged\.txt\n✓ 1 On the record: good\.txt\n✗ 1 No verdict\n\n✓ good\.txt: anchored .*\n✗ none\.txt: there is no file none\.txt \[FILE_NOT_FOUND\]\n✗ forged\.txt: invalid /,
    )
  })

  it('checks every file of a folder beside its receipts, and neither receipts, policies, links nor hidden files', async () => {
    const place = join(folder, 'case')
    mkdirSync(join(place, 'inner/.git'), { recursive: true })
    const files = {
      'good.txt': 'good file',
      'good.txt.receipt.json': await world.ledger.receipt(1),
      'my.policy.json': formatPolicy(world.policy()),
      'inner/gone.txt': 'withdrawn file',
      'inner/.hidden.txt': 'hidden',
      'inner/.git/config': 'hidden',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text)
    symlinkSync(place, join(place, 'inner/circle'))
    symlinkSync(join(folder, 'forged.txt'), join(place, 'link.txt'))
    const { code, json } = await run(['case', '--json'])
    assert.deepEqual(
      [code, ...json.map((row: { [member: string]: string }) => [row.file, row.verdict, row.receipt])],
      [8, ['case/good.txt', 'anchored', 'case/good.txt.receipt.json'], ['case/inner/gone.txt', 'withdrawn', world.url]],
    )
    const again = await run(['case/inner', 'case/inner/gone.txt'])
    assert.match(again.out, /^– case\/inner\/gone\.txt: withdrawn .*\n\nChecked by/)
    assert.equal((await run(['case', '--receipt', 'r.json'])).code, 2)
    rmSync(join(place, 'inner'), { recursive: true })
    for (const name of ['good.txt', 'good.txt.receipt.json']) rmSync(join(place, name))
    const empty = await run(['case', '--json'])
    assert.deepEqual([empty.code, empty.json.map((row: { code: string }) => row.code)], [2, ['FOLDER_EMPTY']])
  })

  it('says no less of several files than of one: what became of each version, of the releases in it, and by whose rules', async () => {
    const { out, code } = await run(['good.txt', 'later.txt', 'package.json'])
    assert.equal(code, 4)
    const [, , , , good = '', later = '', whole = '', releases = '', none, trust = ''] = out.split('\n')
    assert.match(out, /^– 1 No record: package\.json\n– 1 On the record \(read the answer\): later\.txt\n✓ 1 On the record: good\.txt\n\n/)
    assert.match(good, /^✓ good\.txt: anchored \(On the record\): This file .* UTC\.$/)
    assert.match(later, /^– later\.txt: anchored \(On the record\): This file .* A later version has been published: entry 5\.$/)
    assert.match(whole, /^– package\.json: unknown/)
    assert.equal(releases, '  Releases in this package: No record: 1')
    assert.equal(none, '')
    assert.match(trust, /^Checked by the policy in .*policy\.json.*, with the SHA-256 [0-9a-f]{64}\.$/)
  })

  it('calls a policy or a receipt instead of the file wrong usage, and matches a receipt among the files with the file that it names', async () => {
    const policy = await run(['policy.json', '--json'])
    assert.deepEqual([policy.code, policy.json.code], [2, 'FILE_IS_POLICY'])
    assert.match(
      (await run(['policy.json'])).err,
      /policy\.json is a policy, not a file to check\. Name the file, and the policy with --policy/,
    )
    const receipt = await run(['r.json', '--json'])
    assert.deepEqual(
      [receipt.code, receipt.json.code, receipt.json.entry.verdict, receipt.json.entry.exit],
      [2, 'FILE_IS_RECEIPT', 'anchored', 3],
    )
    const both = await run(['good.txt', 'r.json', '--json'])
    assert.deepEqual([both.code, both.json.verdict, both.json.receipt], [0, 'anchored', 'r.json'])
    assert.equal((await run(['good.txt', 'gone.txt', '--receipt', 'r.json'])).code, 2)
  })

  it('shows what was computed and what the receipt names, in text and in JSON', async () => {
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
    const { code, json } = await run(['forged.txt', '--json'])
    assert.deepEqual(
      [code, json.sha256, json.expected.map((each: { sha256: string }) => each.sha256)],
      [5, sha256('forged'), [sha256('good file')]],
    )
    const { out } = await run(['forged.txt'])
    assert.match(
      out,
      new RegExp(`SHA-256 computed from your file +${sha256('forged')}\\n +SHA-256 that the receipt names +${sha256('good file')}`),
    )
  })

  it('names whom it asked where it could not check everything, and no secret in an address', async () => {
    const rpc = 'http://user:secret@127.0.0.1:9/key'
    const { code, json } = await run(['good.txt', '--json'], { rpc })
    assert.deepEqual([code, json.verdict, json.endpoints, json.ledger], [6, 'unchecked', ['http://127.0.0.1:9'], world.url])
    const { err } = await run(['good.txt'], { rpc })
    assert.match(err, /Asked: the ledger at http:\/\/127\.0\.0\.1:\d+; endpoints of the chain: http:\/\/127\.0\.0\.1:9\n/)
    assert.doesNotMatch(err, /secret/)
  })

  it('names an endpoint that serves none of the policy’s chains, because it does not count', async () => {
    const elsewhere = createServer((_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":"0x99"}'))
    const url = await listen(elsewhere)
    const { code, json, err } = await run(['good.txt', '--json', '--rpc', url])
    stop(elsewhere)
    assert.deepEqual([code, json.verdict], [0, 'anchored'])
    assert.equal(err, `openseal: ${url} serves chain 153, which the policy does not name: it was not asked.\n`)
  })

  it('ends at its deadline with a mirror whose list never ends, and is not green', async () => {
    const before = performance.now()
    const { code, json } = await run(['good.txt', '--timeout', '3', '--json'], { ledger: liarUrl })
    assert.ok(performance.now() - before < 20_000)
    assert.deepEqual([json.isGreen, code === 0], [false, false])
    assert.ok(questions > 10 && questions < 60, `${questions} questions`)
    assert.equal((await run(['good.txt', '--timeout', '3', '--require-current'], { ledger: liarUrl })).code, 6)
  })

  it('reads fingerprints and receipts from its input, in upper case too', async () => {
    const sha256 = createHash('sha256').update('good file').digest('hex').toUpperCase()
    for (const [name, input] of [
      ['-', `SHA256 (f) = ${sha256}`],
      [sha256, ''],
      [`sha256:${sha256}`, ''],
    ] as const) {
      const { code, json } = await run([name, '--json'], { input })
      assert.deepEqual([code, json.verdict, json.subject], [0, 'anchored', 'fingerprint'], name)
    }
    assert.deepEqual((await run(['-'], { input: 'a'.repeat(40) })).code, 2)
  })

  it('says which policy file it judged by, with its fingerprint, and names the file of one that cannot be used', async () => {
    const { json } = await run(['good.txt', '--json'])
    assert.deepEqual([json.policy.file, /^[0-9a-f]{64}$/.test(json.policy.sha256)], ['policy.json', true])
    const { err } = await commands.run(['verify', 'good.txt', '--policy', 'r.json'], { cwd: folder })
    assert.match(err, /^openseal: r\.json: /)
  })
})
