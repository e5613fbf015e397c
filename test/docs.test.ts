/** The documents: the tests that they name, their links, their form. */
import { deepEqual, ok } from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

const sources = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .map(file => readFileSync(join(root, 'test', file), 'utf8'))
  .join('\n')

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs'), ...markdownIn('contracts')]
const read = (page: string) => readFileSync(join(root, page), 'utf8')

describe('documents', () => {
  it('name tests that exist', () => {
    const tables = pages.flatMap(page => read(page).split('<!-- tests -->\n').slice(1))
    const named = tables.flatMap(table => readLastColumn(table).flatMap(cell => cell.split(' · ')))
    ok(named.length > 100)
    deepEqual(
      named.filter(name => !isThere(sources, name)),
      [],
    )
  })

  it('link to files and headings that exist', () => {
    const links = pages.flatMap(page => linksOf(page).map(link => ({ page, link })))
    ok(links.length > 50)
    deepEqual(
      links.filter(({ page, link }) => !resolves(page, link)),
      [],
    )
  })

  it('name files and folders that exist', () => {
    const named = pages.flatMap(page =>
      [...read(page).matchAll(/`((?:src|docs|scripts|bench|test|contracts|ops)\/[\w/.-]*)`/g)].map(([, path = '']) => ({ page, path })),
    )
    ok(named.length > 50)
    deepEqual(
      named.filter(({ path }) => !existsSync(join(root, path))),
      [],
    )
  })

  it('have one paragraph a line', () => {
    deepEqual(pages.flatMap(brokenLines), [])
  })

  it('have at most 25 words a sentence', () => {
    deepEqual(pages.filter(page => page !== 'docs/dependencies.md').flatMap(longSentences), [])
  })

  it('have one decision a number', () => {
    const numbers = readdirSync(join(root, 'docs/decisions')).flatMap(file => file.match(/^\d+/) ?? [])
    deepEqual(
      numbers.filter((number, at) => numbers.indexOf(number) !== at),
      [],
    )
  })

  it('keep results of runs apart, each page written by a command that exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: object }
    const results = markdownIn('docs/results')
    ok(results.length > 0)
    deepEqual(
      results.filter(page => {
        const [, name = ''] = /^# .+\n\nWritten by `npm run ([\w:]+) -- .*--write`\. Do not edit this page\.\n/.exec(read(page)) ?? []
        return !(name in scripts)
      }),
      [],
    )
  })
})

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md'))
    .map(file => `${folder}/${file}`)
}

/** The targets of a page's links, without those that lead to other sites. */
function linksOf(page: string): string[] {
  const text = read(page)
    .replace(/```[\s\S]*?```/g, '')
    .replace(/`[^`\n]*`/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter(target => !/^[a-z]+:/.test(target))
}

function resolves(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#')
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, target))) return false
  return heading === undefined || headingsOf(target).includes(heading)
}

/** The names under which GitHub finds a page's headings. */
function headingsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/**
 * Sentences of more than 25 words. Names of tests, and pages that commands write, have words of
 * their own.
 */
function longSentences(page: string): string[] {
  if (page.startsWith('docs/results/')) return []
  const text = read(page)
    .replace(/<!-- tests -->\n(.*\n)+/g, table => table.replace(/ \| [^|]+ \|$/gm, ' |'))
    .replace(/```[\s\S]*?```/g, '')
    .replace(/`[^`\n]*`/g, 'X')
  const sentences = text
    .split('\n')
    .flatMap(line => line.split(line.startsWith('|') ? /\|/ : /(?!)/))
    .flatMap(part => part.split(/(?<=[.:;?!])\s+/))
  return sentences
    .filter(sentence => sentence.split(/\s+/).filter(word => /\p{L}/u.test(word)).length > 25)
    .map(sentence => `${page}: ${sentence}`)
}

/** Lines that go on with the paragraph or the list item of the line before. */
function brokenLines(page: string): string[] {
  const lines = read(page)
    .replace(/```[\s\S]*?```/g, '')
    .split('\n')
  const isProse = (line: string) => line !== '' && !/^(#|\||<|\s*[-*] |\s*\d+\. )/.test(line)
  return lines.flatMap((line, at) =>
    isProse(line) && /\S/.test(lines[at - 1] ?? '') && !/^(#|\||<)/.test(lines[at - 1]!) ? [`${page}: ${line}`] : [],
  )
}

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
