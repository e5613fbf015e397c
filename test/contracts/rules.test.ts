// The permissions in a log, each argument damaged once with its own error, and the event of each
// change.
import assert from 'node:assert/strict'
import { AbiCoder, keccak256 } from 'ethers'
import { type Account, type Deployment, deploy, errorOf, eventsOf, ZERO_ADDRESS, ZERO_WORD } from './deployment.ts'
import { consistencyOf, damaged, type Hex, leaves, rootOf } from './tree.ts'

const LEAVES = leaves(20)
const root = (size: number) => rootOf(LEAVES.slice(0, size))
const proof = (from: number, to: number) => consistencyOf(from, LEAVES.slice(0, to))
const MAX_SIZE = 2n ** 53n - 1n

describe('CheckpointAnchor: rules', () => {
  let deployment: Deployment
  let owner: Account
  let publisher: Account
  let stranger: Account
  let logId: Hex
  let opened = 0

  before(async () => {
    deployment = await deploy()
    ;[owner, publisher, stranger] = deployment.accounts as [Account, Account, Account]
  })
  beforeEach(async () => {
    logId = await deployment.openLog(owner, `log ${opened++}`, publisher)
  })
  after(() => deployment.close())

  const as = (account: Account) => deployment.as(account)
  const anchor = (size: number | bigint, newRoot: Hex, hashes: Hex[]) => as(publisher).anchor!(logId, size, newRoot, hashes)
  const logOf = async (id: Hex) => (await deployment.contract.logOf!(id)).toArray() as unknown[]
  const latest = async (id: Hex) => (await deployment.contract.latest!(id)).toArray() as unknown[]

  describe('openLog', () => {
    it('gives the id that follows from sender and origin, and says so', async () => {
      const id = keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'string'], [stranger.address, 'a log.example/ö']))
      assert.equal(await deployment.contract.logIdOf!(stranger.address, 'a log.example/ö'), id)
      const { events } = await eventsOf(as(stranger).openLog!('a log.example/ö', publisher.address))
      assert.deepEqual(events, [['LogOpened', id, stranger.address, publisher.address, 'a log.example/ö']])
      assert.deepEqual(await logOf(id), [stranger.address, ZERO_ADDRESS, publisher.address, false, 0n, ZERO_WORD])
    })

    it('gives two senders of one origin two logs', async () => {
      const first = await deployment.openLog(owner, 'the same')
      const second = await deployment.openLog(stranger, 'the same')
      assert.notEqual(first, second)
    })

    it('refuses the same origin from the same sender again', async () => {
      const id = await deployment.openLog(owner, 'once')
      assert.deepEqual(await errorOf(as(owner).openLog!('once', stranger.address)), ['CheckpointAnchorLogExists', id])
    })

    it('refuses the zero address as publisher', async () => {
      const id = await deployment.contract.logIdOf!(owner.address, 'zero')
      assert.deepEqual(await errorOf(as(owner).openLog!('zero', ZERO_ADDRESS)), ['CheckpointAnchorZeroPublisher', id])
    })
  })

  describe('anchor', () => {
    it('records root and block time, and says so', async () => {
      const first = await eventsOf(anchor(7, root(7), []))
      assert.deepEqual(first.events, [['CheckpointAnchored', logId, 7n, root(7), first.time]])
      const second = await eventsOf(anchor(12, root(12), proof(7, 12)))
      assert.deepEqual(second.events, [['CheckpointAnchored', logId, 12n, root(12), second.time]])
      assert.deepEqual(await latest(logId), [12n, root(12), second.time])
      assert.equal(await deployment.contract.anchoredAt!(logId, 7, root(7)), first.time)
      assert.equal(await deployment.contract.anchoredAt!(logId, 12, root(12)), second.time)
    })

    it('refuses each argument damaged, with an error of its own', async () => {
      await anchor(7, root(7), [])
      const [good, size] = [proof(7, 12), 12]
      const cases: [string, Promise<unknown>, unknown[]][] = [
        ['log id', as(publisher).anchor!(damaged(logId), size, root(12), good), ['CheckpointAnchorUnknownLog', damaged(logId)]],
        [
          'sender',
          as(owner).anchor!(logId, size, root(12), good),
          ['CheckpointAnchorNotPublisher', logId, owner.address, publisher.address],
        ],
        ['size, equal', anchor(7, root(7), []), ['CheckpointAnchorSizeNotLarger', 7n, 7n]],
        ['size, smaller', anchor(6, root(6), []), ['CheckpointAnchorSizeNotLarger', 6n, 7n]],
        ['size, zero', anchor(0, root(0), []), ['CheckpointAnchorSizeNotLarger', 0n, 7n]],
        ['size, too large', anchor(MAX_SIZE + 1n, root(12), good), ['CheckpointAnchorSizeTooLarge', MAX_SIZE + 1n, MAX_SIZE]],
        ['size, largest word', anchor(2n ** 64n - 1n, root(12), good), ['CheckpointAnchorSizeTooLarge', 2n ** 64n - 1n, MAX_SIZE]],
        ['root', anchor(size, damaged(root(12)), good), ['CheckpointAnchorNewRootMismatch', root(12), damaged(root(12))]],
        ['proof, empty', anchor(size, root(12), []), ['CheckpointAnchorProofLength', 0n, BigInt(good.length)]],
        [
          'proof, 200 hashes',
          anchor(size, root(12), Array(200).fill(ZERO_WORD)),
          ['CheckpointAnchorProofLength', 200n, BigInt(good.length)],
        ],
      ]
      for (const [what, call, expected] of cases) assert.deepEqual(await errorOf(call), expected, what)
      const [name, , stored] = await errorOf(anchor(size, root(12), good.with(0, damaged(good[0]!))))
      assert.deepEqual([name, stored], ['CheckpointAnchorOldRootMismatch', root(7)])
      assert.equal((await latest(logId))[0], 7n)
    })

    it('refuses a first anchor of size 0, and one with a proof', async () => {
      assert.deepEqual(await errorOf(anchor(0, root(0), [])), ['CheckpointAnchorSizeNotLarger', 0n, 0n])
      assert.deepEqual(await errorOf(anchor(3, root(3), [root(1)])), ['CheckpointAnchorProofLength', 1n, 0n])
    })

    it('takes sizes up to 2^53-1', async () => {
      await anchor(MAX_SIZE, root(1), [])
      assert.deepEqual((await latest(logId)).slice(0, 2), [MAX_SIZE, root(1)])
    })

    it('asks for a proof of the exact length at the largest sizes', async () => {
      await anchor(MAX_SIZE - 1n, root(1), [])
      // 2^53-2 leaves are perfect subtrees of 2^52 … 2 leaves; the next leaf is the sibling on the
      // right of the smallest.
      assert.deepEqual(await errorOf(anchor(MAX_SIZE, root(2), [])), ['CheckpointAnchorProofLength', 0n, 53n])
    })

    it('refuses the same call a second time', async () => {
      await anchor(7, root(7), [])
      await anchor(12, root(12), proof(7, 12))
      assert.deepEqual(await errorOf(anchor(12, root(12), proof(7, 12))), ['CheckpointAnchorSizeNotLarger', 12n, 12n])
    })

    it('accepts nothing when the gas runs out, wherever that is', async () => {
      await anchor(7, root(7), [])
      for (let gasLimit = 24_000; gasLimit < 60_000; gasLimit += 997) {
        await assert.rejects(as(publisher).anchor!.staticCall(logId, 12, root(12), proof(7, 12), { gasLimit }))
        await assert.rejects(as(publisher).anchor!.staticCall(logId, 12, damaged(root(12)), proof(7, 12), { gasLimit }))
      }
    })
  })

  describe('ownership', () => {
    it('passes in two steps, and leaves the publisher as it is', async () => {
      const offered = await eventsOf(as(owner).transferOwnership!(logId, stranger.address))
      assert.deepEqual(offered.events, [['OwnershipTransferStarted', logId, owner.address, stranger.address]])
      assert.deepEqual(await logOf(logId), [owner.address, stranger.address, publisher.address, false, 0n, ZERO_WORD])
      const accepted = await eventsOf(as(stranger).acceptOwnership!(logId))
      assert.deepEqual(accepted.events, [['OwnershipTransferred', logId, owner.address, stranger.address]])
      assert.deepEqual(await logOf(logId), [stranger.address, ZERO_ADDRESS, publisher.address, false, 0n, ZERO_WORD])
      const refused = ['CheckpointAnchorNotOwner', logId, owner.address, stranger.address]
      assert.deepEqual(await errorOf(as(owner).transferOwnership!(logId, owner.address)), refused)
    })

    it('is accepted only by the address it was offered to last', async () => {
      const none = ['CheckpointAnchorNotPendingOwner', logId, stranger.address, ZERO_ADDRESS]
      assert.deepEqual(await errorOf(as(stranger).acceptOwnership!(logId)), none)
      await as(owner).transferOwnership!(logId, stranger.address)
      await as(owner).transferOwnership!(logId, publisher.address)
      const replaced = ['CheckpointAnchorNotPendingOwner', logId, stranger.address, publisher.address]
      assert.deepEqual(await errorOf(as(stranger).acceptOwnership!(logId)), replaced)
      await as(owner).transferOwnership!(logId, ZERO_ADDRESS)
      const withdrawn = ['CheckpointAnchorNotPendingOwner', logId, publisher.address, ZERO_ADDRESS]
      assert.deepEqual(await errorOf(as(publisher).acceptOwnership!(logId)), withdrawn)
    })

    it('is what changes a log: nobody else does, the publisher included', async () => {
      for (const account of [publisher, stranger]) {
        const refused = ['CheckpointAnchorNotOwner', logId, account.address, owner.address]
        assert.deepEqual(await errorOf(as(account).transferOwnership!(logId, account.address)), refused)
        assert.deepEqual(await errorOf(as(account).setPublisher!(logId, account.address)), refused)
        assert.deepEqual(await errorOf(as(account).closeLog!(logId, 0, ZERO_WORD)), refused)
      }
    })

    it('is asked of a log that exists', async () => {
      const [id, refused] = [damaged(logId), ['CheckpointAnchorUnknownLog', damaged(logId)]]
      assert.deepEqual(await errorOf(as(owner).transferOwnership!(id, owner.address)), refused)
      assert.deepEqual(await errorOf(as(owner).acceptOwnership!(id)), refused)
      assert.deepEqual(await errorOf(as(owner).setPublisher!(id, owner.address)), refused)
      assert.deepEqual(await errorOf(as(owner).closeLog!(id, 0, ZERO_WORD)), refused)
    })
  })

  describe('setPublisher', () => {
    it('takes the power from the old publisher and gives it to the new one', async () => {
      await anchor(7, root(7), [])
      const { events } = await eventsOf(as(owner).setPublisher!(logId, stranger.address))
      assert.deepEqual(events, [['PublisherChanged', logId, publisher.address, stranger.address]])
      const refused = ['CheckpointAnchorNotPublisher', logId, publisher.address, stranger.address]
      assert.deepEqual(await errorOf(anchor(12, root(12), proof(7, 12))), refused)
      await as(stranger).anchor!(logId, 12, root(12), proof(7, 12))
      assert.deepEqual((await latest(logId)).slice(0, 2), [12n, root(12)])
    })

    it('refuses the zero address', async () => {
      assert.deepEqual(await errorOf(as(owner).setPublisher!(logId, ZERO_ADDRESS)), ['CheckpointAnchorZeroPublisher', logId])
    })
  })

  describe('closeLog', () => {
    it('ends a log for good, and leaves it readable', async () => {
      const successor = await deployment.openLog(owner, `successor of ${logId}`, stranger)
      const { time } = await eventsOf(anchor(7, root(7), []))
      await as(owner).transferOwnership!(logId, stranger.address)
      const { events } = await eventsOf(as(owner).closeLog!(logId, 5, successor))
      assert.deepEqual(events, [['LogClosed', logId, 5n, successor]])
      assert.deepEqual(await logOf(logId), [owner.address, ZERO_ADDRESS, publisher.address, true, 5n, successor])
      assert.deepEqual(await latest(logId), [7n, root(7), time])
      assert.equal(await deployment.contract.anchoredAt!(logId, 7, root(7)), time)

      const closed = ['CheckpointAnchorLogClosed', logId, 5n, successor]
      assert.deepEqual(await errorOf(anchor(12, root(12), proof(7, 12))), closed)
      assert.deepEqual(await errorOf(as(owner).setPublisher!(logId, stranger.address)), closed)
      assert.deepEqual(await errorOf(as(owner).transferOwnership!(logId, stranger.address)), closed)
      assert.deepEqual(await errorOf(as(stranger).acceptOwnership!(logId)), closed)
      assert.deepEqual(await errorOf(as(owner).closeLog!(logId, 7, ZERO_WORD)), closed)
      const id = await deployment.contract.logIdOf!(owner.address, `log ${opened - 1}`)
      assert.deepEqual(await errorOf(as(owner).openLog!(`log ${opened - 1}`, publisher.address)), ['CheckpointAnchorLogExists', id])
    })

    it('refuses a last good size above the anchored one', async () => {
      assert.deepEqual(await errorOf(as(owner).closeLog!(logId, 1, ZERO_WORD)), ['CheckpointAnchorLastGoodSize', 1n, 0n])
      await anchor(7, root(7), [])
      assert.deepEqual(await errorOf(as(owner).closeLog!(logId, 8, ZERO_WORD)), ['CheckpointAnchorLastGoodSize', 8n, 7n])
      await as(owner).closeLog!(logId, 7, ZERO_WORD)
    })

    it('refuses a successor that is unknown, closed, or the log itself', async () => {
      const other = await deployment.openLog(stranger, `other than ${logId}`)
      await as(stranger).closeLog!(other, 0, ZERO_WORD)
      for (const successor of [damaged(logId), other, logId])
        assert.deepEqual(await errorOf(as(owner).closeLog!(logId, 0, successor)), ['CheckpointAnchorBadSuccessor', logId, successor])
    })
  })

  it('answers zero, and never reverts, for what it does not know', async () => {
    const unknown = damaged(logId)
    assert.deepEqual(await latest(unknown), [0n, ZERO_WORD, 0n])
    assert.deepEqual(await latest(logId), [0n, ZERO_WORD, 0n])
    assert.deepEqual(await logOf(unknown), [ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS, false, 0n, ZERO_WORD])
    await anchor(7, root(7), [])
    for (const [id, size, r] of [
      [unknown, 7, root(7)],
      [logId, 8, root(7)],
      [logId, 7, damaged(root(7))],
      [logId, 0, ZERO_WORD],
      [logId, 2n ** 64n - 1n, root(7)],
    ] as const)
      assert.equal(await deployment.contract.anchoredAt!(id, size, r), 0n)
  })
})
