/** Which files of a folder belong to one statement. */
import { deepEqual } from 'node:assert/strict'
import { groupCompanions } from '../../src/documents/companions.ts'
import { readDocument } from '../../src/documents/read-document.ts'
import { DECISION } from './files.ts'

const file = async (name: string, content: unknown = '') => ({
  name,
  reading: await readDocument(name, new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content))),
})
const namesOf = (groups: readonly (readonly { name: string }[])[]) => groups.map(group => group.map(({ name }) => name))

describe('documents/companions', () => {
  const { ada } = DECISION

  it("adds a decision's PDF and its list of versions to its metadata, in one folder", async () => {
    const files = [
      await file(`a/${ada.normalize('NFD')}.pdf`, '%PDF-1.7\n'),
      await file('a/history.json', { ada, versions: [] }),
      await file('a/metadata.json', DECISION),
      await file('a/other.pdf'),
      await file(`b/${ada}.pdf`),
    ]
    deepEqual(namesOf(groupCompanions(files)), [
      ['a/metadata.json', `a/${ada.normalize('NFD')}.pdf`, 'a/history.json'],
      ['a/other.pdf'],
      [`b/${ada}.pdf`],
    ])
  })

  it('does not choose between two versions of one decision', async () => {
    const files = [await file('1.json', DECISION), await file('2.json', { ...DECISION, versionId: 'v-3' }), await file(`${ada}.pdf`)]
    deepEqual(namesOf(groupCompanions(files)), [['1.json'], ['2.json'], [`${ada}.pdf`]])
  })
})
