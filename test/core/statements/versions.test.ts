/**
 * How a later statement relates to an earlier one of the same record, and the changes to a version.
 */

import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import type { DocumentRef, Statement } from '../../../src/core/statements/statement.ts'
import { changesOf, covers, markHistory, type Version } from '../../../src/core/statements/versions.ts'
import { FULL } from './statements.ts'

const { reason, target: _target, revision: _revision, ...rest } = FULL
const hex = (digit: string) => digit.repeat(64)

/** `name:sha` or `name:sha:jcs`, each digest by its one digit. */
function doc(text: string): DocumentRef {
  const [name = '', sha = '', jcs] = text.split(':')
  return { name, mediaType: 'application/json', bytes: 1, sha256: hex(sha), ...(jcs !== undefined && { jcs: hex(jcs) }) }
}

const publish = (documents: string[], more: Partial<Statement> = {}): Statement => ({
  ...rest,
  action: 'publish',
  documents: documents.map(doc),
  ...more,
})
const amend = (documents: string[], more: Partial<Statement> = {}): Statement => ({
  ...publish(documents, more),
  action: 'amend',
  reason: reason!,
})
const withdraw = (more: Partial<Statement> = {}): Statement => ({ ...amend([], more), action: 'withdraw' })
const log = (...statements: Statement[]): Version[] => statements.map((statement, at) => ({ index: 10 + at, statement }))
/** How the last statement relates to the first one. */
const compare = (...statements: Statement[]) => {
  const [first, ...others] = log(...statements)
  return changesOf(first!, others).find(({ index }) => index === others.at(-1)!.index)?.what ?? 'repeat'
}
/** The changes to the statement at a place, as `index what`. */
const changes = (at: number, statements: Statement[], file?: string) => {
  const versions = log(...statements)
  const found = file === undefined ? undefined : doc(`x:${file}`)
  return changesOf(versions[at]!, versions, found).map(({ index, what }) => `${index - 10} ${what}`)
}
const marks = (...statements: Statement[]) =>
  markHistory(log(...statements)).map(({ flag = '-', edited }) => `${flag}${edited ? ' edited' : ''}`)

describe('core/versions: what a later statement is to an earlier one', () => {
  it('calls another digest under the same name and version a silent edit', () => {
    equal(compare(publish(['a:1']), publish(['a:2'])), 'edited')
    equal(compare(publish(['a:1'], { revision: 'r' }), publish(['a:2'], { revision: 'r' })), 'edited')
    equal(compare(publish(['a:1', 'b:1']), publish(['c:1', 'b:2'])), 'edited')
    equal(compare(publish(['\u00e9:1']), publish(['e\u0301:2'])), 'edited')
    equal(compare(publish(['a:1:5']), publish(['a:2'])), 'edited')
  })

  it('accuses nobody for an annex, a second page or a document that is left out', () => {
    equal(compare(publish(['decision.txt:1']), publish(['annex.txt:2'])), 'added')
    equal(compare(publish(['a:1']), publish(['a:1', 'b:2'])), 'added')
    equal(compare(publish(['a:1', 'b:2']), publish(['a:1'])), 'repeat')
    equal(compare(publish(['a:1']), publish(['A:2'])), 'added')
  })

  it('calls equal content in other bytes reformatted, and nothing new a repeat', () => {
    equal(compare(publish(['a:1:5']), publish(['a:2:5'])), 'reformatted')
    equal(compare(publish(['a:1:5']), publish(['a:2:5', 'b:3'])), 'reformatted')
    equal(compare(publish(['a:1', 'b:2']), publish(['b:2', 'a:1'], { published: '2026-12-01T00:00:00Z', title: 'x' })), 'repeat')
  })

  it('compares only publications of one version of one record', () => {
    const edit = publish(['a:2'])
    for (const earlier of [publish(['a:1'], { revision: 'r' }), amend(['a:1']), withdraw()]) equal(compare(earlier, edit), 'published')
    for (const elsewhere of [{ record: 'x' }, { agency: 'a.b' }]) deepEqual(changes(0, [publish(['a:1'], elsewhere), edit]), [])
    equal(compare(publish(['a:1']), amend(['a:2'])), 'superseded')
    deepEqual(changes(0, [edit]), [])
  })

  it('accuses nobody for a version that was amended or withdrawn in between', () => {
    const [wrong, right] = [publish(['a:1'], { revision: 'r' }), publish(['a:2'], { revision: 'r' })]
    for (const between of [withdraw(), withdraw({ target: 'r' }), amend(['b:3']), amend(['b:3'], { target: 'r', revision: 's' })])
      equal(compare(wrong, between, right), 'published')
    for (const between of [withdraw({ target: 's' }), amend(['b:3'], { target: 's' }), withdraw({ record: 'x' }), publish(['a:3'])])
      equal(compare(wrong, between, right), 'edited')
    // The revision of an amendment is its own version, not its target.
    equal(compare(wrong, amend(['b:3'], { revision: 'r', target: 's' }), right), 'edited')
    // Only the statements between the two.
    deepEqual(changes(1, [withdraw(), wrong, right, withdraw()]), ['2 edited', '3 withdrawn'])
  })

  it('applies an amendment or withdrawal to the version that it names, otherwise to the whole record', () => {
    equal(covers(amend(['a:1']), publish(['a:1'], { revision: 'r' })), true)
    equal(covers(amend(['a:1'], { revision: '2', target: '1' }), publish(['a:1'], { revision: '1' })), true)
    equal(covers(amend(['a:1'], { revision: '2', target: '1' }), publish(['a:1'])), false)
    equal(covers(withdraw({ record: 'x' }), publish(['a:1'])), false)
    equal(covers(publish(['a:1']), publish(['a:1'])), false)
  })
})

