/**
 * Failures of what is read, in words: every code that a reader of a verdict can meet has a
 * sentence, in every language, and English is never the only one.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { formatAnswers } from '../../src/cli/finding-text.ts'
import { toUtf8 } from '../../src/core/bytes.ts'
import { LANGUAGE_TAGS, speak } from '../../src/messages/language.ts'
import { FAULTS, STEPS, sayDetail, saySteps } from '../../src/messages/verdict.ts'
import { createFileReader, digestsOf, planChecks, readReceipt, verify } from '../../src/verifier/index.ts'
import { renderAnswers, renderCheck } from '../../src/web/result.ts'
import { chainWith, createWorld, FILE, GENESIS, policyWith, STATEMENT } from '../verifier/world.ts'

/** Codes that no verdict shows without a note of its own, which is translated. */
const NOTED =
  /^(ANCHOR_(NONE|NO_CODE|OTHER_CODE|MISSING|DISOWNED)|DOCUMENT_(NONE|OTHER)|COSIGNATURES_TOO_FEW|CHECKPOINT_ORIGIN|CURRENCY_\w+|FINALITY_PENDING)$/
/**
 * Codes that end before a verdict: of tiles and entries, which only an audit reads; of requests to
 * witnesses; of archives,
 * whose files are named as not looked at; of an endpoint
 * that counts as silent; of a time stamp, which is told by a remark of its authority; of the ledger client, which its reader turns into codes of its own; of
 * `policy --extend`; and warnings for submitters.
 */
const ELSEWHERE =
  /^(TILE|BUNDLE|ENTRY|RPC|EXTEND|PUBLISHED|REQUEST|ZIP|TIMESTAMP|DER)_\w+$|^(ANCHOR_TIME|LEDGER_(REDIRECTS|TOO_LARGE)|EMPTY_DOCUMENT|ID_CONFUSABLE|KNOWN_CHANGED|(RECORD|TARGET)_UNKNOWN|SILENT_EDIT)$/

