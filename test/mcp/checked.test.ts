/** A check in the words for an assistant: the gravest answer, and everything that lowers it. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { tellChecked, textOf } from '../../src/mcp/checked.ts'
import { tellingIn } from '../../src/mcp/telling.ts'
import { type Answer, type Answers, digestsOf, type VerifyInput, verify } from '../../src/verifier/index.ts'
import { AMENDMENT, chainWith, createWorld, FILE, GENESIS, listingOf, policyWith, STATEMENT, WITHDRAWAL } from '../verifier/world.ts'

const URL = 'https://ledger.example'
const TELLING = tellingIn('en', URL)
const PILOT = { policy: policyWith({ production: false }) }

/** The answer about STATEMENT, when this follows it. */
async function answerOf(later?: typeof STATEMENT, change: Partial<VerifyInput> = {}): Promise<Answer> {
  const world = createWorld([GENESIS, STATEMENT, ...(later ? [later] : [])])
  const listed = later ? [{ index: 2, receiptText: await world.receipt(2) }] : []
  const input = { file: digestsOf(FILE), receipt: await world.receipt(1), policy: policyWith(), chain: [chainWith(world)] }
  const result = await verify({ ...input, currency: listingOf(world, listed), trust: 'policy', ...change })
  return { finding: { fileName: 'f', digest: input.file, result, isFresher: false } }
}

const answers = (own: Answer, parts: readonly Answer[] = [], partsLeftOut = 0): Answers => ({ own: [own], parts, partsLeftOut })
const tell = (...all: readonly Answers[]) => tellChecked(all, undefined, TELLING)

describe('mcp/checked', () => {
  it('tells the gravest of several receipts, on a test network too', async () => {
    const [good, withdrawn] = [await answerOf(undefined, PILOT), await answerOf(WITHDRAWAL, PILOT)]
    for (const all of [
      [good, withdrawn],
      [withdrawn, good],
    ]) {
      const told = tell(...all.map(each => answers(each)))
      deepEqual([told.verdict, told.finding, told.others], ['test-network', 'withdrawn', 1])
    }
    const later = await answerOf({ ...STATEMENT, revision: 'r-2' })
    equal(tell(answers(await answerOf()), answers(later)).green, false)
  })

  it('says what its verdict does not name, and is green only where the pages are', async () => {
    const good = tell(answers(await answerOf()))
    deepEqual([good.verdict, good.green], ['anchored', true])
    const later = tell(answers(await answerOf({ ...STATEMENT, revision: 'r-2' })))
    deepEqual([later.verdict, later.green], ['anchored', false])
    ok(textOf(later, TELLING).includes('A later version has been published: entry 2.'))
    equal(tell(answers(await answerOf(undefined, { file: undefined }))).green, false)
    equal(tell(answers(await answerOf(undefined, { currency: undefined }))).green, false)
  })

  it('says that parts of a file are graver, or were not checked', async () => {
    const good = await answerOf()
    const gone = tell(answers(good, [await answerOf(AMENDMENT), good]))
    equal(gone.green, false)
    ok(textOf(gone, TELLING).includes('Parts of this file that do not fit, or were withdrawn, replaced or changed: 1.'))
    const silent: Answer = { name: 'f', problem: 'ledger-gone' }
    const unread = tell(answers(good, [silent], 3))
    equal(unread.green, false)
    ok(textOf(unread, TELLING).includes('Parts of this file that were not checked: 4.'))
    ok(!textOf(tell(answers(good, [good])), TELLING).includes('Parts'))
  })

  it('gives no entry and no page of one under a verdict that shows nothing: whoever made the receipt chose its index', async () => {
    const other = await answerOf(undefined, { file: digestsOf(new TextEncoder().encode('another file')) })
    const { verdict, index, page } = tell(answers(other))
    deepEqual([verdict, index, page.startsWith(`${URL}/records/`)], ['invalid', undefined, false])
    deepEqual(tell(answers(await answerOf())).page, `${URL}/records/1`)
  })

  it('names no policy and says what to do next where nothing could be checked', () => {
    const silent = tell(answers({ name: 'f', problem: 'ledger-gone' }))
    deepEqual([silent.verdict, silent.green, silent.trust], ['unchecked', false, undefined])
    equal(silent.next, TELLING.say('next.unchecked'))
  })
})
