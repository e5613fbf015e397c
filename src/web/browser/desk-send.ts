/**
 * Compares rows with the ledger in a dry run, and sends them: in groups, so that a stop loses
 * little.
 */
import { STOPPING_WARNINGS, type WarningCode } from '../../core/statements/warnings.ts'
import { createRun, type Run } from '../../documents/together.ts'
import type { RecordRow, State } from '../desk/rows.ts'
import type { LineReply, LineSender } from './desk-lines.ts'

/** Called after each group. Returns whether to stop. */
export type OnSent = (done: number, total: number) => boolean

const GROUP_LINES = 200
const GROUP_BYTES = 800_000

/** Creates the sender of these rows, which are in the order in which they are sent. */
export function createRowSender(rows: readonly RecordRow[], sender: LineSender) {
  const run = createRun()
  const send = async (state: State, dry: boolean, onSent: OnSent): Promise<void> => {
    const open = rows.filter(row => row.state === state)
    for (let at = 0; at < open.length; ) {
      const lines = groupOf(open, at)
      const answers = await sender.send(lines, dry)
      for (const [n, answer] of answers.entries()) {
        const row = open[at + n]!
        settle(row, answer)
        if (dry) foresee(row, run)
      }
      at += answers.length
      if (onSent(at, open.length)) return
    }
  }
  return {
    /** Asks what the ledger would make of every row that it has not seen. Throws SendError. */
    compare: (onSent: OnSent) => send('ready', true, onSent),
    /** Sends every row that can be published. Throws SendError. */
    publish: (onSent: OnSent) => send('checked', false, onSent),
  }
}

/** The rows from `at` that go into one request, as lines. */
function groupOf(rows: readonly RecordRow[], at: number): readonly string[] {
  const lines: string[] = []
  let bytes = 0
  for (const { statement } of rows.slice(at, at + GROUP_LINES)) {
    const line = JSON.stringify(statement)
    bytes += 3 * line.length
    if (bytes > GROUP_BYTES && lines.length > 0) break
    lines.push(line)
  }
  return lines
}

function settle(row: RecordRow, { status, index, known, code, detail, warnings = [] }: LineReply): void {
  const at = index ?? known
  if (at !== undefined) row.index = at
  row.codes = warnings
  if (status >= 300) refuse(row, code ?? String(status), detail ?? '')
  else if (known !== undefined) row.state = 'known'
  else if (index !== undefined) row.state = status === 201 ? 'sealed' : 'known'
  else row.state = 'checked'
}

/** Warnings that a dry run may get wrong, because the rows before are not on the ledger yet. */
function foresee(row: RecordRow, run: Run): void {
  const { statement, state, isEdit } = row
  if (statement === undefined) return
  if (state === 'checked') {
    const codes: WarningCode[] = run.unanswered(row.codes ?? [], statement)
    if (isEdit && !codes.includes('SILENT_EDIT')) codes.push('SILENT_EDIT')
    row.codes = codes
    const held = run.heldBack(statement)
    if (codes.some(code => STOPPING_WARNINGS.includes(code))) row.state = 'warned'
    else if (held !== undefined) refuse(row, held.code, held.detail)
  }
  run.note(statement, row.state === 'checked' || row.state === 'known')
}

function refuse(row: RecordRow, code: string, detail: string): void {
  Object.assign(row, { state: 'refused', code, detail })
}
