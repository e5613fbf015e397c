/** Statements that are sent together: their order, and what a dry run cannot know of them. */
import { deepEqual } from 'node:assert/strict'
import type { Statement } from '../../src/core/statements/statement.ts'
import { createEditCheck, createRun, inOrder, type StatedVersion } from '../../src/documents/together.ts'

const AGENCY = 'transport.gov.example'
const document = (name: string, sha: string, jcs?: string) => ({
  name,
  mediaType: 'application/json',
  bytes: 1,
  sha256: sha.repeat(64),
  ...(jcs !== undefined && { jcs: jcs.repeat(64) }),
})
const statement = (documents: Statement['documents'], more: Partial<Statement> = {}): Statement => ({
  type: 'openseal/statement@v1',
  agency: AGENCY,
  kind: 'decision',
  action: 'publish',
  record: 'r',
  documents,
  ...more,
})

describe('documents/together', () => {
  it('compares only publications of one version, by the names of their documents and by what they say', () => {
    const check = createEditCheck()
    deepEqual(
      [
        statement([document('a', '1', '9'), document('b', '1')]),
        statement([document('a', '2', '9')]), // formatted differently
        statement([document('c', '2')]), // added
        statement([document('a', '1', '9'), document('b', '2')]), // the second document is edited
        statement([document('a', '3')], { revision: '2' }),
        statement([document('a', '4')], { action: 'amend', revision: '2' }),
        statement([document('a', '4')], { agency: 'other.gov.example', revision: '2' }),
        statement([document('a', '4')], { revision: '2' }),
      ].map(check.isEdit),
      [false, false, false, true, false, false, false, true],
    )
  })

  it('forgets the statements of a file that is not sent', () => {
    const check = createEditCheck()
    const [first, second] = ['1', '2'].map(sha => statement([document('a', sha)])) as [Statement, Statement]
    check.isEdit(first)
    check.forget()
    deepEqual(check.isEdit(second), false)
    check.keep()
    deepEqual([check.isEdit(second), check.isEdit(first)], [false, true])
  })

  const version = (action: StatedVersion['action'], record: string, revision?: string, target?: string): StatedVersion => ({
    action,
    record,
    ...(revision !== undefined && { revision }),
    ...(target !== undefined && { target }),
  })

  it('puts publications first, then their changes, then the changes of changes, and leaves circles in peace', () => {
    const [third, second, first] = [version('amend', 'r', '3', '2'), version('amend', 'r', '2', '1'), version('publish', 'r', '1')]
    const items = [third, undefined, second, first].map(of => ({ of }))
    deepEqual(
      inOrder(items, item => item.of).map(({ of }) => of),
      [undefined, first, second, third],
    )
    const circle = [version('amend', 'r', '2', '3'), version('amend', 'r', '3', '2')]
    deepEqual(inOrder(circle, each => each).length, 2)
  })

  it('answers a warning by what the run publishes before, and holds a change of what it leaves out', () => {
    const run = createRun()
    const change = version('amend', 'r', '2', '1')
    const codes = ['RECORD_UNKNOWN', 'TARGET_UNKNOWN', 'PUBLISHED_OLD']
    deepEqual([run.unanswered(codes, change), run.heldBack(change)], [codes, undefined])
    run.note(version('publish', 'r', '0'), true)
    deepEqual(run.unanswered(codes, change), ['TARGET_UNKNOWN', 'PUBLISHED_OLD'])
    run.note(version('publish', 'r', '1'), true)
    deepEqual(run.unanswered(codes, change), ['PUBLISHED_OLD'])
    run.note(version('publish', 'other', '1'), false)
    deepEqual(
      [
        version('amend', 'other', '2', '1'),
        version('amend', 'other', '2'),
        version('withdraw', 'other'),
        version('amend', 'other', '2', '0'),
        version('publish', 'other', '2'),
      ].map(each => run.heldBack(each)?.code),
      ['EARLIER_LEFT_OUT', 'EARLIER_LEFT_OUT', 'EARLIER_LEFT_OUT', undefined, undefined],
    )
  })
})
