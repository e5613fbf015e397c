// Every step from one small tree to another, judged by the contract and by the recursion of RFC
// 9162.
import assert from 'node:assert/strict'
import { type Deployment, deploy, errorOf } from './deployment.ts'
import { consistencyOf, damaged, type Hex, leaves, rootOf } from './tree.ts'

const LARGEST = 70
const LEAVES = leaves(LARGEST)
const tree = (size: number) => LEAVES.slice(0, size)
const ROOTS = Array.from({ length: LARGEST + 1 }, (_, size) => rootOf(tree(size)))

describe('CheckpointAnchor: consistency', () => {
  let deployment: Deployment
  let logIds: Hex[] // a log for each old size, with exactly that much anchored; 0 for none

  before(async () => {
    deployment = await deploy()
    logIds = []
    for (let from = 0; from < LARGEST; from++) {
      const logId = await deployment.openLog(deployment.accounts[0]!, `from ${from}`)
      if (from > 0) await deployment.contract.anchor!(logId, from, ROOTS[from], [])
      logIds.push(logId)
    }
  })
  after(() => deployment.close())

  const tryAnchor = (from: number, to: number, root: Hex, proof: Hex[]): Promise<unknown> =>
    deployment.contract.anchor!.staticCall(logIds[from], to, root, proof)

  it(`accepts the proof of every pair of sizes up to ${LARGEST}`, async () => {
    let pairs = 0
    for (let from = 0; from < LARGEST; from++) {
      for (let to = from + 1; to <= LARGEST; to++) {
        await tryAnchor(from, to, ROOTS[to]!, consistencyOf(from, tree(to)))
        pairs++
      }
    }
    assert.equal(pairs, (LARGEST * (LARGEST + 1)) / 2)
  })

  it('refuses a new root that is not the tree, for every pair of sizes', async () => {
    for (let from = 1; from < LARGEST; from++) {
      for (let to = from + 1; to <= LARGEST; to++) {
        const wrong = damaged(ROOTS[to]!)
        const error = await errorOf(tryAnchor(from, to, wrong, consistencyOf(from, tree(to))))
        assert.deepEqual(error, ['CheckpointAnchorNewRootMismatch', ROOTS[to], wrong])
      }
    }
  })

  it('refuses a proof with one hash too few or too many, for every pair of sizes up to 40', async () => {
    for (let from = 0; from < 40; from++) {
      for (let to = from + 1; to <= 40; to++) {
        const proof = consistencyOf(from, tree(to))
        const long = await errorOf(tryAnchor(from, to, ROOTS[to]!, [...proof, ROOTS[1]!]))
        assert.deepEqual(long, ['CheckpointAnchorProofLength', BigInt(proof.length + 1), BigInt(proof.length)])
        if (proof.length === 0) continue
        const short = await errorOf(tryAnchor(from, to, ROOTS[to]!, proof.slice(0, -1)))
        assert.deepEqual(short, ['CheckpointAnchorProofLength', BigInt(proof.length - 1), BigInt(proof.length)])
      }
    }
  })

  it('refuses a proof with any one of its hashes damaged, for every pair of sizes up to 24', async () => {
    for (let from = 1; from < 24; from++) {
      for (let to = from + 1; to <= 24; to++) {
        const proof = consistencyOf(from, tree(to))
        for (let i = 0; i < proof.length; i++) {
          const [name] = await errorOf(tryAnchor(from, to, ROOTS[to]!, proof.with(i, damaged(proof[i]!))))
          assert.match(String(name), /^CheckpointAnchor(Old|New)RootMismatch$/, `${from} to ${to}, hash ${i}`)
        }
      }
    }
  })

  it('refuses a tree that changed one old leaf, whatever its proof, for every pair of sizes up to 24', async () => {
    for (let from = 1; from < 24; from++) {
      for (let to = from + 1; to <= 24; to++) {
        const rewritten = tree(to).with(from - 1, damaged(LEAVES[from - 1]!))
        const proof = consistencyOf(from, rewritten)
        const [name] = await errorOf(tryAnchor(from, to, rootOf(rewritten), proof))
        assert.match(String(name), /^CheckpointAnchor(Old|New)RootMismatch$/, `${from} to ${to}`)
      }
    }
  })

  it('carries one log through every size, one leaf at a time', async () => {
    const logId = await deployment.openLog(deployment.accounts[0]!, 'one by one')
    for (let to = 1; to <= LARGEST; to++) await deployment.contract.anchor!(logId, to, ROOTS[to], consistencyOf(to - 1, tree(to)))
    const [size, root] = await deployment.contract.latest!(logId)
    assert.deepEqual([size, root], [BigInt(LARGEST), ROOTS[LARGEST]])
    for (let to = 1; to <= LARGEST; to++) assert.notEqual(await deployment.contract.anchoredAt!(logId, to, ROOTS[to]), 0n)
  })
})
