// Random lives of several logs, against a model of the rules written without the contract.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Account, type Deployment, deploy, errorOf, ZERO_ADDRESS, ZERO_WORD } from './deployment.ts'
import { consistencyOf, damaged, type Hex, leaves, rootOf } from './tree.ts'

const LARGEST = 33
const LOGS = 3
const ACCOUNTS = 4
const MAX_SIZE = 2n ** 53n - 1n
// Two histories that agree in their first eleven leaves: a publisher may follow either until it has
// anchored a leaf of one.
const HISTORIES = [leaves(LARGEST), leaves(LARGEST).map((leaf, i) => (i < 11 ? leaf : damaged(leaf)))]

type ModelLog = {
  owner: number
  pending?: number
  publisher: number
  anchored: { size: number; root: Hex; time: bigint }[]
  closed?: { lastGoodSize: number; successor: Hex }
}
/**
 * The expected content of the contract, by position of the log; undefined for a log that nobody
 * opened.
 */
type Model = (ModelLog | undefined)[]
type World = { deployment: Deployment; ids: Hex[]; accounts: readonly Account[] }
type Action =
  | { kind: 'open'; log: number; by: number; publisher: number }
  | { kind: 'anchor'; log: number; by: number; size: number; history: number; damage: boolean }
  | { kind: 'offer'; log: number; by: number; to: number }
  | { kind: 'accept'; log: number; by: number }
  | { kind: 'publisher'; log: number; by: number; to: number }
  | { kind: 'close'; log: number; by: number; lastGoodSize: number; successor: number }

const log = fc.nat(LOGS - 1)
const account = fc.nat(ACCOUNTS - 1)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), log, by: account, publisher: account }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('anchor' as const),
      log,
      by: account,
      size: fc.nat(LARGEST),
      history: fc.nat(1),
      damage: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('offer' as const), log, by: account, to: account }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('accept' as const), log, by: account }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('publisher' as const), log, by: account, to: account }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('close' as const), log, by: account, lastGoodSize: fc.nat(LARGEST), successor: fc.nat(LOGS) }),
  },
)

describe('CheckpointAnchor: model', () => {
  let deployment: Deployment
  let runs = 0

  before(async () => {
    deployment = await deploy()
  })
  after(() => deployment.close())

  it('does what the rules say, and nothing else, in any order of calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 60, size: 'max' }), async actions => {
        const accounts = deployment.accounts.slice(0, ACCOUNTS)
        const origins = Array.from({ length: LOGS }, (_, i) => `run ${runs} log ${i}`)
        runs++
        // The log at position i is always opened by account i, so that its id is known beforehand.
        const ids = await Promise.all(origins.map((origin, i) => deployment.contract.logIdOf!(accounts[i]!.address, origin)))
        const world: World = { deployment, ids, accounts }
        const model: Model = origins.map(() => undefined)
        for (const a of actions) await step(world, model, origins, a)
        for (let i = 0; i < LOGS; i++) await compare(world, model[i], ids[i]!)
      }),
      { numRuns: 30 },
    )
  })
})

/** Makes one call; it must succeed exactly when the model allows it, and then the model follows. */
async function step(world: World, model: Model, origins: readonly string[], a: Action): Promise<void> {
  const refusal = refusalOf(model, a)
  const sent = send(world, origins, model, a)
  if (refusal) {
    assert.equal((await errorOf(sent))[0], `CheckpointAnchor${refusal}`, JSON.stringify(a))
    return
  }
  const txReceipt = await (await sent).wait()
  apply(model, a, world, BigInt((await txReceipt.getBlock()).timestamp))
}

/**
 * The error that the rules have for a call, by name without the prefix; undefined when they allow
 * it.
 */
function refusalOf(model: Model, a: Action): string | undefined {
  const it = model[a.log]
  if (a.kind === 'open') return it ? 'LogExists' : undefined
  if (!it) return 'UnknownLog'
  if (a.kind === 'anchor') return anchorRefusal(it, a)
  if (a.kind === 'accept') return it.closed ? 'LogClosed' : it.pending === a.by ? undefined : 'NotPendingOwner'
  if (it.owner !== a.by) return 'NotOwner'
  if (it.closed) return 'LogClosed'
  if (a.kind !== 'close') return undefined
  if (a.lastGoodSize > (it.anchored.at(-1)?.size ?? 0)) return 'LastGoodSize'
  const next = a.successor === LOGS ? undefined : model[a.successor]
  return a.successor !== LOGS && (a.successor === a.log || !next || next.closed) ? 'BadSuccessor' : undefined
}