describe('core/versions: what became of a version', () => {
  it('calls a version withdrawn, whatever comes after it', () => {
    const again = publish(['a:1'], { published: '2026-12-01T00:00:00Z' })
    deepEqual(changes(0, [publish(['a:1']), withdraw(), again]), ['1 withdrawn', '2 published'])
    deepEqual(changes(2, [publish(['a:1']), withdraw(), again]), [])
    deepEqual(changes(0, [publish(['a:1'], { revision: '1' }), withdraw({ target: '2' })]), [])
  })

  it('calls a file in a withdrawal withdrawn', () => {
    const withdrawal = { ...withdraw(), documents: [doc('a:1')] }
    deepEqual(changes(0, [withdrawal], '1'), ['0 withdrawn'])
    deepEqual(changes(0, [withdrawal]), ['0 withdrawn'])
  })

  it('calls the old version superseded where clerks number the new one', () => {
    const [first, second] = [publish(['a:1'], { revision: '1' }), amend(['a:2'], { revision: '2' })]
    deepEqual(changes(0, [first, second], '1'), ['1 superseded'])
    deepEqual(changes(0, [first, amend(['a:2'], { revision: '2', target: '1' })], '1'), ['1 superseded'])
    deepEqual(changes(0, [first, amend(['a:2'], { revision: '2', target: '9' })], '1'), ['1 published'])
    deepEqual(changes(1, [first, second], '2'), [])
  })

  it('keeps a file current that the amendment still lists, by its bytes or its content', () => {
    const own = publish(['a:1:5', 'b:2'])
    deepEqual(changes(0, [own, amend(['a:1', 'c:3'])], '1'), [])
    deepEqual(changes(0, [own, amend(['z:4:5'])], '1:5'), [])
    deepEqual(changes(0, [own, amend(['z:4:5'])], '1'), ['1 superseded'])
    deepEqual(changes(0, [own, amend(['a:1'])]), ['1 superseded'])
    deepEqual(changes(0, [own, amend(['a:1', 'b:2'])]), [])
  })

  it('takes nothing back that a later statement did', () => {
    const own = publish(['a:1'])
    deepEqual(changes(0, [own, amend(['a:2']), amend(['a:1'])], '1'), ['1 superseded'])
    deepEqual(changes(0, [own, publish(['a:2']), withdraw(), publish(['a:1'])], '1'), ['1 edited', '2 withdrawn', '3 published'])
  })

  it('reports a silent edit on both sides', () => {
    const both = [publish(['a:1']), publish(['a:2'])]
    deepEqual(changes(0, both, '1'), ['1 edited'])
    deepEqual(changes(1, both, '2'), ['0 edited'])
    deepEqual(changes(1, [...both, publish(['a:3'])]), ['0 edited', '2 edited'])
    deepEqual(changes(2, [publish(['a:1']), withdraw(), publish(['a:2'])], '2'), [])
  })

  it('compares a file only under the name by which it was found', () => {
    const both = [publish(['a:1', 'b:2']), publish(['a:1', 'b:3'])]
    deepEqual(changes(0, both, '1'), ['1 edited-elsewhere'])
    deepEqual(changes(1, both, '1'), ['0 edited-elsewhere'])
    deepEqual(changes(0, both, '2'), ['1 edited'])
    deepEqual(changes(0, both), ['1 edited'])
    deepEqual(changes(0, both, '9'), ['1 edited'])
  })

  it('reports an annex and another format, and accuses nobody', () => {
    deepEqual(changes(0, [publish(['a:1']), publish(['b:2'])], '1'), ['1 added'])
    deepEqual(changes(1, [publish(['a:1']), publish(['b:2'])], '2'), [])
    deepEqual(changes(0, [publish(['a:1:5']), publish(['a:2:5'])], '1'), ['1 reformatted'])
    deepEqual(changes(0, [publish(['a:1']), publish(['a:1'], { title: 'x' })], '1'), [])
  })

  it('reports a later version, but no earlier one and no other record', () => {
    const [first, second] = [publish(['a:1'], { revision: '1' }), publish(['a:2'], { revision: '2' })]
    deepEqual(changes(0, [first, second], '1'), ['1 published'])
    deepEqual(changes(1, [first, second], '2'), [])
    deepEqual(changes(0, [first, { ...second, record: 'x' }, withdraw({ agency: 'a.b' })], '1'), [])
  })

  it('compares 30,000 versions in a moment', () => {
    const many = log(...Array.from({ length: 30_000 }, (_, at) => publish([`a:${at % 9}`])))
    const start = performance.now()
    equal(changesOf(many[15_000]!, many).length > 20_000, true)
    equal(markHistory(many).length, 30_000)
    equal(performance.now() - start < 2000, true)
  })
})

