/**
 * The catalogue: complete, with the same placeholders, and in agreement with the verifier's
 * sentences.
 */
import assert from 'node:assert/strict'
import { visible } from '../../src/core/visible.ts'
import { AUDIT_CATALOGUES } from '../../src/messages/audit/speak.ts'
import { DESK_CATALOGUES } from '../../src/messages/desk/speak.ts'
import { en, type MessageKey } from '../../src/messages/en.ts'
import { browserMessages, CATALOGUES, LANGUAGE_TAGS, type Language, negotiateLanguage, speak } from '../../src/messages/language.ts'
import { sayTime } from '../../src/messages/say.ts'
import { formatVerdict, VERDICTS, type Voice } from '../../src/verifier/index.ts'
import { ENGLISH } from '../../src/verifier/sentence.ts'
import { PLURAL, placeholders } from './placeholders.ts'

const KEYS = Object.keys(en) as MessageKey[]
/** Enough to meet every plural category that whole numbers have in these languages. */
const NUMBERS = [...Array.from({ length: 112 }, (_, n) => n), 1_000_000, 1_000_001]

const allOf = (tag: Language): [string, string][] =>
  Object.entries({ ...CATALOGUES[tag], ...AUDIT_CATALOGUES[tag], ...DESK_CATALOGUES[tag] })

