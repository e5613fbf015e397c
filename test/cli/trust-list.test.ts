/** `openseal policy --add` and `--extend` on trust lists, and commands that take a list for a policy. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTrustList } from '../../src/core/trust.ts'
import { openWorld, type World } from '../web/world.ts'
import { type Commands, openCommands } from './commands.ts'

describe('cli/trust-list', function () {
  this.timeout(120_000)
  let folder: string
  let here: World
  let there: World
  let commands: Commands
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-trust-'))
    here = await openWorld({ origin: 'here.example/log' })
    there = await openWorld({ origin: 'there.example/log', chainId: 2 })
    commands = openCommands()
  })
  after(async () => {
    await commands?.close()
    await here?.close()
    await there?.close()
    await rm(folder, { recursive: true, force: true })
  })
  const openseal = (...args: readonly string[]) => commands.run(args, { cwd: folder })
  const add = (world: World, name: string, ...more: readonly string[]) =>
    openseal('policy', '--add', 'list.json', '--ledger', world.url, '--name', name, ...more)
  const read = async () => parseTrustList(await readFile(join(folder, 'list.json')))

  it('writes nothing before somebody has agreed to what is shown', async () => {
    const { code, err } = await add(here, 'Here', '--list-name', 'Neighbours')
    equal(code, 2)
    match(err, /The list “Neighbours”, SHA-256 [0-9a-f]{64}:\n {2}Here \(here\.example\/log\), SHA-256 [0-9a-f]{64}\n/)
    match(err, /give --yes/)
    equal((await openseal('policy', '--add', 'list.json', '--ledger', here.url, '--yes')).code, 2)
    await readFile(join(folder, 'list.json')).then(
      () => Promise.reject(new Error('it was written')),
      () => {},
    )
  })

  it('collects the policies of ledgers, each with its name, its address and its fingerprint', async () => {
    equal((await add(here, 'Here', '--list-name', 'Neighbours', '--yes')).code, 0)
    const { code, out } = await add(there, 'There', '--yes', '--json')
    equal(code, 0)
    const list = await read()
    deepEqual(
      list.entries.map(({ name, origin, ledger }) => [name, origin, ledger]),
      [
        ['Here', 'here.example/log', here.url],
        ['There', 'there.example/log', there.url],
      ],
    )
    const told = JSON.parse(out)
    deepEqual([told.name, told.sha256, told.added], ['Neighbours', list.sha256, true])
    deepEqual(
      told.entries.map(({ sha256 }: { sha256: string }) => sha256),
      list.entries.map(({ sha256 }) => sha256),
    )
  })

  it('replaces no policy: the same one is there already, and another one is refused', async () => {
    const before = await read()
    const again = await add(here, 'Another name', '--yes')
    deepEqual([again.code, again.out], [0, 'list.json has this policy already.\n'])
    here.state.production = false
    const other = await add(here, 'Here', '--yes')
    here.state.production = true
    equal(other.code, 2)
    match(other.err, /another policy for here\.example\/log [\s\S]*\[TRUST_ORIGIN_KNOWN\]/)
    deepEqual(await read(), before)
  })

  it('adds a copy from a file, and takes no policy for a list', async () => {
    await writeFile(join(folder, 'own.json'), JSON.stringify({ ...here.policy(), origin: 'here.example/log' }))
    equal(
      (await openseal('policy', '--add', 'other.json', '--from', 'own.json', '--name', 'Own', '--list-name', 'Copies', '--yes')).code,
      0,
    )
    const { entries } = parseTrustList(await readFile(join(folder, 'other.json')))
    deepEqual([entries.length, entries[0]!.ledger], [1, undefined])
    const { code, err } = await openseal('policy', '--add', 'own.json', '--ledger', there.url, '--name', 'There', '--yes')
    equal(code, 2)
    match(err, /own\.json is a policy, not a trust list/)
  })

  it('follows a change of chains entry by entry, and adopts it only if told to', async () => {
    const { contract, codeSha256, logId } = there.policy().anchors[0] as { contract: string; codeSha256: string; logId: string }
    const index = await there.ledger.changeAnchors([2, 3].map(chainId => ({ type: 'evm', chainId, contract, codeSha256, logId })))
    await there.anchor()
    const rpc = ['--rpc', `1=${here.chain.url}`, '--rpc', `2=${there.chain.url}`]
    const before = await read()
    const shown = await openseal('policy', '--extend', 'list.json', ...rpc)
    equal(shown.code, 0, shown.err)
    match(
      shown.out,
      new RegExp(
        `Here \\(here\\.example/log\\): no change\\.[\\s\\S]*Entry ${index} changes the chains[\\s\\S]*from ${index + 2}:\\n {2}chain 3, contract ${contract}`,
      ),
    )
    match(shown.err, /--accept-anchors/)
    deepEqual(await read(), before)
    equal((await openseal('policy', '--extend', 'list.json', ...rpc, '--accept-anchors', '--finality', '5')).code, 0)
    const [kept, extended] = (await read()).entries
    deepEqual(kept, before.entries[0])
    deepEqual(extended!.policy!.anchors.at(-1), {
      ...{ type: 'evm', chainId: 3, contract, codeSha256, logId },
      ...{ production: false, finality: { confirmations: 5 }, fromSize: index + 2 },
    })
    deepEqual(JSON.parse((await openseal('policy', '--extend', 'list.json', ...rpc, '--json')).out).entries[1].anchors, [])
  })

  it('lets one ledger that does not answer harm no other', async () => {
    const list = JSON.parse(await readFile(join(folder, 'list.json'), 'utf8'))
    list.entries[0].ledger = 'http://127.0.0.1:9'
    await writeFile(join(folder, 'half.json'), JSON.stringify(list))
    const { code, out } = await openseal('policy', '--extend', 'half.json', '--rpc', `2=${there.chain.url}`)
    match(out, /Here \(here\.example\/log\): not checked\. [\s\S]*There \(there\.example\/log\): no change\./)
    equal(code, 6)
    const inJson = await openseal('policy', '--extend', 'half.json', '--rpc', `2=${there.chain.url}`, '--json')
    equal(inJson.code, 6)
    equal(JSON.parse(inJson.out).entries[0].code, 'LEDGER_UNREACHABLE')
  })

  it('is taken by commands that talk to one ledger, and picks that ledger’s policy', async () => {
    const index = Number(await here.submit('r-1', 'one'))
    await here.anchor()
    const args = ['receipt', String(index), '--out', 'r.receipt.json', '--rpc', `1=${here.chain.url}`, '--policy']
    equal((await openseal(...args, 'list.json', '--ledger', here.url)).code, 0)
    const stranger = await openWorld({ origin: 'stranger.example/log' })
    try {
      const { code, err } = await openseal('receipt', '0', '--out', 's.receipt.json', '--policy', 'list.json', '--ledger', stranger.url)
      equal(code, 7)
      match(err, /does not know the ledger stranger\.example\/log \[TRUST_ORIGIN_UNKNOWN\]/)
    } finally {
      await stranger.close()
    }
  })
  describe('that judges files', () => {
    const rpc = () => ['--rpc', `1=${here.chain.url}`, '--rpc', `2=${there.chain.url}`]
    const verify = async (list: string, file: string, ...more: readonly string[]) => {
      const ran = await openseal('verify', file, '--policy', list, ...rpc(), ...more)
      return { ...ran, json: more.includes('--json') ? JSON.parse(ran.out) : undefined }
    }
    before(async () => {
      await there.submit('t-1', 'two')
      await there.anchor()
      const json = { type: 'openseal/trust@v1', name: 'Both', entries: [] as object[] }
      const write = (name: string, entries: readonly object[]) => writeFile(join(folder, name), JSON.stringify({ ...json, entries }))
      const [first, second] = [here, there].map(({ url, policy }) => ({
        name: url,
        ledger: url,
        policy: JSON.parse(JSON.stringify(policy())),
      }))
      await write('both.json', [first!, second!])
      await write('one.json', [second!, { ...first!, ledger: undefined }])
      await write('none.json', [{ ...first!, ledger: undefined }])
      const mail = 'From: a@a.example\nMessage-ID: <1@a.example>\nDate: Sun, 1 Nov 2026 10:00:00 +0000\nSubject: Road\n\nText\n'
      for (const [name, text] of Object.entries({ 'two.txt': 'two', 'never.txt': 'never', 'never.eml': mail }))
        await writeFile(join(folder, name), text)
    })

    it('asks the ledgers of the list, and not the default one, if the reader names none', async () => {
      const never = await verify('both.json', 'never.txt', '--json')
      const lookedUp = { answered: [here.url, there.url], silent: [], notAsked: [] }
      deepEqual([never.code, never.json.verdict, never.json.lookedUp], [4, 'unknown', lookedUp])
      const found = await verify('both.json', 'two.txt', '--json', '--report', 'report.html')
      deepEqual([found.code, found.json.verdict, found.json.receipt], [0, 'anchored', there.url])
      const report = await readFile(join(folder, 'report.html'), 'utf8')
      const hosts = [here, there].map(({ url }) => `<bdi>${new URL(url).host}</bdi>`)
      match(report, new RegExp(`<dd>${hosts.join(', ')}</dd>`))
      const { err } = await verify('both.json', 'never.eml')
      deepEqual(
        [...err.matchAll(/(http\S+)\/records\?q=Road/g)].map(([, url]) => url),
        [here.url, there.url],
      )
    })

    it('asks a ledger that the reader names, too', async () => {
      const silent = 'http://127.0.0.1:9'
      const named = await verify('both.json', 'never.txt', '--json', '--ledger', silent)
      deepEqual([named.code, named.json.lookedUp], [6, { answered: [here.url, there.url], silent: [silent], notAsked: [] }])
      const { code, err } = await verify('both.json', 'never.txt', '--ledger', silent)
      equal(code, 6)
      match(err, new RegExp(`Asked: the ledgers at ${here.url}, ${there.url}, ${silent}; endpoints`))
      const inEnvironment = await commands.run(['verify', 'never.txt', '--policy', 'both.json', ...rpc()], {
        cwd: folder,
        env: { OPENSEAL_LEDGER: silent },
      })
      equal(inEnvironment.code, 6)
    })

    it('asks the only ledger of the list that has an address, and no ledger if none has one', async () => {
      const only = await verify('one.json', 'two.txt', '--json')
      const lookedUp = { answered: [there.url], silent: [], notAsked: [here.url] }
      deepEqual([only.code, only.json.receipt, only.json.lookedUp], [0, there.url, lookedUp])
      for (const files of [['never.txt'], ['never.txt', 'never.eml']]) {
        const never = await openseal('verify', ...files, '--policy', 'one.json', ...rpc())
        equal(never.code, 4)
        const plain = never.out.replace(/[\u2068\u2069]/g, '').replace(/\s+/g, ' ')
        equal(plain.match(new RegExp(`These ledgers were not asked: ${here.url}\\.`, 'g'))?.length, files.length)
      }
      const { code, out, err } = await verify('none.json', 'never.txt')
      equal(code, 6)
      match(out, /Add the receipt of this file too: no ledger was asked\./)
      match(err, /Asked: no ledger \(name one with --ledger URL\); endpoints/)
    })
  })
})
