/** Typed words and the values of files, put together. */
import { deepEqual, throws } from 'node:assert/strict'
import { documentsOf, fillMembers, fillStatement, statedTogether } from '../../src/documents/fill.ts'
import { NOTHING_STATED, type StatedMembers } from '../../src/documents/reading.ts'

const STATED: StatedMembers = {
  kind: 'decision',
  action: 'amend',
  record: 'r',
  revision: '2',
  target: '1',
  reason: { code: 'correction' },
  title: 'From the file',
}
const document = (name: string) => ({ name, mediaType: 'text/plain', bytes: 1, sha256: 'a'.repeat(64) })
const reading = (members: StatedMembers) => ({ reading: { ...NOTHING_STATED, members } })

describe('documents/fill', () => {
  it('lets what is typed overrule the file, member by member', () => {
    deepEqual(fillMembers({ title: 'Typed', record: 'x' }, STATED), { ...STATED, title: 'Typed', record: 'x' })
    deepEqual(fillMembers({}, {}), { action: 'publish' })
  })

  it("takes the file's target and reason for the file's own action only, and gives a withdrawal no revision", () => {
    const { target, reason, action, ...others } = STATED
    deepEqual(fillMembers({ action: 'publish' }, STATED), { ...others, action: 'publish' })
    const { revision, ...rest } = others
    deepEqual(fillMembers({ action: 'withdraw', reason: { code: 'other' } }, STATED), {
      ...rest,
      action: 'withdraw',
      reason: { code: 'other' },
    })
    deepEqual([target, reason, action, revision], ['1', { code: 'correction' }, 'amend', '2'])
  })

  it('names the member that is missing', () => {
    const fill = (members: StatedMembers) => fillStatement('a.example', members, [document('a')])
    throws(() => fill({ kind: 'decision' }), { code: 'RECORD_MISSING' })
    throws(() => fill({ record: 'r' }), { code: 'KIND_MISSING' })
    throws(() => fill({ record: 'r', kind: 'decision', action: 'amend' }), { code: 'REASON_MISSING' })
    throws(() => fill({ record: ' r', kind: 'decision' }), { code: 'STATEMENT_MALFORMED' })
    deepEqual(fill(STATED), { type: 'openseal/statement@v1', agency: 'a.example', ...STATED, documents: [document('a')] })
  })

  it('takes the members of the file that states a record, and refuses two that contradict each other', () => {
    deepEqual(statedTogether([reading({ kind: 'decision' }), reading(STATED)])?.members, STATED)
    throws(() => statedTogether([reading(STATED), reading({ ...STATED, revision: '3' })]), { code: 'RECORD_SEVERAL' })
    deepEqual(statedTogether([]), undefined)
  })

  it('lists the files, then what is inside of them under names of their own', () => {
    const inside = { ...NOTHING_STATED, inner: [document('b'), document('c')] }
    const files = [
      { document: document('a'), reading: inside },
      { document: document('b'), reading: inside },
    ]
    deepEqual(
      documentsOf(files).map(({ name }) => name),
      ['a', 'b', '2-b', 'c', '3-b', '2-c'],
    )
  })
})
