/** `openseal policy --extend` where the ledger's own policy says more, or other things, than a copy. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64, toHex } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/hash.ts'
import { formatPolicy } from '../../src/core/policy.ts'
import { createSigner, ED25519_COSIGNATURE, formatVkey } from '../../src/core/tlog/note.ts'
import { listen, stop } from '../listen.ts'
import { issue } from '../timestamp/authority.ts'
import { createTestLog } from '../witness/world.ts'
import { type Commands, openCommands } from './commands.ts'

const log = createTestLog('log.example/1')
const [MINE, SHARED, THEIRS] = [1, 2, 3].map(byte =>
  formatVkey(createSigner(`witness-${byte}.example`, new Uint8Array(32).fill(byte), ED25519_COSIGNATURE).vkey),
)
const CHAIN = { type: 'evm', chainId: 1, contract: `0x${'c0'.repeat(20)}`, codeSha256: 'ab'.repeat(32), finality: 'finalized' }
const [ONE, TWO] = ['1d', '2d'].map(byte => ({ ...CHAIN, logId: `0x${byte.repeat(32)}` }))
const AUTHORITY = issue({ name: 'One Root', ca: true })
const STAMP = { type: 'rfc3161', name: 'One', certificates: [toBase64(AUTHORITY.der)] }
const PINNED = log.policy({ witnesses: [MINE, SHARED], quorum: 2, anchors: [ONE, { ...TWO, chainId: 2, toSize: 5 }] })

describe('openseal policy --extend, what only the reader decides', () => {
  let folder: string
  let commands: Commands
  let served: string
  let url: string
  const server = createServer(({ url: path }, response) => response.end(path === '/v1/keys' ? '{"keys":[],"changes":[]}' : served))
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-differences-'))
    commands = openCommands()
    url = await listen(server)
  })
  after(async () => {
    await commands.close()
    stop(server)
    rmSync(folder, { recursive: true, force: true })
  })

  /** Extends a copy, or a list with it, by a ledger with this policy. The file stays as it was. */
  async function extend(policy: string, { json = false, list = false } = {}) {
    served = policy
    const file = join(folder, 'kept.json')
    const entry = { name: 'Ruritania', ledger: url, policy: PINNED }
    const before = list ? JSON.stringify({ type: 'openseal/trust@v1', name: 'Ours', entries: [entry] }) : formatPolicy(PINNED)
    writeFileSync(file, before)
    const args = ['policy', '--extend', 'kept.json', ...(list ? [] : ['--ledger', url]), ...(json ? ['--json'] : [])]
    const ran = await commands.run(args, { cwd: folder })
    deepEqual([ran.code, readFileSync(file, 'utf8')], [0, before], ran.err)
    return ran
  }

  it('says nothing where both name the same, and where a range has ended', async () => {
    const { out, err } = await extend(formatPolicy(log.policy({ witnesses: [SHARED, MINE], quorum: 2, anchors: [ONE] })))
    equal(out, `${url} reports no change of keys or chains that is missing in kept.json. The file is unchanged.\n`)
    equal(err, '')
    deepEqual(JSON.parse((await extend(formatPolicy(PINNED), { json: true })).out), { file: 'kept.json', added: [] })
  })

  it('names each witness, authority, chain and number that differs, and adopts none', async () => {
    const more = { witnesses: [SHARED, THEIRS], quorum: 1, requireAnchors: 2, anchors: [ONE, { ...TWO, chainId: 3 }, STAMP] }
    const { out, err } = await extend(formatPolicy(log.policy(more)))
    const certificate = toHex(sha256(AUTHORITY.der))
    const lines = [
      `The policy at ${url} differs from kept.json. None of this was adopted, because no entry of the log vouches for it:`,
      `  witnesses, only there: ${THEIRS}`,
      `  witnesses, only in your copy: ${MINE}`,
      '  witnesses that must sign (quorum): 1 there, 2 in your copy',
      `  chains, only there: chain 3, contract ${CHAIN.contract} (code ${CHAIN.codeSha256}), log ${TWO!.logId}`,
      `  time-stamp authorities, only there: One (certificate ${certificate})`,
      '  anchors that are required (requireAnchors): 2 there, 1 in your copy',
    ]
    deepEqual(out.trimEnd().split('\n').slice(1), lines)
    match(err, /^You decide\. /)
    const { differences } = JSON.parse((await extend(formatPolicy(log.policy(more)), { json: true })).out)
    deepEqual(differences, {
      witnesses: { ledgerOnly: [THEIRS], yoursOnly: [MINE] },
      quorum: { ledger: 1, yours: 2 },
      chains: { ledgerOnly: [lines[4]!.replace(/^.*?: /, '')], yoursOnly: [] },
      authorities: { ledgerOnly: [`One (certificate ${certificate})`], yoursOnly: [] },
      requireAnchors: { ledger: 2, yours: 1 },
    })
    const ofList = await extend(formatPolicy(log.policy(more)), { list: true })
    match(ofList.out, /differs from the entry Ruritania of kept\.json\.[\s\S]*quorum\): 1 there, 2 in your copy/)
    deepEqual(
      JSON.parse((await extend(formatPolicy(log.policy(more)), { list: true, json: true })).out).entries[0].differences,
      differences,
    )
  })

  it('warns of a key of the log that no logged change introduces', async () => {
    const thief = formatVkey(createSigner(log.origin, new Uint8Array(32).fill(9)).vkey)
    const policy = { ...PINNED, logKeys: [...PINNED.logKeys, { vkey: thief, fromSize: 0 }] }
    const { out, err } = await extend(formatPolicy(policy))
    match(out, /keys of the log, only there: log\.example\/1\+/)
    match(err, /may be a thief’s/)
  })

  it('says that nothing was compared where the ledger serves no policy, or one of another ledger', async () => {
    for (const other of ['{}', formatPolicy(createTestLog('other.example').policy({ anchors: [ONE] }))]) {
      const { out, err } = await extend(other)
      equal(err, `${url} serves no policy that could be compared with kept.json.\n`)
      doesNotMatch(out, /differs/)
    }
  })
})
