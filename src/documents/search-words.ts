/** Words that may find a file that is not on the record: those that it states about itself. */
import { readDocument } from './read-document.ts'
import { MAX_READ_BYTES } from './reading.ts'

const MAX_WORDS = 5
/** The most words that a search takes. */
const MAX_CHARACTERS = 200

/** Its record, its other ids and its title, without repeats. Empty for a file that states none. */
export async function searchWords(name: string, file: Blob): Promise<string[]> {
  if (file.size > MAX_READ_BYTES) return []
  const { members } = await readDocument(name, new Uint8Array(await file.arrayBuffer()))
  const { record, identifiers = [], title } = members
  const stated = [record, ...identifiers.map(({ value }) => value), title].filter(text => text !== undefined)
  return [...new Set(stated.map(text => text.trim().slice(0, MAX_CHARACTERS).toWellFormed()))]
    .filter(text => text !== '')
    .slice(0, MAX_WORDS)
}
