/**
 * A whole folder: each file is read here, compared with the ledger in a dry run, and sent by one
 * button. Sending again is the way to resume, because the ledger knows every statement that it has.
 */
import { STOPPING_WARNINGS } from '../../core/statements/warnings.ts'
import { followChanges } from '../../documents/changes.ts'
import { groupCompanions } from '../../documents/companions.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import type { DeskData } from '../desk/choose.ts'
import { addFiles, type DescribedFile, findBroken } from '../desk/describe.ts'
import { EMPTY_DRAFT, statementOf } from '../desk/draft.ts'
import { remarksOf } from '../desk/remarks.ts'
import { createLineSender, type LineAnswer, SendError } from './desk-lines.ts'
import { COLUMNS, cellsOf, type KindNames, PROBLEMS, ROWS_SHOWN, type Row, rangesOf, renderRows, type State } from './desk-rows.ts'
import { filesOfDrop, type PathFile, pathsInside } from './dropped-files.ts'
import { find } from './find.ts'
import { readHere } from './read-here.ts'
import { saveText, toCsv } from './save-text.ts'

const GROUP_LINES = 200
const GROUP_BYTES = 800_000
const DRAW_MS = 200
/** What a clerk chooses for all files that state none. */
const CHOICES = ['#folder-kind', '#folder-number'] as const
/** The archive of receipts, and what the verify page opens. */
const MAX_ZIP = 10_000

