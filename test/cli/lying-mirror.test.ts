/**
 * The command line against a server that passes a real ledger's answers on and lies in one of them:
 * no lie is believed, printed or kept.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { anchorInterface } from '../../src/chain/artifact.ts'
import { readConfig } from '../../src/config.ts'
import { fromHex } from '../../src/core/bytes.ts'
import { hashLeaf, hashNode } from '../../src/core/hash.ts'
import { canonicalJson, parseJson } from '../../src/core/json.ts'
import { formatReceipt } from '../../src/core/receipt.ts'
import { encodeEntry } from '../../src/core/statements/entry.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { createSigner, formatVkey, type Signer, signNote } from '../../src/core/tlog/note.ts'
import { startServer } from '../../src/server/server.ts'
import { savedAs } from '../core/saved-as.ts'
import { statement } from '../http/service.ts'
import { listen, stop } from '../listen.ts'
import { type Commands, openCommands, type Ran } from './commands.ts'

type Service = Awaited<ReturnType<typeof startServer>>
/** The mirror's answer in place of the ledger's; undefined passes the ledger's on. */
type Lie = (path: string, truth: string) => string | undefined

const AGENCY = 'transport.gov.example'
const THIEF = new Uint8Array(32).fill(66)

describe('the command line against a mirror that lies', function () {
  this.timeout(120_000)
  let folder: string
  let service: Service
  let commands: Commands
  let mirror: Server
  let url: string
  let lie: Lie = () => undefined
  let asked: string[] = []

  const openseal = (args: readonly string[], env: { readonly [name: string]: string } = {}): Promise<Ran> => {
    const rpc = service.chain.urls.join(',')
    const settings = { LC_ALL: 'C.UTF-8', OPENSEAL_LEDGER: url, OPENSEAL_RPC: rpc, OPENSEAL_API_KEY_FILE: 'agency.key' }
    return commands.run(args, { cwd: folder, env: { ...settings, ...env } })
  }
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const submit = ['submit', '--agency', AGENCY, '--kind', 'decision']
  /** The receipt that the ledger itself gives once the chain vouches for it. */
  const anchoredReceipt = async (index: number) => {
    for (;;) {
      const text = await (await fetch(`${service.url}/v1/records/${index}/receipt`)).text()
      if (JSON.parse(text).anchors.length > 0) return text
      await sleep(50)
    }
  }
  /** The command names the liar and exits with 5, and the files in the folder are unchanged. */
  const refuses = async (args: readonly string[], told: Lie, why: RegExp, code = 5) => {
    const before = readdirSync(folder).map(name => [name, name === 'data' ? '' : read(name)])
    lie = told
    const ran = await openseal(args)
    lie = () => undefined
    equal(ran.code, code, `${args.join(' ')}: ${ran.out}${ran.err}`)
    ok(ran.err.includes(url), ran.err)
    match(ran.err, why)
    equal(ran.out, '')
    deepEqual(
      readdirSync(folder).map(name => [name, name === 'data' ? '' : read(name)]),
      before,
    )
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-mirror-'))
    service = await startServer(
      readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_DATA: join(folder, 'data'), OPENSEAL_ANCHOR_INTERVAL: '200ms' }),
    )
    commands = openCommands()
    mirror = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      asked.push(request.url!)
      const {
        host: _,
        connection: _c,
        'accept-encoding': _e,
        'transfer-encoding': _t,
        ...headers
      } = request.headers as { [name: string]: string }
      const body = request.method === 'GET' ? {} : { body: Buffer.concat(chunks) }
      const truth = await fetch(service.url + request.url, { method: request.method!, headers, ...body })
      const text = await truth.text()
      response.writeHead(truth.status, { 'content-type': truth.headers.get('content-type') ?? 'text/plain' })
      response.end(lie(request.url!, text) ?? text)
    })
    url = await listen(mirror)
    const operator = { OPENSEAL_OPERATOR_KEY_FILE: service.operatorKeyFile! }
    equal((await openseal(['agency', 'add', AGENCY, '--name', 'Transport', '--key-file', 'agency.key'], operator)).code, 0)
    equal((await openseal(['policy', '--out', 'policy.json'])).code, 0)
    write('one.txt', 'one\n')
    write('two.txt', 'two\n')
    equal((await openseal([...submit, 'one.txt', '--record', '1'])).code, 0)
    equal((await openseal([...submit, 'two.txt', '--record', '2'])).code, 0)
    asked = []
  })
  after(async () => {
    await commands.close()
    if (mirror) stop(mirror)
    await service?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('refuses the receipt of another statement, whatever it says of its index', async () => {
    const [one, two] = [JSON.parse(await anchoredReceipt(1)), JSON.parse(await anchoredReceipt(2))]
    const other: Lie = path => (path.endsWith('/receipt') ? JSON.stringify(two) : undefined)
    await refuses(['receipt', '1'], other, /LEDGER_LIED/)
    await refuses(['receipt', '--upgrade', 'one.txt'], other, /LEDGER_LIED/)
    const swapped: Lie = path => (path.endsWith('/receipt') ? JSON.stringify({ ...one, statement: two.statement }) : undefined)
    for (const args of [
      ['receipt', '1', '--out', 'new.json'],
      ['receipt', '--upgrade', 'one.txt'],
      ['receipt', '1', '--policy', 'policy.json'],
    ])
      await refuses(args, swapped, /LEDGER_LIED/)
    ok(!existsSync(join(folder, 'new.json')))
  })

  it('refuses what another key signed, though the mirror serves a policy for it', async () => {
    const genuine = JSON.parse(await anchoredReceipt(1))
    const policy = JSON.parse(read('policy.json'))
    const thief = createSigner(policy.origin, THIEF)
    const forged = forge(genuine.statement, policy.origin, thief)
    const mine: Lie = path => (path.endsWith('/receipt') ? JSON.stringify({ ...JSON.parse(forged), anchors: genuine.anchors }) : undefined)
    await refuses(['receipt', '1', '--policy', 'policy.json'], mine, /LEDGER_LIED/)
    await refuses(['receipt', '--upgrade', 'one.txt', '--policy', 'policy.json'], mine, /LEDGER_LIED/)
    await refuses(['receipt', '--upgrade', 'one.txt'], mine, /LEDGER_LIED/)
    const before = read('one.txt.receipt.json')
    lie = (path, truth) =>
      path === '/policy.json'
        ? JSON.stringify({ ...policy, logKeys: [...policy.logKeys, { vkey: formatVkey(thief.vkey), fromSize: 0 }] })
        : mine(path, truth)
    const { code, err } = await openseal(['receipt', '--upgrade', 'one.txt'])
    lie = () => undefined
    deepEqual([code, /RECEIPT_OTHER_KEY/.test(err)], [6, true], err)
    equal(read('one.txt.receipt.json'), before)
  })

  it('keeps good evidence if the answer only claims to be anchored', async () => {
    const before = read('one.txt.receipt.json')
    deepEqual(JSON.parse(before).anchors, [])
    const { anchors } = JSON.parse(await anchoredReceipt(1))
    const size = Number(/\n(\d+)\n/.exec(JSON.parse(before).proof.split('\n\n')[1])![1])
    // A sealed receipt of a size that no anchor has, with an anchor invented for it.
    const claims: Lie = path =>
      path.endsWith('/receipt') ? JSON.stringify({ ...JSON.parse(before), anchors: [{ ...anchors[0], size }] }) : undefined
    if (anchors[0].size !== size) {
      lie = claims
      const { code, out } = await openseal(['receipt', '--upgrade', 'one.txt', '--json'])
      lie = () => undefined
      deepEqual([code, JSON.parse(out).sealed], [3, 1])
    }
    lie = claims
    const unasked = await openseal(['receipt', '--upgrade', 'one.txt', '--json'], { OPENSEAL_RPC: 'http://127.0.0.1:1' })
    lie = () => undefined
    deepEqual([unasked.code, JSON.parse(unasked.out).unchecked], [6, 1])
    equal(read('one.txt.receipt.json'), before)
  })

  it('completes a receipt with what verifies, and asks nobody again', async () => {
    write(
      'list.ndjson',
      `{"index":1,"receipt":${read('one.txt.receipt.json').trim()}}\n{"index":7,"erased":9}\n${read('two.txt.receipt.json')}`,
    )
    const done = await openseal(['receipt', '--upgrade', 'one.txt', '--json'])
    deepEqual(
      [done.code, JSON.parse(done.out)],
      [0, { receipt: 'one.txt.receipt.json', anchored: 1, sealed: 0, unchecked: 0, disowned: 0, testNetwork: true }],
    )
    equal(read('one.txt.receipt.json').trim(), (await anchoredReceipt(1)).trim())
    asked = []
    equal((await openseal(['receipt', '--upgrade', 'one.txt', '--policy', 'policy.json'])).code, 0)
    deepEqual(asked, [])
    // And what a later answer lacks takes nothing away.
    const listed = await openseal(['receipt', '--upgrade', 'list.ndjson', '--json'])
    deepEqual([listed.code, JSON.parse(listed.out).anchored], [0, 2], listed.err)
    const [first, erased, last] = read('list.ndjson')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    deepEqual([first.index, first.receipt.anchors.length, erased, last.anchors.length], [1, 1, { index: 7, erased: 9 }, 1])
  })

  it('completes a receipt beside its file in whatever encoding it was saved, and names one that no encoding fits', async () => {
    const path = join(folder, 'two.txt.receipt.json')
    const before = readFileSync(path)
    const saved = savedAs(before.toString())
    for (const encoding of ['UTF-8 with a mark', 'UTF-16 LE with a mark']) {
      writeFileSync(path, saved[encoding]!)
      const { code, err } = await openseal(['receipt', '--upgrade', 'two.txt'])
      deepEqual([code, JSON.parse(read('two.txt.receipt.json')).anchors.length], [0, 1], `${encoding}: ${err}`)
    }
    writeFileSync(path, Buffer.of(0x7b, 0xff, 0xc3))
    const { code, err } = await openseal(['receipt', '--upgrade', 'two.txt'])
    deepEqual([code, /two\.txt\.receipt\.json.*UTF-8/.test(err)], [2, true], err)
    writeFileSync(path, before)
  })

  it('reports no success if the ledger answers with the receipt of another statement', async () => {
    const other = await anchoredReceipt(2)
    write('three.txt', 'three\n')
    const args = [...submit, 'three.txt', '--record', '3']
    await refuses(args, path => (path === '/v1/records' ? `{"index":2,"receipt":${other}}` : undefined), /LEDGER_LIED.*|another statement/)
    ok(!existsSync(join(folder, 'three.txt.receipt.json')))
    await refuses([...args, '--wait', '20'], path => (path.endsWith('/receipt') ? other : undefined), /LEDGER_LIED/)
    ok(!existsSync(join(folder, 'three.txt.receipt.json')))
    const waited = await openseal([...args, '--wait', '30', '--json'])
    deepEqual([waited.code, JSON.parse(waited.out).state], [0, 'anchored'], waited.err)
  })

  it('submits nothing if the dry run is answered with something else', async () => {
    write('five.txt', 'five\n')
    const args = [...submit, 'five.txt', '--record', '5']
    for (const answer of ['{}', '7', '{"warnings":7}', '{"warnings":[],"known":"1"}', '{"index":2,"receipt":{}}'])
      await refuses(args, path => (path === '/v1/records?dry-run' ? answer : undefined), /LEDGER_ANSWER/, 1)
    ok(!existsSync(join(folder, 'five.txt.receipt.json')))
  })

  it('accepts no answer that is not an object, and no empty answer as a receipt', async () => {
    write('six.txt', 'six\n')
    const answer =
      (at: RegExp, text: string): Lie =>
      path =>
        at.test(path) ? text : undefined
    const args = [...submit, 'six.txt', '--record', '6']
    await refuses(args, answer(/^\/v1\/records$/, ''), /LEDGER_LIED/)
    for (const text of ['null', '7']) {
      await refuses(args, answer(/^\/v1\/records$/, text), /LEDGER_ANSWER/, 1)
      await refuses(['policy', '--extend', 'policy.json'], answer(/^\/v1\/keys$/, text), /LEDGER_ANSWER/, 1)
      await refuses(['status'], answer(/^\/v1\/status$/, text), /LEDGER_ANSWER/, 1)
    }
    write('six.json', JSON.stringify({ ocid: 'ocds-1-six', id: 'six', date: '2026-11-01T00:00:00Z', tag: ['tender'] }))
    for (const text of ['null\n', '7\n', 'x\n'])
      await refuses(['submit', '--ocds', 'six.json', '--agency', AGENCY], answer(/^\/v1\/receipts\//, text), /LEDGER_ANSWER/, 1)
  })

  it('reports no success on the word of a server that is no ledger', async () => {
    let text = ''
    const other = createServer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text))
    const env = { OPENSEAL_LEDGER: await listen(other), OPENSEAL_OPERATOR_KEY: 'x'.repeat(43) }
    const asking = [
      ['status'],
      ['agency', 'list'],
      ['agency', 'keys', AGENCY],
      ['agency', 'key', AGENCY],
      ['erase', '6', '--reason', 'legal', '--operator'],
      ['status', '--json'],
    ]
    for (text of ['[]', '{"origin":1,"agencies":[{}],"keys":[{}],"keyId":"1","index":6}', '{"index":6,"erasure":"x"}'])
      for (const args of asking) {
        const { code, out, err } = await openseal(args, env)
        equal(code, 1, `${args} ${text} ${out}`)
        match(args.includes('--json') ? out : err, /LEDGER_ANSWER/)
      }
    stop(other)
  })

  it('calls nothing anchored unless an endpoint of the chain was asked about it', async () => {
    write('four.txt', 'four\n')
    const args = [...submit, 'four.txt', '--record', '4', '--wait', '5', '--json']
    const { code, out, err } = await openseal(args, { OPENSEAL_RPC: 'http://127.0.0.1:1' })
    deepEqual([code, JSON.parse(out).state], [6, 'unchecked'], err)
    // It says so while it waits, once, and not only at the end of ten minutes.
    equal(err.match(/no endpoint of the chain answers\. Still waiting/g)?.length, 1, err)
  })

  it('writes none of the receipts of a package where one is of another statement', async () => {
    const release = (id: string) => ({ ocid: `ocds-1-${id}`, id, date: '2026-11-01T00:00:00Z', tag: ['tender'], initiationType: 'tender' })
    write(
      'package.json',
      JSON.stringify({
        uri: 'https://a.example/p',
        version: '1.1',
        publishedDate: '2026-11-01T00:00:00Z',
        releases: [release('a'), release('b')],
      }),
    )
    const args = ['submit', '--ocds', 'package.json', '--agency', AGENCY]
    const swapped: Lie = (path, truth) => {
      if (!path.startsWith('/v1/receipts/')) return undefined
      const lines = truth
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      const last = lines.at(-1)
      return `${lines.map(line => JSON.stringify({ ...line, receipt: last.receipt })).join('\n')}\n`
    }
    await refuses(args, swapped, /LEDGER_LIED/)
    // The last of several under one checkpoint has its own statement, and a proof that leads
    // nowhere.
    const unproven: Lie = (path, truth) => {
      if (!path.startsWith('/v1/receipts/')) return undefined
      const lines = truth.trim().split('\n')
      const { index, receipt } = JSON.parse(lines.at(-1)!)
      const proof = receipt.proof.replace(/(index \d+\n).*/, `$1${'A'.repeat(43)}=`)
      return `${[...lines.slice(0, -1), JSON.stringify({ index, receipt: { ...receipt, proof } })].join('\n')}\n`
    }
    await refuses(args, unproven, /LEDGER_LIED/)
    ok(!existsSync(join(folder, 'package.json.receipts.ndjson')))
    const sent = await openseal([...args, '--wait', '30', '--json'])
    equal(sent.code, 0, sent.err)
    deepEqual([JSON.parse(sent.out).files[0].anchored, JSON.parse(sent.out).files[0].missing], [3, 0])
    const kept = read('package.json.receipts.ndjson')
    lie = (path, truth) => (path.startsWith('/v1/receipts/') ? truth.replace(/"anchors":\[[^\]]*\]/g, '"anchors":[]') : undefined)
    equal((await openseal(args)).code, 0)
    equal(read('package.json.receipts.ndjson'), kept)
    // Each receipt counts once, however often it is given.
    rmSync(join(folder, 'package.json.receipts.ndjson'))
    lie = (path, truth) => (path.startsWith('/v1/receipts/') ? truth + truth : undefined)
    equal((await openseal(args)).code, 0)
    lie = () => undefined
    const namesIn = (text: string) =>
      text
        .trim()
        .split('\n')
        .map(line => /index \d+/.exec(line)?.[0])
    deepEqual(namesIn(read('package.json.receipts.ndjson')), namesIn(kept))
  })

  it('takes no key over from a mirror, not even one that the stolen key of the log introduces in a tree of its own', async () => {
    const policy = JSON.parse(read('policy.json'))
    const stolen = createSigner(policy.origin, fromHex(readFileSync(join(folder, 'data/keys/log.key'), 'utf8').trim()))
    equal(formatVkey(stolen.vkey), policy.logKeys[0].vkey)
    const newKey = formatVkey(createSigner(policy.origin, THIEF).vkey)
    const change = {
      type: 'openseal/key@v1',
      origin: policy.origin,
      oldKey: policy.logKeys[0].vkey,
      newKey,
      fromSize: 3,
      created: '2026-11-01T00:00:00Z',
      salt: 'A'.repeat(43),
    }
    const receipt = forge(change, policy.origin, stolen)
    const told: Lie = path => (path === '/v1/keys' ? `{"keys":[],"changes":[{"index":1,"receipt":${receipt}}]}` : undefined)
    const before = read('policy.json')
    lie = told
    const { code, err } = await openseal(['policy', '--extend', 'policy.json'])
    lie = () => undefined
    deepEqual([code, /EXTEND_NOT_ANCHORED/.test(err), err.includes(url)], [3, true, true], err)
    equal(read('policy.json'), before)
    lie = path => (path === '/v1/keys' ? '{"keys":[],"changes":[]}' : undefined)
    const silent = await openseal(['policy', '--extend', 'policy.json'])
    lie = () => undefined
    deepEqual(
      [silent.code, silent.out],
      [0, `${url} reports no change of keys or chains that is missing in policy.json. The file is unchanged.\n`],
    )
    const unsigned = forge(change, policy.origin, createSigner(policy.origin, THIEF))
    await refuses(
      ['policy', '--extend', 'policy.json'],
      path => (path === '/v1/keys' ? `{"keys":[],"changes":[{"index":1,"receipt":${unsigned}}]}` : undefined),
      /EXTEND_UNPROVEN/,
    )
    await refuses(
      ['policy', '--extend', 'policy.json'],
      path => (path === '/v1/keys' ? '{"changes":[{"receipt":null}]}' : undefined),
      /EXTEND_UNPROVEN/,
    )
  })

  it('pins and uses no invalid policy, and distinguishes a mistake in your own file from a false answer of the ledger', async () => {
    write('slip.json', '{"type":"openseal/policy@v1"}')
    write('newer.json', '{"type":"openseal/policy@v2"}')
    const broken: Lie = (path, truth) => (path === '/policy.json' ? truth.replace('"requireAnchors"', '"requireNothing"') : undefined)
    for (const args of [['policy', '--out', 'new.json'], ['policy'], ['receipt', '1'], [...submit, 'one.txt', '--record', '1']])
      await refuses(args, broken, /POLICY_MALFORMED/)
    await refuses(['verify', 'one.txt', '--trust-ledger'], broken, /POLICY_MALFORMED/)
    for (const [file, exit] of [
      ['slip.json', 2],
      ['newer.json', 7],
      ['missing.json', 2],
    ] as const) {
      for (const args of [
        ['receipt', '1', '--policy', file],
        ['audit', '--policy', file],
        ['policy', '--extend', file],
      ]) {
        const { code, err } = await openseal(args)
        deepEqual([code, err.includes(file)], [exit, true], `${args.join(' ')}: ${err}`)
      }
    }
    ok(!existsSync(join(folder, 'new.json')))
  }).timeout(120_000)

  it('explains what an index is if it gets something else', async () => {
    for (const args of [
      ['receipt', 'abc'],
      ['receipt', '-1'],
      ['receipt', '1.5'],
      ['receipt', '01'],
      ['receipt'],
      ['receipt', '1', '--upgrade', 'one.txt'],
    ]) {
      const { code, err, out } = await openseal(args)
      equal(code, 2, args.join(' '))
      ok(err.trim().length > 20 && out === '', `${args.join(' ')}: ${err}`)
    }
    match((await openseal(['receipt', 'abc'])).err, /"abc".*receipt --upgrade/)
  })

  it('calls a receipt disowned once the owner has closed the log below it, and never still waiting', async () => {
    write('one.txt.receipt.json', await anchoredReceipt(1))
    const before = read('one.txt.receipt.json')
    await closeLog(service)
    let asJson: Ran
    do asJson = await openseal(['receipt', '--upgrade', 'one.txt', '--json'])
    while (asJson.code === 0)
    deepEqual(
      [asJson.code, JSON.parse(asJson.out)],
      [7, { receipt: 'one.txt.receipt.json', anchored: 0, sealed: 0, unchecked: 0, disowned: 1, testNetwork: false }],
    )
    const { code, out, err } = await openseal(['receipt', '--upgrade', 'one.txt'])
    deepEqual([code, out], [7, 'The receipt is disowned, and the ledger has no better one: one.txt.receipt.json\n'])
    match(err, /The owner of the log has closed it below this checkpoint/)
    equal(read('one.txt.receipt.json'), before)
  })
})

