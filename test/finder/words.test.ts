/** How text becomes words and tokens. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MAX_WORDS, matches, nameOf, nameToken, searchableOf, tokenOfWord, tokensOf, wordsOf } from '../../src/finder/words.ts'
import { statementOf } from '../ledger/fixtures.ts'

describe('finder/words', () => {
  it('folds case, accents, final sigma, vowel points and stretched letters', () => {
    assert.deepEqual(wordsOf('Ανάθεση ΟΔΟΎ οδός'), ['αναθεση', 'οδου', 'οδοσ'])
    assert.deepEqual(wordsOf('مُنَاقَصَة عـــامة'), ['مناقصة', 'عامة'])
    assert.deepEqual(wordsOf('Рішення № 17/2026-п; École'), [
      'рішення'.normalize('NFKD').replace(/\p{M}/gu, ''),
      'no',
      '17',
      '2026',
      'п',
      'ecole',
    ])
    assert.deepEqual(wordsOf('道路 工事 A1'), ['道', '路', '工', '事', 'a1'])
    assert.deepEqual(wordsOf('— <> & \u0000'), [])
  })

  it('bounds what a huge title costs', () => {
    assert.equal(wordsOf(Array.from({ length: 10_000 }, (_, at) => `w${at}`).join(' ')).length, MAX_WORDS)
    assert.equal(wordsOf('x'.repeat(32_768))[0]?.length, 32)
  })

  it('lists every statement under the tokens of each word, beginning and number that finds it', () => {
    const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(texts, texts, fc.nat(40), (title, record, length) => {
        const searchable = searchableOf(statementOf(record, 1, { title }))
        const tokens = tokensOf(searchable)
        assert.ok(tokens.has(nameToken(nameOf(record))))
        for (const word of searchable.words) {
          const start = word.length < 3 ? word : word.slice(0, Math.max(3, length))
          assert.ok(tokens.has(tokenOfWord(start)), start)
          assert.ok(matches([start], searchable), start)
        }
      }),
    )
  })
})
