/** `openseal policy --offline`: a policy for checks without a network, and what it gives up. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64 } from '../../src/core/bytes.ts'
import { issue } from '../timestamp/authority.ts'
import { stampedReceipt } from '../verifier/stamped.ts'
import { ANCHOR, FILE } from '../verifier/world.ts'
import { type Commands, openCommands } from './commands.ts'

const GONE = 'http://127.0.0.1:9'

describe('openseal policy --offline', () => {
  let folder: string
  let commands: Commands
  let served: { witnesses: string[]; anchors: object[]; requireAnchors: number; quorum: number }
  const openseal = (...args: readonly string[]) => commands.run(args, { cwd: folder })
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value))
  const verify = (policy: string) =>
    openseal('verify', 'tender.json', '--policy', policy, '--ledger', GONE, '--rpc', GONE, '--json').then(({ code, out }) => ({
      code,
      ...JSON.parse(out),
    }))
  before(async () => {
    commands = openCommands()
    folder = await mkdtemp(join(tmpdir(), 'openseal-offline-'))
    const { receipt, policy } = await stampedReceipt()
    const { anchors, ...rest } = JSON.parse(policy)
    served = { ...rest, anchors: [ANCHOR, { ...ANCHOR, chainId: 2 }, ...anchors], requireAnchors: 2 }
    await write('served.json', served)
    await writeFile(join(folder, 'tender.json'), FILE)
    await writeFile(join(folder, 'tender.json.receipt.json'), receipt)
  })
  after(async () => {
    await commands.close()
    await rm(folder, { recursive: true })
  })

  it('makes a policy by which a receipt verifies without a network, and says what is given up', async () => {
    equal((await verify('served.json')).code, 6)
    const { code, out, err } = await openseal('policy', '--offline', '--from', 'served.json', '--out', 'offline.json')
    equal(code, 0)
    match(out, /witnesses: witness-2\.example/)
    deepEqual(err.trim().split('\n'), [
      'What you give up:',
      `  The chains ${ANCHOR.chainId}, 2 are not asked. A history that a contract would refuse can only be stopped by the witnesses.`,
      '  If the owner closes the log after a theft, the checks do not learn of it: records that the owner disowned still look good.',
      '  3 of 3 witnesses must have signed.',
      '  The date is that of a time stamp. The other policy requires 2 anchors.',
      '  Without a network, nobody says whether there is a newer version, or whether a certificate was revoked.',
    ])
    const { code: exit, verdict, isGreen, asked } = await verify('offline.json')
    deepEqual([exit, verdict, isGreen, asked], [0, 'anchored', false, 'nobody'])
  })

  it('asks for one witness at least, and for as many time stamps as there are authorities for production', async () => {
    const [, , stamp] = served.anchors
    const root = toBase64(issue({ name: 'Test Root', ca: true }).der)
    const test = { type: 'rfc3161', name: 'Test', certificates: [root], production: false, fromSize: 0 }
    await write('loose.json', { ...served, quorum: 0, requireAnchors: 4, anchors: [...served.anchors, test] })
    const { out } = await openseal('policy', '--offline', '--from', 'loose.json', '--out', 'loose-offline.json', '--json')
    deepEqual(JSON.parse(out).givenUp, {
      chains: [ANCHOR.chainId, 2],
      quorum: { before: 0, now: 1 },
      requireAnchors: { before: 4, now: 1 },
    })
    const { anchors, quorum, requireAnchors } = JSON.parse(await readFile(join(folder, 'loose-offline.json'), 'utf8'))
    deepEqual([anchors, quorum, requireAnchors], [[{ ...stamp, fromSize: 0 }, test], 1, 1])
  })

  it('writes nothing where nobody but a chain stops a second history, or says since when', async () => {
    await write('alone.json', { ...served, witnesses: [], quorum: 0 })
    await write('undated.json', { ...served, anchors: [ANCHOR], requireAnchors: 1 })
    for (const [file, why] of [
      ['alone.json', /names no witness/],
      ['undated.json', /names no time-stamp authority/],
    ] as const) {
      const { code, out, err } = await openseal('policy', '--offline', '--from', file, '--out', 'refused.json')
      deepEqual([code, out], [2, ''])
      match(err, why)
      match(err, /POLICY_NEEDS_NETWORK/)
    }
    equal((await openseal('policy', '--offline', '--add', 'list.json', '--from', 'served.json')).code, 2)
    await readFile(join(folder, 'refused.json')).then(
      () => equal('written', 'nothing'),
      ({ code }) => equal(code, 'ENOENT'),
    )
  })
})