describe('core/versions: the marks of a history', () => {
  it('flags what a version is to those before it, and marks both sides of an edit', () => {
    deepEqual(marks(publish(['a:1']), publish(['a:2'])), ['- edited', 'silent-edit edited'])
    deepEqual(marks(publish(['a:1']), publish(['b:2']), publish(['a:3'])), ['- edited', 'added', 'silent-edit edited'])
    deepEqual(marks(publish(['a:1']), publish(['a:2']), publish(['a:2'])), ['- edited', 'silent-edit edited', 'repeat edited'])
    deepEqual(marks(publish(['a:1:5']), publish(['a:2:5']), publish(['a:1'])), ['-', 'reformatted edited', 'silent-edit edited'])
  })

  it('begins anew after an amendment or a withdrawal, for the versions that it covers', () => {
    deepEqual(marks(publish(['a:1']), withdraw(), publish(['a:2'])), ['-', '-', '-'])
    const r = { revision: 'r' }
    deepEqual(marks(publish(['a:1'], r), withdraw({ target: 'r' }), publish(['a:2'], r)), ['-', '-', '-'])
    deepEqual(marks(publish(['a:1'], r), withdraw({ target: 's' }), publish(['a:2'], r)), ['- edited', '-', 'silent-edit edited'])
  })

  it('marks as edited exactly what compares as a silent edit with any other, in every small history', () => {
    const digest = fc.constantFrom('1', '2', '1:5', '2:5', '3:6')
    const documents = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b'), digest), { selector: ([name]) => name, minLength: 1 })
    const revision = fc.constantFrom({}, { revision: 'r' })
    const target = fc.constantFrom({}, { target: 'r' })
    const statement = fc.oneof(
      fc.tuple(documents, revision).map(([list, more]) =>
        publish(
          list.map(([name, digests]) => `${name}:${digests}`),
          more,
        ),
      ),
      target.map(more => withdraw(more)),
    )
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 8 }), statements => {
        const versions = log(...statements)
        const isEdit = (a: Version, b: Version) =>
          a.index < b.index &&
          [a, b].every(({ statement }) => statement.action === 'publish' && statement.revision === a.statement.revision) &&
          !versions.some(({ index, statement }) => index > a.index && index < b.index && covers(statement, a.statement)) &&
          a.statement.documents.some(one =>
            b.statement.documents.some(
              other => other.name === one.name && other.sha256 !== one.sha256 && (one.jcs === undefined || one.jcs !== other.jcs),
            ),
          )
        const expected = versions.map(own => versions.some(other => isEdit(own, other) || isEdit(other, own)))
        deepEqual(
          markHistory(versions).map(({ edited = false }) => edited),
          expected,
        )
        deepEqual(
          versions.map(own => changesOf(own, versions).some(({ what }) => what === 'edited')),
          expected,
        )
      }),
      { numRuns: 500 },
    )
  })
})