describe('messages: failures of what is read', () => {
  const world = createWorld([GENESIS, STATEMENT])
  const policy = policyWith()
  const chain = [chainWith(world)]
  const ask = (receipt: string | Uint8Array) => verify({ file: digestsOf(FILE), receipt, policy, chain, trust: 'policy' })

  it('has a sentence for every code of the core and the verifier that a verdict can show, and none for a code that is gone', () => {
    const sources = ['src/core', 'src/verifier'].flatMap(folder =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter(name => name.endsWith('.ts'))
        .map(name => join(folder, name)),
    )
    const codes = new Set(sources.flatMap(path => readFileSync(path, 'utf8').match(/(?<=')[A-Z][A-Z0-9]*(_[A-Z0-9]+)+(?=')/g) ?? []))
    assert.ok(codes.size > 40)
    const shown = [...codes].filter(code => !NOTED.test(code) && !ELSEWHERE.test(code))
    assert.deepEqual(shown.sort(), Object.keys(FAULTS).sort())
    // A check that fails with a remark of its own has a next step.
    assert.deepEqual([...codes].filter(code => NOTED.test(code)).sort(), Object.keys(STEPS).sort())
  })

  it('says in plain words what failed and what to do next, for each code, in every language', () => {
    for (const tag of LANGUAGE_TAGS) {
      const say = speak(tag)
      const check = { name: 'anchor', status: 'failed', detail: '', remarks: [] } as const
      for (const code of [...Object.keys(STEPS), ...Object.keys(FAULTS)]) {
        const isNoted = STEPS[code] !== undefined
        const remarks = isNoted ? [{ key: 'anchorNone', values: {} } as const] : []
        const [line = '', ...more] = saySteps(say, {
          checks: [
            { ...check, code, remarks },
            { ...check, status: 'passed', code },
          ],
        })
        assert.deepEqual(more, [], code)
        // Two sentences at least: what is wrong, and what to do.
        if (tag === 'en') assert.match(line, code.startsWith('LEDGER') || FAULTS[code] === 'ledger' ? /\.$/ : /\. [A-Z].*\.$/, code)
        assert.ok(line.length > 20, `${tag} ${code}`)
      }
    }
  })

  it('tells a reader whose policy lacks the key how to extend it, in every language', () => {
    const check = { name: 'checkpoint', status: 'failed', detail: '', code: 'NOTE_UNSIGNED', remarks: [] } as const
    for (const tag of LANGUAGE_TAGS) assert.match(saySteps(speak(tag), { checks: [check] })[0]!, /openseal policy --extend FILE/, tag)
  })

  it('says in every language what is wrong with a receipt that was damaged or cut off anywhere, and keeps the English beside it small', async () => {
    const receipt = await world.receipt(1)
    const damages = fc.sample(fc.record({ at: fc.nat(receipt.length - 1), byte: fc.nat(255), cut: fc.boolean() }), 400)
    const said = new Set<string>()
    for (const { at, byte, cut } of damages) {
      const damaged = toUtf8(cut ? receipt.slice(0, at) : receipt)
      if (!cut) damaged[at] = byte
      for (const check of (await ask(damaged)).checks) {
        if (check.remarks.length > 0) continue
        assert.ok(check.code !== undefined && FAULTS[check.code] !== undefined, `${check.code}: ${check.detail}`)
        said.add(FAULTS[check.code] ?? '')
        for (const tag of LANGUAGE_TAGS) {
          const say = speak(tag)
          const { text, technical } = sayDetail(say, check)
          assert.equal(text, say(`fault.${FAULTS[check.code] ?? 'broken'}`))
          assert.equal(technical, `${check.code}: ${check.detail}`)
          assert.ok(renderCheck(say, check).safe.includes(`<span lang="en" dir="ltr">(${check.code}: `))
        }
      }
    }
    assert.ok(said.has('broken') && said.has('characters') && said.has('root'), [...said].join())
  })

  it('never calls a file unchanged, nor says what that shows, beside a receipt that does not fit', async () => {
    const receipt = await world.receipt(1)
    const forged = receipt.replace(/(\\u2014 \S+ \S{20})(\S)/, (_, before: string, digit: string) => before + (digit === 'A' ? 'B' : 'A'))
    const say = speak('en')
    for (const [text, verdict] of [
      [receipt, 'anchored'],
      [forged, 'invalid'],
    ] as const) {
      const [task] = planChecks(
        [{ name: 'f', read: { digest: digestsOf(FILE), releases: [], releasesLeftOut: 0 } }],
        [readReceipt('r', text)],
        {
          policy,
          trust: 'policy',
          chain,
        },
      )
      const answers = await task!.run()
      const [main] = answers.own
      assert.deepEqual([main?.finding?.result.verdict, main?.finding?.result.matched], [verdict, 'bytes'])
      const page = renderAnswers(say, answers).safe
      const lines = formatAnswers(say, answers).join('\n')
      for (const sentence of [say('matched.bytes'), say('verdict.limits.file')])
        assert.deepEqual([page.includes(sentence), lines.includes(sentence)], [verdict === 'anchored', verdict === 'anchored'], sentence)
    }
  })

  it('says in the language of the reader, on the page and on the command line, why a release is refused, whatever refuses it', async () => {
    const deep = `${'['.repeat(200)}${']'.repeat(200)}`
    const releases = [
      '{"ocid":"a","ocid":"b"}',
      '{"ocid":"a","value":12345678901234567890}',
      `{"ocid":"a","x":${deep}}`,
      '{"ocid":"\\ud800"}',
      '{"ocid":x}',
    ]
    const reader = createFileReader()
    reader.update(toUtf8(`{"uri":"u","releases":[${releases.join()}]}`))
    const { releases: read, ...rest } = reader.finish()
    const file = { name: 'package.json', read: { ...rest, releases: read } }
    const receipt = readReceipt('r', await world.receipt(1))
    const [task] = planChecks([file], [receipt], { policy, trust: 'policy', chain })
    const answers = await task!.run()
    assert.deepEqual(
      answers.parts.map(({ code }) => FAULTS[code ?? '']),
      ['twice', 'number', 'large', 'characters', 'broken'],
    )
    for (const tag of LANGUAGE_TAGS) {
      const say = speak(tag)
      const page = renderAnswers(say, answers).safe
      const lines = formatAnswers(say, answers).join('\n')
      for (const kind of ['twice', 'number', 'large', 'characters', 'broken'] as const) {
        const sentence = say('result.refused', { reason: say(`fault.${kind}`) })
        assert.ok(page.includes(sentence), `${tag} ${kind}`)
        assert.ok(lines.includes(sentence), `${tag} ${kind}`)
      }
      assert.match(page, /<span lang="en" dir="ltr">\(JSON_NUMBER: the number 1234/)
      assert.match(lines, /\[JSON_NUMBER: the number 1234/)
    }
  })
})