describe('web/messages', () => {
  for (const tag of LANGUAGE_TAGS) {
    it(`says everything in ${tag}, with the same placeholders`, () => {
      const messages = CATALOGUES[tag]
      assert.deepEqual(Object.keys(messages), KEYS)
      for (const key of KEYS) {
        assert.notEqual(messages[key].trim(), '', key)
        assert.deepEqual(placeholders(messages[key]), placeholders(en[key]), key)
      }
    })
  }

  it('writes a number beside a noun only as a plural, or where the number is a limit of ours', () => {
    const limits = ['verify.more', 'find.atLeast', 'verify.serverTooLarge', 'new.limit', 'new.tooLarge', 'new.tooMany', 'folder.shown']
    // The English remarks are the verifier's own, and their values are text.
    for (const tag of LANGUAGE_TAGS)
      for (const [key, sentence] of Object.entries({ ...CATALOGUES[tag], ...DESK_CATALOGUES[tag] }))
        if (!limits.includes(key) && !(tag === 'en' && key.startsWith('detail.')))
          assert.doesNotMatch(sentence.replace(PLURAL, ''), /\{(count|size|needed|changes|entries)\} \p{L}/u, `${tag} ${key}`)
    // Sizes are named before their number, as in “size 7 comes after size 5”.
    const sizes = ['at.anchor.order', 'at.behind', 'at.quorum', 'at.endpoints']
    for (const tag of LANGUAGE_TAGS)
      for (const [key, sentence] of Object.entries(AUDIT_CATALOGUES[tag]))
        if (!sizes.includes(key))
          assert.doesNotMatch(sentence.replace(PLURAL, ''), /\{(count|size|bytes|seconds|width|quorum)\} \p{L}/u, `${tag} ${key}`)
  })

  for (const tag of LANGUAGE_TAGS) {
    it(`has every plural form that ${tag} needs, and no other`, () => {
      const rules = new Intl.PluralRules(tag)
      const needed = [...new Set(NUMBERS.map(number => rules.select(number)))].sort()
      // In languages where whole numbers are never "other", it covers the rest.
      const categories = [...new Set([...needed, 'other'])].sort()
      const sentences = Object.entries({ ...CATALOGUES[tag], ...AUDIT_CATALOGUES[tag], ...DESK_CATALOGUES[tag] })
      const plurals = sentences.flatMap(([key, sentence]) => [...sentence.matchAll(PLURAL)].map(([, , forms = '']) => ({ key, forms })))
      assert.ok(plurals.length > 8)
      for (const { key, forms } of plurals)
        assert.deepEqual([...forms.matchAll(/(\w+)\s*\{/g)].map(([, category]) => category).sort(), categories, key)
      for (const [key, sentence] of sentences) assert.equal(/plural/.test(sentence.replace(PLURAL, '')), false, key)
    })
  }

  it('writes the 24 hours of the day in Greek, as in every language but Arabic', () => {
    const evening = '2026-11-30T21:05:07Z'
    for (const tag of LANGUAGE_TAGS.filter(tag => tag !== 'ar')) assert.match(sayTime(speak(tag), evening), /21:05 UTC$/, tag)
    assert.match(sayTime(speak('ar'), evening), /9:05/)
  })

  it('puts a number and its noun into the form that the language needs', () => {
    const said = (tag: Language, numbers: readonly number[]) => numbers.map(count => speak(tag)('activity.entries', { count }))
    assert.deepEqual(said('en', [0, 1, 2, 1000]), ['0 entries', '1 entry', '2 entries', '1,000 entries'])
    assert.deepEqual(said('uk', [1, 2, 5, 11, 21]), ['1 запис', '2 записи', '5 записів', '11 записів', '21 запис'])
    assert.equal(new Set(said('ar', [0, 1, 2, 3, 11, 100]).map(text => text.replace(/\d+/g, '#'))).size, 6)
  })

  it('lets no line of French break before a colon or inside quotation marks', () => {
    const say = speak('fr')
    assert.equal(say('problem.code', { code: 'A : « B »' }), 'Code\u202f: A : « B »')
    assert.match(say('cert.clipped'), /«\u202f…\u202f»/)
    for (const [key, sentence] of allOf('fr')) assert.doesNotMatch(sentence, /[^\s»:][;!?»]| ,|«\S/, key)
    assert.equal(speak('en')('problem.code', { code: 'A : B' }), 'Code: A : B')
  })

  it('leaves no sentence of a page untranslated', () => {
    for (const tag of LANGUAGE_TAGS.filter(tag => tag !== 'en')) {
      const same = KEYS.filter(key => /[a-z]+ [a-z]+/.test(en[key]) && CATALOGUES[tag][key] === en[key])
      assert.deepEqual(same, [], tag)
    }
  })

  it('says every verdict in English as the verifier does, and in no language leaves a placeholder', () => {
    const when = '2026-01-02T03:04:05Z'
    const change = { index: 7, what: 'withdrawn', verified: true } as const
    for (const { code } of VERDICTS) {
      for (const subject of ['file', 'fingerprint', 'entry'] as const) {
        for (const changes of [[], [change], [{ ...change, when }], [{ ...change, published: when }]]) {
          const finding = code === 'test-network' ? 'withdrawn' : code
          const facts = { verdict: code, finding, subject, asked: 'nobody', changes, date: when } as const
          const voice = (tag: Language): Voice => ({ say: (key, values) => speak(tag)(`verdict.${key}`, values), time: time => time })
          assert.equal(formatVerdict(facts, voice('en')), formatVerdict(facts, ENGLISH))
          for (const tag of LANGUAGE_TAGS) assert.doesNotMatch(formatVerdict(facts, voice(tag)), /[{}]|undefined/)
        }
      }
    }
  })

  it('hands the browser every sentence that its code can say', () => {
    const { 'verdict.anchored.file': anchored, 'record.title': title, 'verify.drop': drop } = browserMessages('fr')
    assert.ok(anchored && title && drop)
    assert.equal(Object.keys(browserMessages('fr')).includes('cert.title'), false)
  })

  it('chooses the language that the header weighs most', () => {
    assert.equal(negotiateLanguage('da, fr-CA;q=0.8, ar;q=0.9'), 'ar')
    assert.equal(negotiateLanguage('uk'), 'uk')
    assert.equal(negotiateLanguage('de;q=0, es;q=0.1'), 'es')
    for (const header of [undefined, '', '*', 'xx', ';;q=,', '__proto__']) assert.equal(negotiateLanguage(header), 'en')
  })

  it('keeps signs at the edge of English words on their side in Arabic', () => {
    // Without an isolate, "osk_" is shown as "_osk", "/desk" as "desk/", and "--rpc" as "rpc--".
    const edge = /[A-Za-z0-9][_/=](?![A-Za-z0-9_/\u2069])|(?<![A-Za-z] |[A-Za-z0-9_/:\u2068])(?:[_/]|--)[A-Za-z0-9]/
    assert.deepEqual(
      allOf('ar')
        .filter(([, sentence]) => edge.test(sentence))
        .map(([key]) => key),
      [],
    )
  })

  it('has no sign that pages and the command line would show as a mark', () => {
    for (const tag of LANGUAGE_TAGS) for (const [key, sentence] of allOf(tag)) assert.equal(visible(sentence), sentence, `${tag} ${key}`)
  })
})
