/** The effects of an erased statement on the other versions of its record, which are kept. */

import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import { createEffects, type Effect, withoutSeparated } from '../../../src/core/statements/effects.ts'
import type { Statement } from '../../../src/core/statements/statement.ts'
import { changesOf, markHistory, type Version } from '../../../src/core/statements/versions.ts'
import { FULL } from './statements.ts'

const { reason, target: _target, revision: _revision, ...rest } = FULL

const documentOf = (text: string) => ({
  name: text.slice(0, 1),
  mediaType: 'text/plain',
  bytes: 1,
  sha256: text.slice(1).repeat(64),
})

/** `publish a1 b2 @r`: the action, documents by name and digest, `@` the revision, `>` the target. */
function statement(text: string): Statement {
  const [action, ...words] = text.split(' ')
  const revision = words.find(word => word.startsWith('@'))?.slice(1)
  const target = words.find(word => word.startsWith('>'))?.slice(1)
  return {
    ...rest,
    action: action as Statement['action'],
    documents: words.filter(word => /^[a-z]\d$/.test(word)).map(documentOf),
    ...(revision !== undefined && { revision }),
    ...(target !== undefined && { target }),
    ...(action !== 'publish' && { reason: reason! }),
  }
}
const log = (...texts: string[]): Version[] => texts.map((text, index) => ({ index, statement: statement(text) }))

/** The effects of the statement at `index` on all others. */
const effectsOf = (index: number, versions: readonly Version[], kept: readonly Effect[] = []) => {
  const own = versions.find(version => version.index === index)!
  const effectOn = createEffects(own, versions, kept)
  return versions.filter(version => version !== own).flatMap(version => effectOn(version) ?? [])
}
const words = (index: number, ...texts: string[]) => effectsOf(index, log(...texts)).map(({ on, what }) => `${what} ${on}`)

describe('core/effects', () => {
  it('keeps a withdrawal, a replacement, an edit of either side, and a later version', () => {
    deepEqual(words(1, 'publish a1', 'withdraw'), ['withdrawn 0'])
    deepEqual(words(1, 'publish a1', 'amend a2'), ['superseded 0'])
    deepEqual(words(1, 'publish a1 @r', 'publish a2 @r', 'publish a1 @s'), ['edited 0'])
    deepEqual(words(0, 'publish a1 @r', 'publish a2 @r'), ['edited 1'])
    deepEqual(words(1, 'publish a1 b1 @r', 'publish b2 @r'), ['edited 0'])
    deepEqual(words(1, 'publish a1 @r', 'publish a1 @s'), ['published 0'])
  })

  it('keeps nothing of an annex, a repeat, or a version that comes first', () => {
    deepEqual(words(1, 'publish a1', 'publish a1 b1'), [])
    deepEqual(words(1, 'publish a1', 'publish a1'), [])
    deepEqual(words(0, 'publish a1 @r', 'publish a1 @s'), [])
    deepEqual(words(1, 'publish a1 @r', 'amend a1 b1 >r'), [])
  })

  it('keeps an amendment that took nothing away, if two versions would look like an edit without it', () => {
    deepEqual(words(1, 'publish a1 @r', 'amend a1 b1 @s >r', 'publish a2 @r'), ['superseded 0'])
  })

  const names = fc.constantFrom('a1', 'a2', 'b1', 'b2')
  const revisions = fc.constantFrom('', ' @r', ' @s')
  const texts = fc.oneof(
    fc.tuple(names, revisions).map(([name, revision]) => `publish ${name}${revision}`),
    fc.tuple(names, revisions, fc.constantFrom('', ' >r', ' >s')).map(([name, revision, target]) => `amend ${name}${revision}${target}`),
    fc.constantFrom('withdraw', 'withdraw >r', 'withdraw >s'),
  )
  const WORDS: { readonly [what: string]: string } = { 'edited-elsewhere': 'edited', added: '', reformatted: '' }

  it('lets no erasure change what became of any other version, and raises no accusation', () => {
    const history = fc.array(texts, { minLength: 2, maxLength: 7 })
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat(6)), (all, order) => {
        let versions = log(...all)
        let kept: Effect[] = []
        const states = () =>
          new Map(
            versions.map(version => {
              const changes = withoutSeparated(version.index, changesOf(version, versions), kept)
              const found = changes.map(({ index, what }) => `${index} ${WORDS[what] ?? what}`).filter(text => !text.endsWith(' '))
              const lost = kept.filter(({ on }) => on === version.index).map(({ index, what }) => `${index} ${what}`)
              return [version.index, { found, lost }] as const
            }),
          )
        const marks = () =>
          new Map(
            markHistory(
              versions,
              kept.filter(({ what }) => what !== 'published'),
            ).map((mark, at) => [versions[at]!.index, mark]),
          )
        for (let count = 0; count < 2 && versions.length > 1; count++) {
          const [before, marked] = [states(), marks()]
          const own = versions[order.next().value! % versions.length]!
          kept = [...kept, ...effectsOf(own.index, versions, kept)]
          versions = versions.filter(version => version !== own)
          for (const [index, { found, lost }] of states()) {
            const all = [...found, ...lost]
            const was = [...before.get(index)!.found, ...before.get(index)!.lost]
            // A version that lost something is unchecked; every other one is exactly as it was.
            if (lost.length === 0) deepEqual(all.toSorted(), was.toSorted())
            for (const text of was) if (!text.endsWith('published')) equal(all.includes(text), true, `${index} lost: ${text}`)
            for (const text of all) if (text.endsWith('edited')) equal(was.includes(text), true, `${index} is accused: ${text}`)
          }
          for (const [index, { edited }] of marks()) if (edited) equal(marked.get(index)!.edited, true)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
