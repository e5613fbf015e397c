/** Which later statements of a record are read, out of lists of any length. */
import { deepEqual, rejects } from 'node:assert/strict'
import { chooseLater, type ListedEntry } from '../../src/verifier/later.ts'
import { STATEMENT } from './world.ts'

const { revision } = STATEMENT

describe('verifier/later', () => {
  async function* pagesOf(...pages: (readonly ListedEntry[])[]) {
    yield* pages
  }
  const choose = (after: number, ...pages: (readonly ListedEntry[])[]) => chooseLater(STATEMENT, after, pagesOf(...pages))

  it('are those above the index that speak of the statement, and that were not erased', async () => {
    const listed = [
      { index: 20, action: 'publish', revision: 'another' },
      { index: 19, action: 'amend', target: 'another' },
      { index: 18, action: 'publish' },
      { index: 17, action: 'withdraw' },
      { index: 16, action: 'amend', target: revision, erased: true },
      { index: 15, action: 'amend', target: revision },
      { index: 14, action: 'publish', revision },
      { index: 10, action: 'withdraw' },
    ]
    deepEqual(await choose(10, listed), [17, 15, 14])
  })

  it('are of each action the newest eight, in whatever order the pages come', async () => {
    const of = (action: string, from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        index: from + i,
        action,
        ...(action === 'publish' ? { revision } : { target: revision }),
      }))
    const expected = [...of('publish', 92, 8), ...of('amend', 40, 2), ...of('withdraw', 12, 8)].map(({ index }) => index).reverse()
    const pages = [of('publish', 60, 20), of('withdraw', 10, 10), of('publish', 80, 20), of('amend', 40, 2)]
    for (const order of [pages, pages.toReversed()])
      deepEqual(
        await choose(0, ...order),
        expected.toSorted((a, b) => b - a),
      )
  })

  it('are all those of which the list does not say what they are, and too many of them are no answer', async () => {
    const unsaid = Array.from({ length: 8 }, (_, index) => ({ index: index + 1, damaged: true }))
    deepEqual(await choose(0, unsaid, [{ index: 30, action: 'withdraw' }]), [30, 8, 7, 6, 5, 4, 3, 2, 1])
    await rejects(choose(0, [...unsaid, { index: 40, action: 'strange' }]), { code: 'LEDGER_TOO_MANY' })
  })

  it('are given up where the list has no end', async () => {
    const page = Array.from({ length: 10_000 }, () => ({ index: 1, action: 'publish', revision: 'another' }))
    async function* endless() {
      for (;;) yield page
    }
    await rejects(chooseLater(STATEMENT, 0, endless()), { code: 'LEDGER_TOO_MANY' })
  })
})