/** Starts the page. */
export function startFolder(say: SayDesk, data: DeskData): void {
  const { agency } = data
  const sender = createLineSender(data)
  let chosen: readonly PathFile[] = []
  let rows: Row[] = []
  let isStopped = false
  let drawnMs = 0
  /** What the button does: publish, or go on after an interruption. */
  let act: (() => Promise<void>) | undefined

  find('#folder').hidden = false
  const input = find('#folder-files') as HTMLInputElement
  const drop = find('#drop')
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])].map(file => ({ path: file.webkitRelativePath || file.name, file }))
    void run(() => take(files))
    input.value = ''
  })
  for (const type of ['dragenter', 'dragover'])
    document.addEventListener(type, event => {
      event.preventDefault()
      drop.classList.add('over')
    })
  document.addEventListener('dragleave', () => drop.classList.remove('over'))
  document.addEventListener('drop', event => {
    event.preventDefault()
    drop.classList.remove('over')
    const files = filesOfDrop(event)
    void run(async () => take(await files))
  })
  find('#go').addEventListener('click', () => act && void run(act))
  find('#stop').addEventListener('click', () => {
    isStopped = true
  })
  find('#results').addEventListener('click', () => saveText('results.csv', 'text/csv', toCsv(COLUMNS, rows.map(cellsOf))))
  // Another kind or number counts for what was read already, as long as none of it was sent.
  for (const selector of CHOICES)
    find(selector).addEventListener('change', () => {
      if (rows.length > 0 && !rows.some(({ state }) => state === 'sealed')) void run(() => take(chosen))
    })
  window.addEventListener('beforeunload', event => {
    if (!find('#stop').hidden) event.preventDefault()
  })

  /** Runs one action. What interrupts it is told, and the button goes on with it. */
  async function run(action: () => Promise<void>): Promise<void> {
    isStopped = false
    act = undefined
    // The first step of an action is shown, however soon it comes after the last one.
    drawnMs = 0
    show('#stop', true)
    show('#go', false)
    setChoices(false)
    try {
      await action()
    } catch (error) {
      if (!(error instanceof SendError)) throw error
      tell(error.isSignedOut ? say('folder.signIn') : say('folder.failed'))
      offer(say('folder.goOn'), action)
    } finally {
      show('#stop', false)
      show('#progress', false)
      setChoices(true)
      draw(true)
    }
  }

  async function take(files: readonly PathFile[]): Promise<void> {
    const unread: Row[] = []
    const described: DescribedFile[] = []
    chosen = files
    rows = []
    for (const [at, { path, file }] of pathsInside(files).entries()) {
      if (isStopped) break
      try {
        described.push(await readHere(path, file))
      } catch {
        unread.push({ path, state: 'unreadable' })
      }
      step('folder.reading', at + 1, files.length)
    }
    rows = [...unread, ...groupCompanions(followChanges(described)).map(rowOf)]
    await check()
  }

  /** The row of a file and of those that belong to it. */
  function rowOf(files: readonly [DescribedFile, ...DescribedFile[]]): Row {
    const [{ name: path, document, reading }] = files
    const broken = findBroken(files)
    const row = { path, sha256: document.sha256, remarks: files.flatMap(each => remarksOf(each.document.name, each.reading)) }
    if (broken !== undefined) return { ...row, state: 'refused', detail: broken.detail, code: broken.code, remarks: [] }
    const numbered = reading.members.record ?? (valueAt('#folder-number') === 'path' ? path.normalize('NFC') : undefined)
    if (numbered === undefined) return { ...row, state: 'noNumber' }
    const draft = addFiles(EMPTY_DRAFT, files)
    const made = statementOf({ ...draft, fields: { kind: valueAt('#folder-kind'), ...draft.fields, record: numbered } }, agency)
    if ('statement' in made) return { ...row, state: 'ready', statement: made.statement }
    return { ...row, state: 'refused', detail: made.faults.map(({ detail, field }) => detail ?? field ?? '').join('; ') }
  }

  /** Asks what the ledger would make of every row that is not on it. */
  async function check(): Promise<void> {
    await sendAll(['ready'], true, 'folder.asking')
    const ready = rows.filter(({ state }) => state === 'checked')
    if (ready.length > 0 && !isStopped) offer(say('folder.publish', { count: ready.length }), publish)
    sum()
  }

  async function publish(): Promise<void> {
    await sendAll(['checked'], false, 'folder.sending')
    if (rows.some(({ state }) => state === 'checked')) offer(say('folder.goOn'), publish)
    sum()
  }

  async function sendAll(states: readonly State[], dry: boolean, key: 'folder.asking' | 'folder.sending'): Promise<void> {
    const open = rows.filter(({ state }) => states.includes(state))
    for (let at = 0; at < open.length && !isStopped; ) {
      const group = groupOf(open, at)
      const answers = await sender.send(group.lines, dry)
      for (const [n, answer] of answers.entries()) settle(open[at + n]!, answer)
      at += answers.length
      step(key, at, open.length)
    }
  }

  function settle(row: Row, { status, index, known, code, detail, warnings = [] }: LineAnswer): void {
    const stopping = warnings.filter(each => STOPPING_WARNINGS.includes(each))
    const at = index ?? known
    if (at !== undefined) row.index = at
    row.codes = warnings
    if (status >= 300) Object.assign(row, { state: 'refused', detail: detail ?? '', code: code ?? String(status) })
    else if (known !== undefined) row.state = 'known'
    else if (index !== undefined) row.state = status === 201 ? 'sealed' : 'known'
    else row.state = stopping.length > 0 ? 'warned' : 'checked'
  }

  function sum(): void {
    const count = (states: readonly State[]) => rows.filter(({ state }) => states.includes(state)).length
    const done = count(['known', 'sealed'])
    const left = count(PROBLEMS)
    tell(say('folder.sum', { done, left, open: rows.length - done - left, total: rows.length }))
  }

  function offer(text: string, action: () => Promise<void>): void {
    act = action
    find('#go').textContent = text
    show('#go', true)
  }

  function step(key: 'folder.reading' | 'folder.asking' | 'folder.sending', done: number, total: number): void {
    if (performance.now() - drawnMs < DRAW_MS && done < total) return
    drawnMs = performance.now()
    show('#progress', true)
    ;(find('#progress') as HTMLProgressElement).value = (100 * done) / Math.max(1, total)
    tell(say(key, { done, total }))
    draw(false)
  }

  function draw(isEnd: boolean): void {
    const indexes = rows.map(({ index }) => index).filter(index => index !== undefined)
    show('#results', isEnd && rows.length > 0)
    show('#zip', isEnd && indexes.length > 0 && indexes.length <= MAX_ZIP)
    if (isEnd) (find('#zip-of') as HTMLInputElement).value = rangesOf(indexes)
    if (isEnd || rows.length <= ROWS_SHOWN) find('#rows').innerHTML = renderRows(say, kindNames(), rows).safe
  }
}

/** The rows from `at` that go into one request, as lines. */
function groupOf(rows: readonly Row[], at: number): { readonly lines: readonly string[] } {
  const lines: string[] = []
  let bytes = 0
  for (const { statement } of rows.slice(at, at + GROUP_LINES)) {
    const line = JSON.stringify(statement)
    bytes += 3 * line.length
    if (bytes > GROUP_BYTES && lines.length > 0) break
    lines.push(line)
  }
  return { lines }
}

function show(selector: string, isShown: boolean): void {
  find(selector).hidden = !isShown
}

function tell(text: string): void {
  const status = find('#status')
  if (status.textContent !== text) status.textContent = text
}

function setChoices(isOpen: boolean): void {
  for (const selector of CHOICES) (find(selector) as HTMLSelectElement).disabled = !isOpen
}

/** The kinds as the page names them where one is chosen. */
function kindNames(): KindNames {
  const nameOf = (kind: string) => find(`#folder-kind option[value="${kind}"]`).textContent ?? kind
  return { decision: nameOf('decision'), procurement: nameOf('procurement') }
}

function valueAt(selector: string): string {
  return (find(selector) as HTMLSelectElement).value
}
