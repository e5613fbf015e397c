/**
 * The command line as a user types it, against a real ledger on the embedded chain: the life of a
 * record, and what goes wrong on the way.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../../src/server/server.ts'
import { type Commands, openCommands, type Ran } from './commands.ts'

type Service = Awaited<ReturnType<typeof startServer>>

const AGENCY = 'transport.gov.example'

describe('the command line against a ledger', function () {
  this.timeout(60_000)
  let folder: string
  let service: Service
  let commands: Commands

  /** Runs `openseal` with these arguments in the test's folder. */
  const openseal = (args: readonly string[], env: { readonly [name: string]: string } = {}): Promise<Ran> =>
    commands.run(args, {
      cwd: folder,
      env: {
        LC_ALL: 'C.UTF-8',
        OPENSEAL_LEDGER: service.url,
        OPENSEAL_RPC: service.chain.urls.join(','),
        OPENSEAL_API_KEY_FILE: 'agency.key',
        OPENSEAL_OPERATOR_KEY_FILE: service.operatorKeyFile,
        ...env,
      },
    })
  const json = async (args: readonly string[], env = {}) => {
    const ran = await openseal([...args, '--json'], env)
    return { ...ran, value: JSON.parse(ran.out) }
  }
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content)
  const submit = ['submit', '--agency', AGENCY, '--kind', 'decision']
  const verifyArgs = ['verify', '--policy', 'policy.json']

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-test-'))
    const config = readConfig({
      OPENSEAL_PORT: '0',
      OPENSEAL_CHAIN_PORT: '0',
      OPENSEAL_DATA: join(folder, 'data'),
      OPENSEAL_ANCHOR_INTERVAL: '200ms',
    })
    service = await startServer(config)
    commands = openCommands()
    const added = await openseal(['agency', 'add', AGENCY, '--name', 'Transport', '--key-file', 'agency.key'])
    assert.equal(added.code, 0, added.err)
    const kept = await openseal(['policy', '--out', 'policy.json'])
    assert.equal(kept.code, 0)
    const { logKeys, anchors } = JSON.parse(readFileSync(join(folder, 'policy.json'), 'utf8'))
    const named = [`keys of the log: ${logKeys[0].vkey}`, `chains: chain ${anchors[0].chainId}, contract ${anchors[0].contract} `]
    for (const part of named) assert.ok(kept.out.includes(part), kept.out)
  })
  after(async () => {
    await commands.close()
    await service?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('keeps a key in a file for its owner alone and shows it nowhere', async () => {
    assert.equal(statSync(join(folder, 'agency.key')).mode % 0o1000, 0o600)
    const { out } = await openseal(['agency', 'list'])
    assert.ok(!out.includes(readFileSync(join(folder, 'agency.key'), 'utf8').trim()))
  })

  it('submits, waits for the anchor, and verifies by a pinned policy: every check passes', async () => {
    write('bridge.txt', 'The bridge is to be built.\n')
    const submitted = await json([...submit, 'bridge.txt', '--record', '2026/1', '--wait', '30'])
    assert.deepEqual([submitted.code, submitted.value.state, submitted.value.testNetwork], [0, 'anchored', true], submitted.err)
    const verified = await json([...verifyArgs, 'bridge.txt'])
    assert.deepEqual(
      [verified.code, verified.value.verdict, verified.value.matched, verified.value.trust],
      [3, 'test-network', 'bytes', 'policy'],
    )
    const statuses = verified.value.checks.map(({ name, status }: { name: string; status: string }) => `${name} ${status}`)
    assert.deepEqual(
      statuses.filter((each: string) => !each.endsWith(' passed')),
      ['cosignatures not-run'],
    )
    const text = await openseal([...verifyArgs, 'bridge.txt'])
    assert.match(
      text.out,
      /^This file has been on the record, unchanged, since .* But the chain is a test network, so this is no evidence\.\n/,
    )
    assert.match(text.out, /✓ inclusion +passed/)
    const ascii = await openseal([...verifyArgs, 'bridge.txt'], { LC_ALL: 'C' })
    assert.match(ascii.out, /\+ inclusion +passed/)
  })

  it('verifies with the host of the ledger gone, and says that newer versions were not checked', async () => {
    const { code, value } = await json([...verifyArgs, 'bridge.txt'], { OPENSEAL_LEDGER: 'http://127.0.0.1:9' })
    assert.deepEqual([code, value.verdict], [3, 'test-network'])
    const currency = value.checks.find((check: { name: string }) => check.name === 'currency')
    assert.equal(currency.status, 'not-run')
    assert.match(currency.detail, /newer versions not checked/)
  })

  it('finds the receipt of a renamed file by its hash', async () => {
    write('renamed.bin', 'The bridge is to be built.\n')
    const { code, value } = await json(['verify', '--trust-ledger', 'renamed.bin'])
    assert.deepEqual([code, value.trust, value.receipt], [3, 'ledger', service.url])
  })

  it('checks a file that is not there by its SHA-256, with the ledger or with a receipt', async () => {
    const sha256 = createHash('sha256').update('The bridge is to be built.\n').digest('hex')
    for (const more of [[], ['--receipt', 'bridge.txt.receipt.json']]) {
      const { code, value } = await json([...verifyArgs, `sha256:${sha256}`, ...more])
      assert.deepEqual([code, value.matched], [3, 'bytes'])
    }
    assert.equal((await openseal([...verifyArgs, `sha256:${'0'.repeat(64)}`])).code, 4)
  })

  it('distinguishes a changed file: invalid with a receipt, unknown without', async () => {
    write('changed.txt', 'The bridge is not to be built.\n')
    const withReceipt = await json([...verifyArgs, 'changed.txt', '--receipt', 'bridge.txt.receipt.json'])
    assert.deepEqual([withReceipt.code, withReceipt.value.verdict], [5, 'invalid'])
    assert.match(withReceipt.value.sentence, /document/)
    assert.deepEqual([(await openseal([...verifyArgs, 'changed.txt'])).code], [4])
  })

  it('calls a damaged receipt invalid, whether or not it can be read', async () => {
    const text = readFileSync(join(folder, 'bridge.txt.receipt.json'), 'utf8')
    for (const [name, damaged] of [
      ['torn.json', text.slice(0, 200)],
      ['salted.json', text.replace(/"salt":"./, found => found.slice(0, -1) + (found.endsWith('A') ? 'B' : 'A'))],
    ] as const) {
      write(name, damaged)
      assert.equal((await openseal([...verifyArgs, 'bridge.txt', '--receipt', name])).code, 5, name)
    }
  })

  it('cannot say without the chain: unchecked', async () => {
    const { code } = await openseal([...verifyArgs, 'bridge.txt', '--rpc', 'http://127.0.0.1:9'])
    assert.equal(code, 6)
  })

  it('knows the same file again, and keeps the receipt of an earlier version under its index', async () => {
    const again = await json([...submit, 'bridge.txt', '--record', '2026/1'])
    assert.deepEqual([again.code, again.value.known, again.value.index], [0, true, 1])
    appendFileSync(join(folder, 'bridge.txt'), 'And a tunnel.\n')
    const edited = await json([...submit, 'bridge.txt', '--record', '2026/1', '--accept', 'SILENT_EDIT'])
    assert.deepEqual([edited.code, edited.value.known, edited.value.warnings[0].code], [0, false, 'SILENT_EDIT'])
    assert.ok(existsSync(join(folder, 'bridge.txt.1.receipt.json')))
  })

  it('states no date in the name of the agency, so that the same command twice makes one entry', async () => {
    write('dateless.txt', 'no date')
    const first = await json([...submit, 'dateless.txt', '--record', 'dateless'])
    const receipt = JSON.parse(readFileSync(join(folder, 'dateless.txt.receipt.json'), 'utf8'))
    assert.equal('published' in receipt.statement, false)
    rmSync(join(folder, 'dateless.txt.receipt.json'))
    const second = await json([...submit, 'dateless.txt', '--record', 'dateless'])
    assert.deepEqual([second.value.known, second.value.index], [true, first.value.index])
  })

  it('stops before a mistake is public, and goes on if it is told to', async () => {
    const size = async () => (await json(['status'])).value.size
    const before = await size()
    write('wrong.txt', 'wrong')
    const reason = ['--reason', 'correction']
    const edit = [...submit, 'wrong.txt', '--record', 'slip', '--revision', '1']
    assert.equal((await openseal(edit)).code, 0)
    const slips: [string[], string][] = [
      [['--action', 'withdraw', '--record', 'slap'], 'RECORD_UNKNOWN'],
      [['--action', 'withdraw', '--record', 'slip', '--target', 'first'], 'TARGET_UNKNOWN'],
    ]
    for (const [args, expected] of slips) {
      const { code, value } = await json([...submit, ...args, ...reason])
      assert.deepEqual([code, value.stopped], [2, [expected]])
    }
    write('wrong.txt', 'right')
    const { code, out } = await openseal(edit)
    assert.equal(code, 2)
    assert.match(out, /changed without a new version.*Nothing was logged.*--accept SILENT_EDIT/s)
    assert.equal(await size(), before + 1)
    assert.equal((await openseal([...edit, '--accept', 'NONSENSE'])).code, 2)
    // The ledger has looked at the record a moment later.
    const typed = () => json([...edit.with(-3, 'SLIP'), '--dry-run'])
    for (let { value } = await typed(); value.stopped[0] !== 'ID_CONFUSABLE'; { value } = await typed()) assert.deepEqual(value.stopped, [])
    // As clerks number versions: the old one is superseded.
    const amended = await json([...edit.with(-1, '2'), '--action', 'amend', '--target', '1', ...reason])
    assert.deepEqual([amended.code, amended.value.warnings], [0, []])
    const { changes } = await (await fetch(`${service.url}/v1/records/${before}`)).json()
    assert.deepEqual(changes, [{ index: amended.value.index, what: 'superseded' }])
  })

  it('sends nothing in a dry run, and says what the ledger would do with it', async () => {
    const size = async () => (await json(['status'])).value.size
    const before = await size()
    write('dry.txt', '')
    const { code, value } = await json([...submit, 'dry.txt', '--record', 'dry', '--dry-run'])
    assert.deepEqual([code, value.warnings.map((each: { code: string }) => each.code)], [0, ['EMPTY_DOCUMENT']])
    assert.equal(await size(), before)
    assert.ok(!existsSync(join(folder, 'dry.txt.receipt.json')))
    assert.match(
      (await openseal([...submit, 'dry.txt', '--record', 'dry'])).out,
      /Sealed at index .*Warning: The document "dry.txt" has 0 bytes/s,
    )
    assert.match((await openseal([...submit, 'dry.txt', '--record', 'dry', '--dry-run'])).out, /known already, at index/)
  })

  it('names each bad file of one statement, and sends nothing that would say it is whole', async () => {
    write('good.txt', 'good')
    const size = async () => (await json(['status'])).value.size
    const before = await size()
    const { code, value } = await json([...submit, 'none-1.txt', 'good.txt', 'none-2.txt', '--record', 'three'])
    assert.deepEqual([code, value.code], [2, 'FILES_LEFT_OUT'])
    assert.match(value.detail, /none-1\.txt.*none-2\.txt.*1 of 3 files could be read/)
    assert.equal(await size(), before)
  })

  it('says in words how the ledger is doing', async () => {
    const { code, out } = await openseal(['status'])
    assert.equal(code, 0)
    const { value } = await json(['status'])
    assert.match(out, new RegExp(`^ledger +${value.origin.replaceAll('.', '\\.')}\\nentries +${value.size}\\n`))
    assert.match(out, /^records +are accepted\nalarms +none\n$/m)
  })

  it('sends nothing if another file has the receipt’s name', async () => {
    write('notes.txt', 'x')
    write('notes.txt.receipt.json', 'my notes')
    const size = async () => (await json(['status'])).value.size
    const before = await size()
    const { code, value } = await json([...submit, 'notes.txt', '--record', '2026/2'])
    assert.deepEqual([code, value.code], [1, 'FILE_EXISTS'])
    assert.equal(await size(), before)
  })

  it('completes a receipt that was only sealed', async () => {
    write('later.txt', 'later')
    assert.equal((await openseal([...submit, 'later.txt', '--record', '2026/3'])).code, 0)
    let upgraded: Ran
    do upgraded = await openseal(['receipt', '--upgrade', 'later.txt'])
    while (upgraded.code === 3)
    assert.equal(upgraded.code, 0, upgraded.err)
    assert.equal(JSON.parse(readFileSync(join(folder, 'later.txt.receipt.json'), 'utf8')).anchors.length, 1)
  })

  it('refuses a missing, a wrong and a revoked key, and the key of another agency, each by its code', async () => {
    const code = async (args: readonly string[], env = {}) => (await json(args, env)).value.code
    write('k.txt', 'k')
    const made = (await json(['agency', 'key', AGENCY])).value
    assert.equal((await openseal(['agency', 'revoke', AGENCY, made.keyId])).code, 0)
    const args = [...submit, 'k.txt', '--record', 'k']
    assert.equal(await code(args, { OPENSEAL_API_KEY_FILE: '' }), 'SECRET_MISSING')
    assert.equal(await code(args, { OPENSEAL_API_KEY: 'nonsense' }), 'KEY_UNKNOWN')
    assert.equal(await code(args, { OPENSEAL_API_KEY: made.key }), 'KEY_REVOKED')
    assert.equal(await code(args.map(arg => (arg === AGENCY ? 'other.gov.example' : arg))), 'KEY_OTHER_AGENCY')
  })

  it('lists the keys of an agency, each with what it may do and what became of it, and shows none of them', async () => {
    const made = (
      await json(['agency', 'key', AGENCY, '--role', 'admin', '--label', 'of the town hall', '--expires', '2099-01-31T23:59:59Z'])
    ).value
    await openseal(['agency', 'revoke', AGENCY, made.keyId])
    const { out } = await openseal(['agency', 'keys', AGENCY])
    assert.match(out, /^[0-9a-f]{16} {2}submit {2}made \S+Z {2}"first key"$/m)
    const row = new RegExp(`^${made.keyId}  admin   made \\S+Z  expires 2099-01-31T23:59:59Z  revoked \\S+Z  "of the town hall"$`, 'm')
    assert.match(out, row)
    assert.ok(!out.includes(made.key.slice(-20)))
    const { keys } = (await json(['agency', 'keys', AGENCY])).value
    const { created, revoked, ...kept } = keys.find(({ keyId }: { keyId: string }) => keyId === made.keyId)
    assert.ok(created <= revoked)
    assert.deepEqual(kept, { keyId: made.keyId, role: 'admin', label: 'of the town hall', expires: '2099-01-31T23:59:59Z' })
    assert.equal(
      (await json(['agency', 'keys', AGENCY], { OPENSEAL_OPERATOR_KEY: 'wrong', OPENSEAL_OPERATOR_KEY_FILE: '' })).value.code,
      'OPERATOR_KEY_WRONG',
    )
  })

  it('answers wrong usage with 2 and what cannot be done with 1, in one sentence', async () => {
    const wrong = [
      ['nonsense'],
      ['verify', 'x'],
      ['submit', 'x'],
      ['receipt'],
      ['receipt', '007'],
      [...submit, 'k.txt', '--record', 'k', '--published', 'now'],
      ['verify', 'x', '--policy', 'p', '--trust-ledger'],
      ['verify', 'none.txt', '--policy', 'policy.json'],
    ]
    const ran = await Promise.all(wrong.map(args => openseal(args)))
    assert.deepEqual(
      ran.map(({ code }) => code),
      wrong.map(() => 2),
    )
    const impossible = [
      ['receipt', '99999'],
      [...submit, 'none.txt', '--record', 'k'],
    ]
    for (const { code, err } of await Promise.all(impossible.map(args => openseal(args)))) {
      assert.equal(code, 1)
      assert.match(err, /^openseal: [^\n]+ \[[A-Z_]+\]\n$/)
    }
    const down = await openseal(['status'], { OPENSEAL_LEDGER: 'http://127.0.0.1:9' })
    assert.match(down.err, /LEDGER_UNREACHABLE/)
    assert.equal((await openseal(['submit', '--help'])).code, 0)
  })

  const release = (id: string, title: string) =>
    `{"ocid":"ocds-ex-1","id":"${id}","date":"2026-01-01T00:00:00Z","tender":{"title":"${title}"}}`
  const ocds = ['submit', '--ocds', '--agency', AGENCY]

  it('submits an OCDS package, knows it again, and stops at a re-used release id', async () => {
    const packageOf = (title: string) =>
      `{"uri":"https://x.example/${title}","publishedDate":"2026-01-02T00:00:00Z","releases":[${release('r1', title)},${release('r2', 'Same')}]}`
    write('first.json', packageOf('Road'))
    write('second.json', packageOf('Rail'))
    const first = await json([...ocds, 'first.json'])
    assert.deepEqual([first.code, first.value.files[0].accepted, first.value.files[0].known], [0, 3, 0], first.err)
    const { indexes, index } = first.value.files[0]
    assert.deepEqual([indexes.length, new Set(indexes).size, indexes.at(-1)], [3, 3, index])
    const again = await json([...ocds, 'first.json'])
    assert.deepEqual(again.value.files[0].indexes, indexes)
    assert.deepEqual([again.code, again.value.files[0].accepted, again.value.files[0].known], [0, 0, 3])
    const stopped = await json([...ocds, 'second.json'])
    const [file] = stopped.value.files
    assert.deepEqual(
      [stopped.code, file.stopped, file.warnings],
      [2, ['SILENT_EDIT'], [{ code: 'SILENT_EDIT', count: 1, labels: ['ocds-ex-1 r1'] }]],
    )
    const second = await json([...ocds, 'second.json', '--accept', 'SILENT_EDIT'])
    const { accepted, known, warnings } = second.value.files[0]
    assert.deepEqual([second.code, accepted, known, warnings[0].labels], [0, 2, 1, ['ocds-ex-1 r1']])
    assert.match((await openseal([...verifyArgs, 'first.json'])).out, /matches the receipt, byte for byte/)
    write('alone.json', `\n ${release('r1', 'Rail')}`)
    assert.equal((await json([...verifyArgs, 'alone.json'])).value.matched, 'content')
  })

  it('gives every release of a package its own verdict, by its receipts with the ledger gone, and by the ledger without receipts', async () => {
    write('many.json', `{"uri":"many","publishedDate":"2026-01-02T00:00:00Z","releases":[${release('m1', 'One')},${release('m2', 'Two')}]}`)
    assert.equal((await json([...ocds, 'many.json', '--wait', '30'])).code, 0)
    type Part = { verdict?: string; name: string; receipt: string; problem?: string }
    const verdicts = (releases: Part[]) => releases.map(({ name, verdict, problem }) => [name, verdict ?? problem])
    const offline = await json([...verifyArgs, 'many.json'], { OPENSEAL_LEDGER: 'http://127.0.0.1:9' })
    assert.deepEqual([offline.code, offline.value.verdict], [3, 'test-network'])
    const both = ['ocds-ex-1 m1', 'ocds-ex-1 m2'].map(name => [name, 'test-network'])
    assert.deepEqual(verdicts(offline.value.releases), both)
    assert.ok(offline.value.releases.every(({ receipt }: Part) => receipt === 'many.json.receipts.ndjson'))

    write(
      'more.json',
      `{"uri":"more","releases":[${release('m1', 'One')},${release('m3', 'New')},{"id":"x","id":"y"}, ${release('m2', 'Two')}]}`,
    )
    const asked = await json([...verifyArgs, 'more.json'])
    assert.deepEqual([asked.code, asked.value.verdict], [4, 'unknown'])
    assert.deepEqual(verdicts(asked.value.releases), [both[0], ['ocds-ex-1 m3', 'unknown'], [undefined, 'release-refused'], both[1]])
    const text = (await openseal([...verifyArgs, 'more.json'])).out
    assert.match(
      text,
      /Releases in this package: Test network: 2 · No record: 1 · No verdict: 1\n {2}Release ocds-ex-1 m3: There is no record of this file/,
    )

    const receipts = readFileSync(join(folder, 'many.json.receipts.ndjson'), 'utf8')
    write('bad.ndjson', receipts.replace('"title":"Two"', '"title":"Tow"'))
    const damaged = await json([...verifyArgs, 'many.json', '--receipt', 'bad.ndjson'])
    assert.deepEqual([damaged.code, damaged.value.verdict], [5, 'test-network'])
    assert.deepEqual(verdicts(damaged.value.releases), [both[0], ['ocds-ex-1 m2', 'invalid']])
  })

  it('explains a PDF that was signed after it was submitted, and checks the state that was', async () => {
    write('act.pdf', '%PDF-1.7\nact\n%%EOF\n')
    assert.equal((await openseal([...submit, 'act.pdf', '--record', 'act', '--wait', '30'])).code, 0)
    appendFileSync(join(folder, 'act.pdf'), '/ByteRange [0 9]\n%%EOF\n')
    const { code, value } = await json([...verifyArgs, 'act.pdf'])
    assert.deepEqual([code, value.verdict, value.failed, value.signedPdf], [5, 'invalid', 'document', true])
    assert.deepEqual([value.earlierState.verdict, value.earlierState.bytes, value.earlierState.matched], ['test-network', 19, 'bytes'])
    const { out } = await openseal([...verifyArgs, 'act.pdf'])
    assert.match(out, /This PDF carries a digital signature/)
    assert.match(
      out,
      /what follows its first 19 bytes was added later.*Only an earlier state of this file is on the record.*Earlier state of the file: its first 19 bytes/s,
    )
    rmSync(join(folder, 'act.pdf.receipt.json'))
    const asked = await json([...verifyArgs, 'act.pdf'])
    assert.deepEqual([asked.code, asked.value.verdict, asked.value.earlierState.verdict], [4, 'unknown', 'test-network'])
  })

  it('answers in the language of the locale, or in the one that is asked for, and to programs always in English', async () => {
    write('langs.txt', 'never seen')
    const args = [...verifyArgs, 'langs.txt']
    const first = async (env: object, ...more: string[]) => (await openseal([...args, ...more], { ...env })).out.split('\n')[0]
    assert.match((await first({ LC_ALL: 'de_AT.UTF-8' })) ?? '', /^Zu dieser Datei gibt es keinen Eintrag/)
    assert.match((await first({ LC_ALL: '', LC_MESSAGES: 'fr_FR.UTF-8' })) ?? '', /^Il n’y a aucune trace/)
    assert.match((await first({ LC_ALL: '', LANG: 'uk_UA.UTF-8' }, '--lang', 'el')) ?? '', /^[Α-Ωα-ω]/)
    assert.match((await json(args, { LC_ALL: 'de_DE.UTF-8' })).value.sentence, /^There is no record of this file\./)
    assert.equal((await openseal([...args, '--lang', 'xx'])).code, 2)
  })

  it('takes two pages of one answer, and an annex, and accuses nobody', async () => {
    const page = (n: number) =>
      `{"uri":"https://x.example/api","publishedDate":"2026-03-01T00:00:00Z","releases":[${release(`page-${n}`, `Page ${n}`)}]}`
    write('page1.json', page(1))
    write('page2.json', page(2))
    const { code, value } = await json([...ocds, 'page1.json', 'page2.json'])
    assert.deepEqual([code, value.files.map((file: { warnings: unknown[] }) => file.warnings)], [0, [[], []]])
    write('decision.txt', 'decided')
    write('annex.txt', 'annexed')
    for (const file of ['decision.txt', 'annex.txt']) {
      const sent = await json([...submit, file, '--record', 'annexed'])
      assert.deepEqual([sent.code, sent.value.warnings], [0, []])
    }
    const { index } = (await json([...submit, 'annex.txt', '--record', 'annexed'])).value
    const { versions, changes } = await (await fetch(`${service.url}/v1/records/${index}`)).json()
    assert.deepEqual([versions.map(({ flag }: { flag?: string }) => flag), changes], [[undefined, 'added'], []])
  })

  it('names a bad file of many, takes the others, and sends what is missing in a second run', async () => {
    const good = (n: number) => `{"uri":"u","releases":[${release(`f-${n}`, `Folder ${n}`)}]}`
    write('fa.json', good(1))
    write('fb.json', '')
    write('fc.json', good(2))
    const first = await json([...ocds, 'fa.json', 'fb.json', 'fc.json'])
    const told = (value: { files: Record<string, unknown>[] }) =>
      value.files.map(({ file, accepted, known, code }) => [file, accepted ?? code, known])
    assert.equal(first.code, 2)
    assert.deepEqual(told(first.value), [
      ['fa.json', 2, 0],
      ['fb.json', 'OCDS_EMPTY', undefined],
      ['fc.json', 2, 0],
    ])
    write('fb.json', good(3))
    const second = await json([...ocds, 'fa.json', 'fb.json', 'fc.json'])
    assert.equal(second.code, 0)
    assert.deepEqual(told(second.value), [
      ['fa.json', 0, 2],
      ['fb.json', 2, 0],
      ['fc.json', 0, 2],
    ])
  })

  it('says what would become of a package without sending it', async () => {
    write('dry.json', `{"uri":"dry","releases":[${release('dry-1', 'Dry')},${release('dry-1', 'Wet')}]}`)
    const { code, value } = await json([...ocds, 'dry.json', '--dry-run'])
    const [file] = value.files
    assert.deepEqual([code, file.accepted, file.stopped, file.index], [2, 3, ['SILENT_EDIT'], undefined])
    assert.ok(!existsSync(join(folder, 'dry.json.receipts.ndjson')))
  })

  it('sends nothing of a file that is cut off', async () => {
    write('whole.json', `{"uri":"u","releases":[${release('w1', 'Whole')}]}`)
    write('torn.json', `{"uri":"u","releases":[${release('t1', 'Torn')},`)
    const { code, value } = await json([...ocds, 'torn.json', 'whole.json'])
    assert.deepEqual([code, value.files[0].code, value.files[1].accepted], [2, 'OCDS_TRUNCATED', 2])
    assert.ok(!existsSync(join(folder, 'torn.json.receipts.ndjson')))
  })

  it('submits the rest of a package, reports the release that was refused, and ends with 2', async () => {
    write('partly.json', `{"uri":"p","releases":[${release('p1', 'Fine')},{"ocid":"a","ocid":"b"}]}`)
    const { code, value } = await json([...ocds, 'partly.json'])
    assert.equal(code, 2)
    assert.deepEqual([value.files[0].accepted, value.files[0].refused[0].code], [2, 'JSON_DUPLICATE_KEY'])
  })

  it('sends a package again when the connection is cut, and every release is there once', async () => {
    const releases = Array.from({ length: 3000 }, (_, id) => release(`cut-${id}`, `Cut ${id}`))
    write('cut.json', `{"uri":"cut","publishedDate":"2026-01-02T00:00:00Z","releases":[${releases.join(',')}]}`)
    const proxy = await cuttingProxy(new URL(service.url), 20_000)
    try {
      const { port } = proxy.address() as AddressInfo
      const { code, value, err } = await json([...ocds, 'cut.json'], { OPENSEAL_LEDGER: `http://127.0.0.1:${port}` })
      assert.equal(code, 0, err)
      assert.match(err, /sent again, which is safe/)
      const { accepted, known, receipts } = value.files[0]
      assert.equal(accepted + known, 3001)
      const lines = readFileSync(join(folder, receipts), 'utf8').trimEnd().split('\n')
      assert.equal(new Set(lines.map(line => /index (\d+)/.exec(line)![1])).size, 3001)
    } finally {
      proxy.close()
    }
  })
})

/**
 * Passes connections on, and cuts the first one as soon as this many bytes of an answer went
 * through.
 */
async function cuttingProxy(target: URL, bytes: number): Promise<Server> {
  let isCut = false
  const server = createServer(socket => {
    const upstream = connect(Number(target.port), '127.0.0.1')
    socket.on('error', () => upstream.destroy())
    upstream.on('error', () => socket.destroy())
    socket.pipe(upstream)
    let passed = 0
    upstream.on('data', chunk => {
      passed += chunk.length
      if (!isCut && passed > bytes) {
        isCut = true
        socket.destroy()
        upstream.destroy()
      } else socket.write(chunk)
    })
    upstream.on('end', () => socket.end())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}
