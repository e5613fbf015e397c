/** One question is asked of an endpoint once. */
import assert from 'node:assert/strict'
import { rememberAnswers } from '../../../src/verifier/app/chain-memory.ts'
import type { ChainReader } from '../../../src/verifier/chain-reader.ts'

/** A reader that counts what it is asked, and answers each time with another number. */
function counting(): { reader: ChainReader; asked: string[] } {
  const asked: string[] = []
  const answer = (question: string) => {
    asked.push(question)
    return asked.length
  }
  const reader: ChainReader = {
    name: 'one.example',
    chainId: async () => answer('chainId'),
    codeSha256: async contract => `${answer(`code ${contract}`)}`,
    anchoredAt: async ({ size, root, block }) => answer(`anchoredAt ${size} ${root[0]} ${block}`),
    lastGoodSize: async ({ logId, block }) => answer(`lastGoodSize ${logId} ${block}`),
    blockNumber: async () => answer('blockNumber'),
  }
  return { reader, asked }
}

const query = { contract: '0xc0', logId: '0x1d', size: 3, root: new Uint8Array(32).fill(1), block: 'latest' as const }

describe('verifier/app/chain-memory', () => {
  it('asks each question once, and keeps the answers apart', async () => {
    const { reader, asked } = counting()
    const remembering = rememberAnswers(reader)
    assert.equal(remembering.name, 'one.example')
    const ask = async () => [
      await remembering.chainId(),
      await remembering.blockNumber(),
      await remembering.codeSha256('0xc0'),
      await remembering.codeSha256('0xc1'),
      await remembering.anchoredAt(query),
      await remembering.anchoredAt({ ...query, root: new Uint8Array(32).fill(2) }),
      await remembering.anchoredAt({ ...query, size: 4 }),
      await remembering.anchoredAt({ ...query, block: 7 }),
      await remembering.lastGoodSize(query),
      await remembering.lastGoodSize({ ...query, block: 7 }),
    ]
    const answers = [1, 2, '3', '4', 5, 6, 7, 8, 9, 10]
    assert.deepEqual(await ask(), answers)
    assert.deepEqual(await ask(), answers)
    assert.equal(asked.length, 10)
  })

  it('keeps failures too, and asks once for several at the same moment', async () => {
    let asked = 0
    const { reader } = counting()
    const failing = rememberAnswers({
      ...reader,
      chainId: async () => {
        asked++
        throw new Error('down')
      },
    })
    const outcomes = await Promise.allSettled([failing.chainId(), failing.chainId()])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    await assert.rejects(failing.chainId(), /down/)
    assert.equal(asked, 1)
  })
})
