/**
 * Files that state what they are, one by one, in folders and by manifests, as a user submits them
 * to a real ledger.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { readConfig } from '../../src/config.ts'
import { parseReceipt, receiptIndex } from '../../src/core/receipt.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { startServer } from '../../src/server/server.ts'
import { asice, changeOf, DECISION, judgment, NOTICE_ID, notice } from '../documents/files.ts'
import { type Commands, openCommands, startAlone } from './commands.ts'

const AGENCY = 'court.gov.example'

describe('submit, by what files state', function () {
  this.timeout(300_000)
  let folder: string
  let service: Awaited<ReturnType<typeof startServer>>
  let commands: Commands

  const place = () => ({
    cwd: folder,
    env: {
      LC_ALL: 'C.UTF-8',
      OPENSEAL_LEDGER: service.url,
      OPENSEAL_API_KEY_FILE: join(folder, 'agency.key'),
      OPENSEAL_OPERATOR_KEY_FILE: service.operatorKeyFile,
    },
  })
  const openseal = (args: readonly string[]) => commands.run(args, place())
  const submit = (...args: string[]) => openseal(['submit', '--agency', AGENCY, ...args])
  const json = async (...args: string[]) => {
    const { code, out, err } = await submit(...args, '--json')
    ok(out !== '', err)
    return { code, value: JSON.parse(out) }
  }
  const write = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  const statementOf = (path: string) => {
    const { statement } = parseReceipt(readFileSync(join(folder, `${path}.receipt.json`), 'utf8'))
    return statement as unknown as Statement
  }
  const told = (value: { files: { file: string; state: string; code?: string }[] }) =>
    value.files.map(({ file, state, code }) => `${file} ${code ?? state}`).sort()

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-test-'))
    service = await startServer(readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_DATA: join(folder, 'data') }))
    commands = openCommands()
    const added = await openseal(['agency', 'add', AGENCY, '--name', 'Court', '--key-file', join(folder, 'agency.key')])
    equal(added.code, 0, added.err)
  })
  after(async () => {
    await commands.close()
    await service?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('needs no member typed that the file states, shows where each comes from, and lets flags overrule', async () => {
    write('notice.xml', notice())
    const dry = await submit('notice.xml', '--dry-run', '--title', 'Typed')
    match(dry.out, /notice\.xml \(eForms notice\)\n/)
    match(dry.out, / {2}revision {4}02 {3}from \/ContractNotice\/cbc:VersionID\n/)
    match(dry.out, / {2}title {7}Typed {3}from the command line\n/)
    match(dry.out, / {2}kind {8}procurement {3}from the format, eForms notice\n/)
    equal((await submit('notice.xml', '--title', 'Typed')).code, 0)
    const { record, revision, published, language, title, kind } = statementOf('notice.xml')
    deepEqual([record, revision, published, language, title, kind], [NOTICE_ID, '02', '2026-02-01T09:00:00Z', 'de', 'Typed', 'procurement'])
  })

  it('states the fingerprints of files of several megabytes', async () => {
    const scan = randomBytes(3_000_000)
    write('large/scan.pdf', scan)
    write('one.pdf', scan)
    equal((await submit('large', '--kind', 'decision', '--record-from', 'path')).code, 0)
    equal((await submit('one.pdf', '--kind', 'decision', '--record', 'large-one')).code, 0)
    const sha256 = createHash('sha256').update(scan).digest('hex')
    deepEqual(
      [statementOf('large/scan.pdf'), statementOf('one.pdf')].map(({ documents }) => documents[0]?.sha256),
      [sha256, sha256],
    )
  })

  it('takes another manifestation of one decision for another version', async () => {
    write('first.xml', judgment({ manifestationDate: '2026-01-10T00:00:00' }))
    write('again/first.xml', judgment({ manifestationDate: '2026-02-10T00:00:00' }))
    equal((await json('first.xml')).code, 0)
    const { code, value } = await json('again/first.xml')
    deepEqual([code, value.warnings], [0, []])
  })

  it('lists the documents inside of a signed container, and finds them', async () => {
    write('signed.asice', await asice({ 'permit.txt': 'The permit.' }))
    equal((await submit('signed.asice', '--record', 'p-1', '--kind', 'decision')).code, 0)
    deepEqual(
      statementOf('signed.asice').documents.map(({ name }) => name),
      ['signed.asice', 'permit.txt'],
    )
    write('permit.txt', 'The permit.')
    const found = JSON.parse((await openseal(['verify', 'permit.txt', '--trust-ledger', '--json'])).out)
    equal(found.matched, 'bytes')
  })

  it('says what is missing, and which records contradict each other', async () => {
    write('plain.txt', 'x')
    write('mail.eml', 'From: a@b.example\r\nSubject: x\r\n\r\nx')
    write('broken.json', '{"ada":')
    const cases: [string[], string][] = [
      [['plain.txt'], 'USAGE_WRONG'],
      [['mail.eml', '--kind', 'decision'], 'RECORD_MISSING'],
      [['notice.xml', 'first.xml'], 'RECORD_SEVERAL'],
      [['broken.json', '--record', 'x', '--kind', 'decision'], 'JSON_MALFORMED'],
      [['plain.txt', '--record-from', 'path', '--kind', 'decision'], 'USAGE_WRONG'],
    ]
    for (const [args, expected] of cases) {
      const { code, err } = await submit(...args)
      equal(code, 2, args.join(' '))
      ok(err.includes(expected), err)
    }
  })

  it('submits OCDS files release by release without being told, packed ones too', async () => {
    const release = (id: string) => `{"ocid":"ocds-x-${id}","id":"${id}","date":"2026-01-01T00:00:00Z"}`
    const compiled = '{"ocid":"ocds-x-3","id":"3","tag":["compiled"]}'
    write('lines.jsonl', `${release('1')}\n${release('2')}\n`)
    write('lines.json.gz', gzipSync(`[${release('4')}]`))
    write('record.json', `{"records":[{"ocid":"ocds-x-3","compiledRelease":${compiled},"releases":[]}]}`)
    const { code, value } = await json('lines.jsonl', 'lines.json.gz', 'record.json')
    equal(code, 0)
    deepEqual(
      value.files.map(({ shape, accepted }: { shape: string; accepted: number }) => [shape, accepted]),
      [
        ['json-lines', 3],
        ['json-list', 3],
        ['record-package', 2],
      ],
    )
    write('compiled.json', compiled)
    const found = JSON.parse((await openseal(['verify', 'compiled.json', '--trust-ledger', '--json'])).out)
    equal(found.matched, 'content')
  })

  it('submits the projects of an OC4IDS file one by one without being told, alone and in a folder', async () => {
    const project = (id: string) => JSON.stringify({ id: `oc4ids-p-${id}`, updated: '2026-01-01', title: `Road ${id}` })
    const content = (...ids: string[]) => `{"publishedDate":"2026-01-01","projects":[${ids.map(project)}]}`
    write('p/roads.json', content('1', '2'))
    write('p/one.json', content('3'))
    const { code, value } = await json('p')
    deepEqual([code, told(value)], [0, ['one.json accepted', 'roads.json accepted']])
    write('more.json', content('1', '4', '5'))
    const more = await json('more.json')
    deepEqual([more.code, more.value.files[0].shape, more.value.files[0].accepted, more.value.files[0].known], [0, 'project-package', 3, 1])
    write('project.json', project('4'))
    const found = JSON.parse((await openseal(['verify', 'project.json', '--trust-ledger', '--json'])).out)
    equal(found.matched, 'content')
  })

  it('takes a folder file by file, names those left out, and sends in a second run what is missing', async () => {
    const changed = '99999999-2222-4333-8444-555555555555'
    const { ada } = DECISION
    // The change comes before the notice by its name.
    write('all/a-change.xml', notice({ extension: changeOf(changed) }))
    write('all/b-notice.xml', notice().replaceAll(NOTICE_ID, changed).replace('>02<', '>01<'))
    write('all/act/metadata.json', JSON.stringify({ ...DECISION, correctedVersionId: null }))
    write(`all/act/${ada}.pdf`, '%PDF-1.7\nact\n%%EOF\n')
    write('all/releases.json', '{"releases":[{"ocid":"ocds-x-9","id":"9"}]}')
    write('all/broken.json', '{')
    write('all/plain.txt', 'states nothing')
    write('all/.hidden', 'x')
    const first = await json('all')
    deepEqual(told(first.value), [
      'a-change.xml accepted',
      'act/metadata.json accepted',
      'b-notice.xml accepted',
      'broken.json JSON_MALFORMED',
      'plain.txt RECORD_MISSING',
      'releases.json accepted',
    ])
    deepEqual([first.code, first.value.accepted, first.value.leftOut], [2, 4, 2])
    deepEqual(
      statementOf(`all/act/${ada}.pdf`).documents.map(({ name }) => name),
      ['metadata.json', `${ada}.pdf`],
    )
    const { action, record, target } = statementOf('all/a-change.xml')
    deepEqual([action, record, target], ['amend', changed, '01'])
    ok(existsSync(join(folder, 'all/releases.json.receipts.ndjson')))

    write('all/broken.json', JSON.stringify({ ...DECISION, ada: 'other', correctedVersionId: null }))
    rmSync(join(folder, 'all/b-notice.xml.receipt.json'))
    const second = await json('all', '--record-from', 'path', '--kind', 'decision')
    deepEqual([second.code, second.value.accepted, second.value.known, second.value.missing], [0, 2, 4, 0])
    equal(statementOf('all/plain.txt').record, 'plain.txt')
    equal(statementOf('all/b-notice.xml').record, changed)
    const text = await submit('all', '--record-from', 'path', '--kind', 'decision')
    match(text.out, /6 files: 0 accepted, 6 known already, 0 left out\.\nThe receipts are beside the files\.\n$/)
  })

  it('takes a change of a change for an amendment of the first notice, whatever the order of the files', async () => {
    const id = (digit: number) => NOTICE_ID.replaceAll('1', String(digit))
    const own = (digit: number, extension = '') => notice({ extension }).replaceAll(NOTICE_ID, id(digit)).replace('>02<', '>01<')
    write('chain/a.xml', own(4, changeOf(id(3))))
    write('chain/b.xml', own(3, changeOf(id(2))))
    write('chain/c.xml', own(2))
    const { ada } = DECISION
    const version = (versionId: string, correctedVersionId: string | null) =>
      JSON.stringify({ ...DECISION, ada: `${ada}-chain`, versionId, correctedVersionId })
    write('chain/act/1.json', version('v-3', 'v-2'))
    write('chain/act/2.json', version('v-2', 'v-1'))
    write('chain/act/3.json', version('v-1', null))
    const { code, value } = await json('chain')
    deepEqual([code, value.accepted, value.leftOut], [0, 6, 0])
    const versionOf = (path: string) => {
      const { action, record, revision, target } = statementOf(path)
      return [action, record, revision, target]
    }
    deepEqual(
      ['a', 'b', 'c'].map(name => versionOf(`chain/${name}.xml`)),
      [
        ['amend', id(2), `${id(4)}-01`, `${id(3)}-01`],
        ['amend', id(2), `${id(3)}-01`, '01'],
        ['publish', id(2), '01', undefined],
      ],
    )
    write('alone.xml', own(5, changeOf(id(4))))
    const alone = await submit('alone.xml')
    match(alone.out, new RegExp(`name the first notice as the record, and ${id(4)}-01 as the version`))
    equal(alone.code, 2)
  })

  it('takes the rows of a manifest, and leaves out bad rows and slips alone', async () => {
    write('m/one.pdf', 'one')
    write('m/deep/two.pdf', 'two')
    write('m/notice.xml', notice().replaceAll(NOTICE_ID, '77777777-2222-4333-8444-555555555555'))
    write(
      'm/list.csv',
      'file;kind;action;record;revision;identifiers;title;reason;sha256\r\none.pdf;decision;;m-1;1;ecli=ECLI:XX:1;"A; title";;\r\ndeep/two.pdf;decision;amend;m-none;;;;correction;\r\nnotice.xml;;;;;;Typed;;\r\ngone.pdf;decision;;m-2;;;;;\r\none.pdf;decision;;m-3;;;;;\r\nlist.csv;decision;;m-4;;;;;0000\r\n',
    )
    const { code, value } = await json('--manifest', 'm/list.csv')
    deepEqual(told(value), [
      'deep/two.pdf RECORD_UNKNOWN',
      'gone.pdf FILE_NOT_FOUND',
      'list.csv FILE_OTHER',
      'notice.xml accepted',
      'one.pdf MANIFEST_FILE_TWICE',
      'one.pdf accepted',
    ])
    equal(code, 2)
    const { record, revision, title, identifiers } = statementOf('m/one.pdf')
    deepEqual([record, revision, title, identifiers], ['m-1', '1', 'A; title', [{ scheme: 'ecli', value: 'ECLI:XX:1' }]])
    deepEqual([statementOf('m/notice.xml').title, statementOf('m/notice.xml').revision], ['Typed', '02'])
    const dry = await submit('--manifest', 'm/list.csv', '--dry-run', '--accept', 'RECORD_UNKNOWN')
    match(dry.out, / {2}title {7}Typed {3}from the manifest\n/)
    match(dry.out, /6 files: 1 would be accepted, 2 known already, 3 left out\./)
    equal((await openseal(['submit', '--manifest', 'm/list.csv', 'm/one.pdf'])).code, 2)
  })

  it('holds a change back while the version before it waits for a person, in every run', async () => {
    write(
      'h/list.csv',
      'file,kind,action,record,revision,target,reason\none.txt,decision,,h-1,1,,\ntwo.txt,decision,amend,h-1,2,1,correction\nthree.txt,decision,,H-1,1,,\nfour.txt,decision,amend,H-1,2,1,correction\n',
    )
    for (const name of ['one', 'two', 'three', 'four']) write(`h/${name}.txt`, name)
    const only = 'file,kind,record,revision\none.txt,decision,h-1,1\n'
    write('h/first.csv', only)
    equal((await json('--manifest', 'h/first.csv')).code, 0)
    // A slip: the version on record is edited, and the amendment comes in the same run.
    write('h/one.txt', 'edited in silence')
    const expected = ['four.txt EARLIER_LEFT_OUT', 'one.txt SILENT_EDIT', 'three.txt ID_CONFUSABLE', 'two.txt EARLIER_LEFT_OUT']
    const text = await submit('--manifest', 'h/list.csv')
    match(text.out, /✗ two\.txt: it changes the record "h-1", of which another file was left out \[EARLIER_LEFT_OUT\]\n/)
    for (let run = 1; run <= 2; run++) {
      const { code, value } = await json('--manifest', 'h/list.csv')
      deepEqual([code, value.accepted, told(value)], [2, 0, expected])
    }
    const { value } = await json('--manifest', 'h/list.csv', '--accept', 'SILENT_EDIT', '--accept', 'ID_CONFUSABLE')
    deepEqual([value.accepted, value.leftOut], [4, 0])
  })

  it('compares the OCDS files of one dry run with each other, except those that would not be sent', async () => {
    const file = (ocid: string, title: string) => `{"releases":[{"ocid":"${ocid}","id":"1","tender":{"title":"${title}"}}]}`
    write('d/a.json', file('ocds-d-1', 'one'))
    write('d/b.json', file('ocds-d-1', 'two'))
    write('d/c.json', file('ocds-d-1', 'two'))
    const stopsOf = ({ value }: Awaited<ReturnType<typeof json>>) => value.files.map(({ stopped }: { stopped: string[] }) => stopped)
    const dry = await json('--ocds', '--dry-run', 'd/a.json', 'd/b.json', 'd/a.json')
    deepEqual(stopsOf(dry), [[], ['SILENT_EDIT'], []])
    deepEqual(stopsOf(await json('--ocds', 'd/a.json', 'd/b.json', 'd/a.json')), stopsOf(dry))
    write('d/e.json', '{"releases":[{"ocid":"ocds-d-2","id":"1"},{"ocid":"ocds-d-2","id":"1","x":1}]}')
    write('d/f.json', '{"releases":[{"ocid":"ocds-d-2","id":"1","x":2}]}')
    const after = await json('--ocds', '--dry-run', 'd/e.json', 'd/f.json')
    deepEqual(stopsOf(after), [['SILENT_EDIT'], []])
    deepEqual(stopsOf(await json('--ocds', 'd/e.json', 'd/f.json')), stopsOf(after))
  })

  it('waits for no pipe, takes names as long as the system allows, and replaces receipts that prove nothing', async function () {
    if (process.platform === 'win32') this.skip()
    const greek = `${'Ω'.repeat(110)}.pdf`
    const long = `${'x'.repeat(245)}.pdf`
    for (const name of ['1.pdf', '2.pdf', '3.pdf', greek, long]) write(`odd/${name}`, name)
    write(
      'odd/p.json',
      JSON.stringify({ uri: 'u', releases: [{ ocid: 'ocds-odd-1', id: '1', date: '2026-01-01T00:00:00Z', tag: ['tender'] }] }),
    )
    execFileSync('mkfifo', [join(folder, 'odd/pipe.pdf'), join(folder, 'odd/2.pdf.receipt.json')])
    symlinkSync('/dev/zero', join(folder, 'odd/3.pdf.receipt.json'))
    const odd = () => json('odd', '--record-from', 'path', '--kind', 'decision')
    const first = await odd()
    const left = ['2.pdf FILE_UNREADABLE', '3.pdf FILE_UNREADABLE', 'pipe.pdf FILE_UNREADABLE', `${long} FILE_NAME_LONG`]
    deepEqual([told(first.value), first.value.missing], [['1.pdf accepted', ...left, 'p.json accepted', `${greek} accepted`].sort(), 0])

    const places = ['odd/1.pdf.receipt.json', `odd/${greek}.receipt.json`, 'odd/p.json.receipts.ndjson']
    const read = (path: string) => readFileSync(join(folder, path), 'utf8')
    const sound = places.map(read)
    const hash = /\\n[\w+/]{43}=(?=\\n\\n)/
    for (const [at, path] of places.entries()) {
      match(sound[at]!, hash)
      write(path, sound[at]!.replace(hash, `\\n${'A'.repeat(43)}=`))
    }
    equal((await odd()).value.missing, 0)
    const factsOf = (text: string) =>
      text
        .trim()
        .split('\n')
        .map(line => parseReceipt(line))
        .map(receipt => [receiptIndex(receipt), JSON.stringify(receipt.statement)])
        .sort()
    ok(!places.map(read).some(text => text.includes('A'.repeat(43))))
    deepEqual(places.map(read).map(factsOf), sound.map(factsOf))
  })

  it('is killed in the middle, and a second run leaves each file sealed once and with its receipt', async () => {
    const pdfs = Array.from({ length: 1800 }, (_, n) => `killed/${n}-${'x'.repeat(170)}.pdf`)
    for (const name of pdfs) write(name, `%PDF ${name} ${'x'.repeat(400)}`)
    // The change goes in another request than the notice that it changes.
    const changed = '88888888-2222-4333-8444-555555555555'
    write('killed/!notice.xml', notice().replaceAll(NOTICE_ID, changed).replace('>02<', '>01<'))
    write('killed/!change.xml', notice({ extension: changeOf(changed) }))
    const names = [...pdfs, 'killed/!notice.xml', 'killed/!change.xml']
    const sizeOf = async () => ((await (await fetch(`${service.url}/v1/status`)).json()) as { size: number }).size
    const before = await sizeOf()
    const args = ['submit', '--agency', AGENCY, 'killed', '--kind', 'decision', '--record-from', 'path']
    const dry = await json(...args.slice(3), '--dry-run')
    deepEqual([dry.code, dry.value.accepted, await sizeOf()], [0, names.length, before])
    const child = startAlone(args, place())
    const ended = new Promise(resolve => child.on('close', resolve))
    while ((await sizeOf()) === before && child.exitCode === null) await new Promise(resolve => setTimeout(resolve, 5))
    child.kill('SIGKILL')
    await ended
    const { code, value } = await json(...args.slice(3))
    deepEqual([code, value.accepted + value.known, value.leftOut, value.missing], [0, names.length, 0, 0])
    ok(value.known > 0, 'the first run had sent something')
    const indexes = names.map(name => receiptIndex(parseReceipt(readFileSync(join(folder, `${name}.receipt.json`), 'utf8'))))
    deepEqual([new Set(indexes).size, await sizeOf()], [names.length, before + names.length])
    deepEqual(
      readdirSync(join(folder, 'killed')).filter(name => name.endsWith('.tmp') || name.endsWith('.new')),
      [],
    )
  })
})