function anchorRefusal(it: ModelLog, a: Action & { kind: 'anchor' }): string | undefined {
  if (it.publisher !== a.by) return 'NotPublisher'
  if (it.closed) return 'LogClosed'
  const head = it.anchored.at(-1)
  if (a.size <= (head?.size ?? 0)) return 'SizeNotLarger'
  if (!head) return undefined // a first root is taken as it is, damaged or not
  const rewritten = rootOf(HISTORIES[a.history]!.slice(0, head.size)) !== head.root
  // From a power of two the contract starts with the root it has, so a rewritten history shows in
  // the new root.
  if (rewritten && !Number.isInteger(Math.log2(head.size))) return 'OldRootMismatch'
  return rewritten || a.damage ? 'NewRootMismatch' : undefined
}

function newRootOf(a: Action & { kind: 'anchor' }): Hex {
  const root = rootOf(HISTORIES[a.history]!.slice(0, a.size))
  return a.damage ? damaged(root) : root
}

function send({ deployment, ids, accounts }: World, origins: readonly string[], model: Model, a: Action) {
  const id = ids[a.log]!
  const sender = deployment.as(accounts[a.kind === 'open' ? a.log : a.by]!)
  switch (a.kind) {
    case 'open':
      return sender.openLog!(origins[a.log], accounts[a.publisher]!.address)
    case 'anchor': {
      const from = model[a.log]?.anchored.at(-1)?.size ?? 0
      const proof = a.size > from ? consistencyOf(from, HISTORIES[a.history]!.slice(0, a.size)) : []
      return sender.anchor!(id, a.size, newRootOf(a), proof)
    }
    case 'offer':
      return sender.transferOwnership!(id, accounts[a.to]!.address)
    case 'accept':
      return sender.acceptOwnership!(id)
    case 'publisher':
      return sender.setPublisher!(id, accounts[a.to]!.address)
    case 'close':
      return sender.closeLog!(id, a.lastGoodSize, ids[a.successor] ?? ZERO_WORD)
  }
}

function apply(model: Model, a: Action, world: World, time: bigint): void {
  if (a.kind === 'open') {
    model[a.log] = { owner: a.log, publisher: a.publisher, anchored: [] }
    return
  }
  const it = model[a.log]!
  if (a.kind === 'anchor') it.anchored.push({ size: a.size, root: newRootOf(a), time })
  if (a.kind === 'offer') it.pending = a.to
  if (a.kind === 'publisher') it.publisher = a.to
  if (a.kind === 'accept') it.owner = a.by
  if (a.kind === 'close') it.closed = { lastGoodSize: a.lastGoodSize, successor: world.ids[a.successor] ?? ZERO_WORD }
  if (a.kind === 'accept' || a.kind === 'close') delete it.pending
}

/** Everything that can be read of a log, against the model. */
async function compare({ deployment, accounts }: World, it: ModelLog | undefined, id: Hex): Promise<void> {
  const address = (i: number | undefined) => (i === undefined ? ZERO_ADDRESS : accounts[i]!.address)
  const head = it?.anchored.at(-1)
  assert.deepEqual((await deployment.contract.latest!(id)).toArray(), [BigInt(head?.size ?? 0), head?.root ?? ZERO_WORD, head?.time ?? 0n])
  const { closed } = it ?? {}
  const held = [address(it?.owner), address(it?.pending), address(it?.publisher), closed !== undefined]
  const ended = [BigInt(closed?.lastGoodSize ?? 0), closed?.successor ?? ZERO_WORD]
  assert.deepEqual((await deployment.contract.logOf!(id)).toArray(), [...held, ...ended])
  for (const { size, root, time } of it?.anchored ?? []) {
    assert.equal(await deployment.contract.anchoredAt!(id, size, root), time)
    assert.equal(await deployment.contract.anchoredAt!(id, size, damaged(root)), 0n)
    assert.equal(await deployment.contract.anchoredAt!(id, BigInt(size) + 1n, root), 0n)
  }
  assert.equal(await deployment.contract.anchoredAt!(id, MAX_SIZE, ZERO_WORD), 0n)
}
