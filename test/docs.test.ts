/** What the documents say of the tests: every test that a table names is there. */
import { deepEqual, ok } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

const sources = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .map(file => readFileSync(join(root, 'test', file), 'utf8'))
  .join('\n')

for (const page of ['docs/reliability.md', 'docs/threat-model.md'])
  describe(page, () => {
    it('names tests that exist', () => {
      const tables = readFileSync(join(root, page), 'utf8').split('<!-- tests -->\n').slice(1)
      const named = tables.flatMap(table => readLastColumn(table).flatMap(cell => cell.split(' · ')))
      ok(named.length > 0)
      deepEqual(
        named.filter(name => !isThere(sources, name)),
        [],
      )
    })
  })

/** The last cells of the rows of the table that a text begins with. */
function readLastColumn(text: string): string[] {
  const rows = text.split('\n').slice(2)
  const end = rows.findIndex(row => !row.startsWith('|'))
  return rows.slice(0, end === -1 ? rows.length : end).map(row => row.split(' | ').at(-1)!.replace(/ \|$/, '').trim())
}

/** As a name in quotes, or as one of a template whose first and last words are these. */
function isThere(sources: string, name: string): boolean {
  if (sources.includes(`'${name.replaceAll("'", "\\'")}'`) || sources.includes(`"${name}"`)) return true
  return [...sources.matchAll(/`([^`\n]*\$\{[^`\n]*)`/g)].some(([, template = '']) => {
    const parts = template.split(/\$\{[^}]*\}/)
    return (
      parts.join('').length > 20 &&
      new RegExp(`^${parts.map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(name)
    )
  })
}
