/** The runbook (docs/alarms.md) as HTML: the little Markdown that its page uses. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { escapeText, type Html, html, trusted } from '../../html.ts'

/** A section of the runbook. `codes` are the alarm codes that it names. */
export type AlarmSection = { readonly id: string; readonly title: string; readonly body: Html; readonly codes: readonly string[] }

/** Reads the page that comes with this version. */
export async function readAlarmSections(): Promise<readonly AlarmSection[]> {
  return parseSections(await readFile(fileURLToPath(new URL('../../../docs/alarms.md', import.meta.url)), 'utf8'))
}

/** The sections of a Markdown text. */
export function parseSections(text: string): AlarmSection[] {
  return text
    .split(/^#{1,2} /m)
    .slice(1)
    .map(part => {
      const end = part.indexOf('\n')
      const title = part.slice(0, end).trim()
      const lines = part.slice(end + 1)
      return { id: title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'), title, body: renderBlocks(lines), codes: codesIn(lines) }
    })
    .filter(({ body }) => body.safe !== '')
}

/** The section about an alarm. */
export function sectionOf(sections: readonly AlarmSection[], code: string): AlarmSection | undefined {
  return sections.find(({ codes }) => codes.includes(code))
}

function codesIn(text: string): string[] {
  return [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code)
}

/** Tables, lists and paragraphs, a line each. */
function renderBlocks(text: string): Html {
  const lines = text.split('\n').filter(line => line.trim() !== '' && !/^\|[ -|]*\|$/.test(line.replaceAll(' ', '')))
  const kindOf = (line: string) => (line.startsWith('|') ? 'table' : line.startsWith('- ') ? 'list' : 'text')
  const blocks: { kind: string; lines: string[] }[] = []
  for (const line of lines) {
    const last = blocks.at(-1)
    if (last !== undefined && last.kind === kindOf(line) && last.kind !== 'text') last.lines.push(line)
    else blocks.push({ kind: kindOf(line), lines: [line] })
  }
  return html`${blocks.map(({ kind, lines }) => {
    if (kind === 'list') return html`<ul>${lines.map(line => html`<li>${renderLine(line.slice(2))}</li>`)}</ul>`
    if (kind === 'text') return html`<p>${renderLine(lines.join(' '))}</p>`
    return renderTable(lines)
  })}`
}

function renderTable([head = '', ...rows]: readonly string[]): Html {
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => renderLine(cell.trim()))
  return html`<div class="scroll" tabindex="0" role="region" aria-label="codes"><table><thead><tr>${cells(head).map(cell => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(row => html`<tr>${cells(row).map(cell => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`
}

/** Code, emphasis, and links as their text. */
function renderLine(text: string): Html {
  return trusted(
    escapeText(text)
      .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
      .replaceAll(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
      .replaceAll(/\*([^*]+)\*/g, '<em>$1</em>')
      .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1'),
  )
}
