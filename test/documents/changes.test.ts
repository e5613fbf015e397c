/** Changes of change notices, read from several files together. */
import { deepEqual, equal } from 'node:assert/strict'
import { followChanges } from '../../src/documents/changes.ts'
import type { ReadDocumentFile } from '../../src/documents/companions.ts'
import { readDocument } from '../../src/documents/read-document.ts'
import { changeOf, NOTICE_ID, notice } from './files.ts'

const id = (digit: number) => NOTICE_ID.replaceAll('1', String(digit))
const own = (digit: number, extension = '') => notice({ extension }).replaceAll(NOTICE_ID, id(digit)).replace('>02<', '>01<')

async function read(...texts: string[]): Promise<ReadDocumentFile[]> {
  const readings = await Promise.all(texts.map((text, at) => readDocument(`${at}.xml`, Buffer.from(text))))
  return readings.map((reading, at) => ({ name: `${at}.xml`, reading }))
}

const versions = (files: readonly ReadDocumentFile[]) =>
  files.map(({ reading: { members } }) => [members.record, members.target, members.revision])

describe('documents/changes', () => {
  it('gives a change of a change notice the record of the first notice, and aims it at the change', async () => {
    const files = await read(own(5, changeOf(id(4))), own(3, changeOf(id(2))), own(2), own(4, changeOf(id(3))))
    const followed = followChanges(files)
    deepEqual(versions(followed), [
      [id(2), `${id(4)}-01`, `${id(5)}-01`],
      [id(2), '01', `${id(3)}-01`],
      [id(2), undefined, '01'],
      [id(2), `${id(3)}-01`, `${id(4)}-01`],
    ])
    const [record, target] = ['record', 'target'].map(member => followed[0]!.reading.stated.find(each => each.member === member))
    deepEqual([record?.value, target?.value], [id(2), `${id(4)}-01`])
    deepEqual(
      followed.map(({ reading }) => reading.remarks.map(({ code }) => code)),
      [[], ['CHANGE_OF_RECORD'], [], []],
    )
    equal(record?.at?.endsWith('ChangedNoticeIdentifier, by 1.xml'), true)
  })

  it('leaves other changes as they are, and notices that change each other', async () => {
    const files = await read(own(4, changeOf(id(3))), own(2), own(5, changeOf(id(6))), own(6, changeOf(id(5))), own(7, changeOf(id(7))))
    deepEqual(followChanges(files), files)
  })
})
