/** The colour and the mark of a card: green is what the verifier calls green, and nothing else. */

import { deepEqual, doesNotMatch, match } from 'node:assert/strict'
import { speak } from '../../src/messages/language.ts'
import { digestsOf, type Finding, type Result, type VerifyInput, verify } from '../../src/verifier/index.ts'
import { renderAnswers } from '../../src/web/result.ts'
import { AMENDMENT, chainWith, createWorld, FILE, GENESIS, listingOf, policyWith, STATEMENT, WITHDRAWAL } from '../verifier/world.ts'

const say = speak('en')

/** The card of STATEMENT, when this follows it. */
async function cardOf(later: typeof STATEMENT | undefined, change: Partial<VerifyInput> = {}) {
  const world = createWorld([GENESIS, STATEMENT, ...(later ? [later] : [])])
  const listed = later ? [{ index: 2, receiptText: await world.receipt(2) }] : []
  const input = { file: digestsOf(FILE), receipt: await world.receipt(1), policy: policyWith(), chain: [chainWith(world)] }
  const result = await verify({ ...input, currency: listingOf(world, listed), trust: 'policy', ...change })
  return { result, html: render(result, input.file) }
}

function render(result: Result, digest: Finding['digest']): string {
  const finding = { fileName: 'f', digest, result, isFresher: false }
  return renderAnswers(say, { own: [{ finding }], parts: [], partsLeftOut: 0 }).safe
}

const TICK = /m7 12\.5 3\.5 3\.5L17 8\.5/
const toneOf = (html: string) => /<article class="card (\w+)"/.exec(html)?.[1]

describe('web/result', () => {
  it('is green only if the ledger itself was asked and nothing takes the version’s place', async () => {
    const cards = [
      await cardOf(undefined),
      await cardOf({ ...STATEMENT, documents: [{ ...AMENDMENT.documents[0]!, name: 'annex.json' }] }),
      await cardOf(undefined, { currency: undefined }),
      await cardOf(undefined, { file: undefined }),
      await cardOf({ ...STATEMENT, revision: 'r-2' }),
      await cardOf(AMENDMENT),
      await cardOf(WITHDRAWAL),
      await cardOf(undefined, { policy: policyWith({ production: false }) }),
      await cardOf(undefined, { chain: [] }),
    ]
    deepEqual(
      cards.map(({ result, html }) => [result.verdict, result.isGreen, toneOf(html)]),
      [
        ['anchored', true, 'good'],
        ['anchored', true, 'good'],
        ['anchored', false, 'calm'],
        ['anchored', false, 'calm'],
        ['anchored', false, 'calm'],
        ['superseded', false, 'warn'],
        ['withdrawn', false, 'warn'],
        ['test-network', false, 'warn'],
        ['unchecked', false, 'calm'],
      ],
    )
    for (const { result, html } of cards) if (!result.isGreen) doesNotMatch(html.slice(0, html.indexOf('</header>')), TICK)
  })

  it('names a later version, a withdrawal on a test network too, on the card', async () => {
    match((await cardOf({ ...STATEMENT, revision: 'r-2' })).html, /A later version has been published: entry 2\./)
    const pilot = await cardOf(WITHDRAWAL, { policy: policyWith({ production: false }) })
    match(pilot.html, /On the record, withdrawn \(Test network\)/)
    match(pilot.html, /The agency withdrew it on .*But the chain is a test network, so this is no evidence\./)
  })

  it('ticks no release of a package that itself does not fit', async () => {
    const { result } = await cardOf(undefined)
    const part = { kind: 'release', position: 1, name: 'ocds-1 r-1' } as const
    const release = { finding: { fileName: 'f', digest: digestsOf(FILE), part, result, isFresher: false } }
    const world = createWorld([GENESIS, STATEMENT])
    const forged = await verify({
      ...{ receipt: await world.receipt(1), policy: policyWith(), chain: [], trust: 'policy' },
      file: digestsOf(new Uint8Array(1)),
    })
    const page = (own: Result) =>
      renderAnswers(say, { own: [{ finding: { fileName: 'f', result: own, isFresher: false } }], parts: [release], partsLeftOut: 0 }).safe
    const summary = (html: string) => /<details class="release"[^>]*><summary>.*?<\/summary>/s.exec(html)?.[0] ?? ''
    match(summary(page(result)), TICK)
    doesNotMatch(summary(page(forged)), TICK)
  })

  it('ticks only checks that were made, and names only a date that is shown', async () => {
    const { html } = await cardOf(undefined)
    match(html, /<li class="not-run" data-check="cosignatures">/)
    const world = createWorld([GENESIS, STATEMENT])
    const sealed = await cardOf(undefined, { chain: [chainWith(world, { anchors: [] })] })
    doesNotMatch(sealed.html, /since that date|unchanged,? since/)
  })
})