/** Closes the ledger's log on its own chain, from its first entry on. */
async function closeLog(service: Service): Promise<void> {
  const [rpc] = service.chain.urls
  const ask = async (method: string, ...params: unknown[]) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const answer = await fetch(rpc!, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { result, error } = (await answer.json()) as { result?: unknown; error?: unknown }
    equal(error, undefined)
    return result
  }
  const policy = (await (await fetch(`${service.url}/policy.json`)).json()) as { anchors: { contract: string; logId: string }[] }
  const { contract, logId } = policy.anchors[0]!
  const [from] = (await ask('eth_accounts')) as string[]
  const data = anchorInterface.encodeFunctionData('closeLog', [logId, 0, `0x${'0'.repeat(64)}`])
  const hash = await ask('eth_sendTransaction', { from, to: contract, data })
  while (((await ask('eth_getTransactionReceipt', hash)) as { status?: string } | null)?.status !== '0x1') await sleep(50)
}

/** A tree of two leaves, a record of no account and this statement, signed by a key. */
function forge(value: object, origin: string, signer: Signer): string {
  const entry = (of: object) => encodeEntry(canonicalJson(parseJson(JSON.stringify(of))))
  const [first, second] = [hashLeaf(entry(statement(9))), hashLeaf(entry(value))]
  const note = signNote(formatCheckpoint({ origin, size: 2, root: hashNode(first, second) }), signer)
  return formatReceipt({
    statementText: canonicalJson(parseJson(JSON.stringify(value))),
    proof: { index: 1, proof: [first], note },
    anchors: [],
  })
}
