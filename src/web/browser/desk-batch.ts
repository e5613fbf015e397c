/**
 * The part of a page that publishes many records: a table, one button that publishes or goes on,
 * one that stops. Sending again is the way to resume, because the ledger knows every statement that
 * it has.
 */
import type { SayDesk } from '../../messages/desk/speak.ts'
import { toCsv } from '../../report/table.ts'
import type { DeskData } from '../desk/choose.ts'
import { COLUMNS, cellsOf, PROBLEMS, type RecordRow, ROWS_SHOWN, rangesOf, renderRows, type State } from '../desk/rows.ts'
import { createLineSender, SendError } from './desk-lines.ts'
import { createRowSender } from './desk-send.ts'
import { find } from './find.ts'
import { saveText } from './save-text.ts'

/** Reads rows. Calls `onRead` after each file, and ends early if that returns true. */
type ReadRows = (onRead: (done: number, total: number) => boolean) => Promise<RecordRow[]>

const DRAW_MS = 200
/** The archive of receipts, and what the verify page opens. */
const MAX_ZIP = 10_000

/**
 * Starts it. The page has the elements of `renderBatch`. `onBusy` tells when an action begins and
 * ends.
 */
export function createBatch(say: SayDesk, data: DeskData, onBusy: (isBusy: boolean) => void = () => {}) {
  const lines = createLineSender(data)
  let rows: RecordRow[] = []
  let sender = createRowSender(rows, lines)
  let isStopped = false
  let drawnMs = 0
  /** The action of the button: publish, or go on after an interruption. */
  let act: (() => Promise<void>) | undefined

  /**
   * Runs one action. An interruption is shown, and the button goes on with it. Returns whether it
   * ended.
   */
  const run = async (action: () => Promise<void>): Promise<boolean> => {
    isStopped = false
    act = undefined
    // The first step of an action is shown, however soon it comes after the last one.
    drawnMs = 0
    onBusy(true)
    swap('#go', '#stop')
    try {
      await action()
      return true
    } catch (error) {
      if (error instanceof BatchError) tell(error.message)
      else if (error instanceof SendError) {
        tell(error.isSignedOut ? say('folder.signIn') : say('folder.failed'))
        offer(say('folder.goOn'), action)
      } else throw error
      return false
    } finally {
      show('#progress', false)
      onBusy(false)
      draw(true)
      swap('#stop', find('#go').hidden ? '#status' : '#go')
    }
  }
  const offer = (text: string, action: () => Promise<void>) => {
    act = action
    find('#go').textContent = text
    show('#go', true)
  }
  const count = (...states: readonly State[]) => rows.filter(({ state }) => states.includes(state)).length

  const compare = async () => {
    await sender.compare(onStep('folder.asking'))
    if (count('ready') > 0) offer(say('folder.goOn'), compare)
    else if (count('checked') > 0) offer(say('folder.publish', { count: count('checked') }), publish)
    sum()
  }
  const publish = async () => {
    await sender.publish(onStep('folder.sending'))
    if (count('checked') > 0) offer(say('folder.goOn'), publish)
    sum()
  }
  const sum = () => {
    const [done, left] = [count('known', 'sealed'), count(...PROBLEMS)]
    tell(say('folder.sum', { done, left, open: rows.length - done - left, total: rows.length }))
  }

  /** Tells a step now and then. The returned function says whether to stop. */
  const onStep = (key: 'folder.reading' | 'folder.asking' | 'folder.sending') => (done: number, total: number) => {
    if (performance.now() - drawnMs > DRAW_MS || done === total) {
      drawnMs = performance.now()
      show('#progress', true)
      ;(find('#progress') as HTMLProgressElement).value = (100 * done) / Math.max(1, total)
      tell(say(key, { done, total }))
      draw(false)
    }
    return isStopped
  }
  const draw = (isEnd: boolean) => {
    const indexes = rows.map(({ index }) => index).filter(index => index !== undefined)
    show('#results', isEnd && rows.length > 0)
    show('#zip', isEnd && indexes.length > 0 && indexes.length <= MAX_ZIP)
    if (isEnd) (find('#zip-of') as HTMLInputElement).value = rangesOf(indexes)
    if (isEnd || rows.length <= ROWS_SHOWN) find('#rows').innerHTML = renderRows(say, data.kinds, rows).safe
  }

  find('#go').addEventListener('click', () => act && void run(act))
  find('#stop').addEventListener('click', () => {
    isStopped = true
  })
  find('#results').addEventListener('click', () => saveText('results.csv', 'text/csv', toCsv(COLUMNS, rows.map(cellsOf))))
  window.addEventListener('beforeunload', event => {
    if (!find('#stop').hidden) event.preventDefault()
  })
  return {
    /** Whether any row was published. */
    hasSent: () => count('sealed') > 0,
    /** Reads rows, compares them with the ledger, and offers to publish those that can be. */
    async take(read: ReadRows): Promise<void> {
      const isRead = await run(async () => {
        rows = []
        rows = await read(onStep('folder.reading'))
        sender = createRowSender(rows, lines)
      })
      if (!isRead) return
      if (!isStopped) return void (await run(compare))
      offer(say('folder.goOn'), compare)
      sum()
    },
  }
}

function show(selector: string, isShown: boolean): void {
  find(selector).hidden = !isShown
}

/**
 * Shows one in place of another, which gives it the focus if it had it: a hidden button loses it.
 */
function swap(from: string, to: string): void {
  const hadFocus = document.activeElement === find(from)
  show(to, true)
  show(from, false)
  if (hadFocus) find(to).focus()
}

function tell(text: string): void {
  const status = find('#status')
  if (status.textContent !== text) status.textContent = text
}

/** Why nothing can be read, in words for the clerk. */
export class BatchError extends Error {}
