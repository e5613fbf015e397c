/** The verify page, served and offline: takes files, shows verdicts. Nothing is uploaded. */

import { inTurns } from '../../at-once.ts'
import { OpenSealError } from '../../core/errors.ts'
import { html } from '../../html.ts'
import { createSay, isolate, type Say } from '../../messages/say.ts'
import { sayNotPasted, sayReport } from '../../messages/verdict.ts'
import { gravestInputsFirst } from '../../report/summary.ts'
import type {
  Answers,
  GivenFile,
  GivenPolicy,
  GivenReceipt,
  Means,
  ReadFile,
  Task,
  TrustList,
  Unpacked,
  Unread,
} from '../../verifier/index.ts'
import { MANY, renderRunning, renderSum, WHOLE_CARDS } from '../result.ts'
import { renderVerifyTool } from '../verify-tool.ts'
import { filesOfDrop, filesOfFolder, type PathFile } from './dropped-files.ts'
import { find } from './find.ts'
import { readLink } from './link.ts'
import { notice, tell } from './notices.ts'
import { createOfferedPolicy } from './offered-policy.ts'
import { PAGE_DATA_ID, type PageData } from './page-data.ts'
import { addressesOf, type Checking, createMeans, loadOthers, withoutChain } from './page-means.ts'
import { saveText } from './save-text.ts'
import { showTask } from './show-task.ts'
import { createShownResults } from './shown-results.ts'

/**
 * The parts that only a served or only an offline page has, so that neither contains the other's.
 */
export type Parts = {
  load(): Promise<Checking>
  /** The code that keeps results. */
  keep(): Promise<typeof import('./keeping.ts')>
  /** Reads what a file says of itself. The offline file has no ledger to search. */
  searchWords?(name: string, file: Blob): Promise<readonly string[]>
  /** Does what a served page gets from its server. */
  readonly frame?: typeof import('./offline-frame.ts')
}

type Languages = PageData['languages']

/** How many of many inputs are checked at once. */
const CHECKED_AT_ONCE = 6
const data = JSON.parse(find(`#${PAGE_DATA_ID}`).textContent ?? '{}') as PageData
let parts: Parts
let checking: Checking | undefined
let say: Say
const files: GivenFile[] = []
const receipts: GivenReceipt[] = []
const unread: Unread[] = []
/** The given files, to be read again. */
const opened = new Map<string, File>()
/** The fingerprint of the link with which the page was opened. A file takes its place. */
let linked: GivenFile | undefined
/** The last results, to be kept. */
let shown: { readonly all: readonly Answers[]; readonly means: Means } | undefined
/** The policy that the reader chose instead of the page's own. */
let ownPolicy: GivenPolicy | undefined
/** The page's list for receipts of other ledgers, once it was loaded. */
let others: TrustList | undefined
let endpoints: readonly string[] = data.endpoints
let round = 0
let queue: Promise<void> = Promise.resolve()
let waiting = 0
const offered = createOfferedPolicy(
  () => say,
  policy => {
    ownPolicy = policy
    inTurn(show)
  },
)
const results = createShownResults({
  say: () => say,
  pages: data.ledger,
  all: () => shown?.all,
  fileOf: name => opened.get(name),
  searchWords: () => parts.searchWords,
  inTurn,
})

/** Starts the page. There is one page in a document. */
export async function startPage(given: Parts): Promise<void> {
  parts = given
  const { frame } = parts
  const languages = frame === undefined ? data.languages : await frame.unpackLanguages(data.packed ?? '')
  speak(languages, data.lang ?? frame?.chooseLanguage(languages) ?? 'en')
  // With scripts, the form that uploads files is the last resort.
  document.querySelector('details.server')?.removeAttribute('open')
  for (const type of ['dragenter', 'dragover']) {
    document.addEventListener(type, event => {
      event.preventDefault()
      find('#drop').classList.add('over')
    })
  }
  document.addEventListener('dragleave', () => find('#drop').classList.remove('over'))
  document.addEventListener('drop', event => {
    event.preventDefault()
    find('#drop').classList.remove('over')
    // The browser hands the files out only in this turn.
    const dropped = filesOfDrop(event)
    take(dropped)
  })
  if (data.ledger !== undefined) {
    openLink()
    window.addEventListener('hashchange', openLink)
  }
  frame?.onLanguage(lang => {
    inTurn(() => {
      speak(languages, lang)
      return show()
    })
  })
}

/** Draws the empty tool in a language. */
function speak(languages: Languages, lang: string): void {
  say = createSay(lang, languages[lang] ?? {})
  parts.frame?.drawFrame(say, Object.keys(languages), String(data.policy.origin))
  find('#tool').innerHTML = renderVerifyTool(say, { online: data.ledger !== undefined, endpoints }).safe
  const input = find('#files') as HTMLInputElement
  for (const chooser of [input, find('#folder') as HTMLInputElement])
    chooser.addEventListener('change', () => {
      take(Promise.resolve(filesOfFolder([...(chooser.files ?? [])])))
      chooser.value = ''
    })
  find('#save-report').addEventListener('click', () => inTurn(() => keep('html')))
  find('#save-csv').addEventListener('click', () => inTurn(() => keep('csv')))
  results.listen()
  find('#clear').addEventListener('click', clear)
  offered.listen()
  find('#paste-form').addEventListener('submit', event => {
    event.preventDefault()
    takePasted(find('#paste') as HTMLTextAreaElement)
  })
  find('#endpoints-form').addEventListener('submit', event => {
    event.preventDefault()
    useEndpoints((find('#endpoints') as HTMLTextAreaElement).value)
  })
}

function take(dropped: Promise<readonly PathFile[]>): void {
  inTurn(async () => {
    const given = await dropped
    if (given.length === 0) return
    for (const each of given) await takeOne(await ready(), each)
    await show()
  })
}

/**
 * Checks the fingerprint of a link by the receipt of its entry. Only the number of the entry is
 * sent.
 */
function openLink(): void {
  const link = readLink(location.hash)
  if (link === undefined) return
  inTurn(async () => {
    if (link === 'bad') return notice(say('link.bad'))
    const tools = await ready()
    forget()
    const file = tools.fingerprint(link.sha256)
    linked = file
    files.push(file)
    try {
      const text = await meansOf(tools).ledger?.readReceipt(link.index)
      receipts.push(tools.readReceipt(`${link.index}.receipt.json`, text ?? ''))
    } catch (error) {
      if (!(error instanceof OpenSealError)) throw error
      notice(say('link.none', { index: link.index }))
    }
    await show()
    notice(say('link.opened'))
  })
}

function takePasted(field: HTMLTextAreaElement): void {
  inTurn(async () => {
    const { readPasted } = await ready()
    const pasted = readPasted(say('result.receipt'), field.value)
    if (pasted.kind !== 'given') return notice(sayNotPasted(say, pasted))
    field.value = ''
    files.push(...pasted.files)
    receipts.push(...pasted.receipts)
    await show()
  })
}

async function takeOne(tools: Checking, { path, file }: PathFile): Promise<void> {
  const bar = find('#progress') as HTMLProgressElement
  bar.hidden = false
  let last = -1
  try {
    const onProgress = (part: number) => {
      const percent = Math.floor(part * 100)
      if (percent === last) return
      last = percent
      bar.value = percent
      if (percent % 10 === 0) tell(say('verify.hashing', { name: path, percent }))
    }
    const read = await tools.readBlob(path, file, onProgress)
    opened.set(path, file)
    await sort(tools, path, read, name => tools.openArchive(name, file, onProgress))
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    notice(`${isolate(path)}: ${say('verify.unreadable')}`)
  } finally {
    bar.hidden = true
  }
}

async function sort(tools: Checking, name: string, read: ReadFile, openZip: (name: string) => Promise<Unpacked>): Promise<void> {
  const given = await tools.recognizeZipped(name, read, openZip)
  if (given.kind === 'policy') return offered.ask(tools.readPolicy, name, given.text)
  if (given.kind === 'report') {
    const opened = tools.openReport(name, given.data)
    notice(sayReport(say, name, given.data))
    files.push(...opened.files)
    receipts.push(...opened.receipts)
    return offered.ask(tools.readPolicy, name, opened.policyText)
  }
  if (given.kind === 'receipts') receipts.push(...given.receipts)
  else {
    const found = given.kind === 'archive' ? given.files : [given.file]
    if (linked !== undefined && found.length > 0) files.splice(files.indexOf(linked), 1)
    if (found.length > 0) linked = undefined
    files.push(...found)
  }
  if (given.kind !== 'archive') return
  receipts.push(...given.receipts)
  unread.push(...given.unread)
}

function useEndpoints(text: string): void {
  const lines = text.split(/\s+/).filter(line => line !== '')
  const bad = lines.find(line => !/^(?:[1-9]\d{0,14}=)?https?:\/\/./.test(line) || !URL.canParse(line.replace(/^\d+=/, '')))
  const status = find('#endpoints-status')
  status.textContent = bad === undefined ? say('verify.endpointsSaved', { count: lines.length }) : say('verify.endpointBad', { url: bad })
  if (bad !== undefined) return
  endpoints = lines
  inTurn(show)
}

/** The code that checks, loaded if necessary. */
async function ready(): Promise<Checking> {
  if (checking === undefined) {
    const loaded = await parts.load()
    others = await loadOthers(loaded, data)
    checking = loaded
  }
  return checking
}

/**
 * Runs one action after the other. A new action ends the current check, because everything is then
 * checked again.
 */
function inTurn(act: () => Promise<void>): void {
  waiting++
  queue = queue.then(() => {
    waiting--
    return act().catch(failed)
  })
}

/**
 * Checks everything that was given again: a new file may match a receipt that was waiting for it.
 */
async function show(): Promise<void> {
  const mine = ++round
  const isCurrent = () => mine === round && waiting === 0
  const list = find('#results')
  const tools = await ready()
  const means = meansOf(tools)
  const plan = tools.planChecks(tools.withoutRepeats(files), receipts, means)
  find('#results-part').hidden = plan.length === 0 && unread.length === 0
  find('#results-sum').innerHTML = ''
  shown = undefined
  const all = await (plan.length > MANY ? checkMany(plan, list, isCurrent) : checkFew(plan, list, isCurrent))
  if (!isCurrent() || plan.length + unread.length === 0) return
  shown = { all, means }
  find('#results-sum').innerHTML = renderSum(say, all, unread).safe
  // The buttons come after a single answer, and before many, which would hide them.
  find(all.length > 1 ? '#results-sum' : '#results').after(find('#results-keep'))
  results.offerSearch()
  tell(
    `${say('verify.done', { count: all.filter(({ own }) => own.length > 0).length })} ${[...list.querySelectorAll('.sentence')]
      .map(node => node.textContent)
      .slice(0, 3)
      .join(' ')}`,
  )
  list.dataset.done = String(mine)
  // Brings the answer into view and moves the focus there.
  find('#results-heading').focus({ preventScroll: true })
  find('#results-heading').scrollIntoView({ block: 'start' })
}

/** Shows the checks of each input as they run. */
async function checkFew(plan: readonly Task[], list: HTMLElement, isCurrent: () => boolean): Promise<readonly Answers[]> {
  list.innerHTML = html`${plan.map(({ name }, at) => html`<div class="slot" id="result-${at + 1}">${renderRunning(say, name)}</div>`)}`.safe
  const slots = [...list.children] as HTMLElement[]
  const setting = { say, pages: data.ledger, isCurrent }
  return Promise.all(
    plan.map(async (task, at) => {
      const slot = slots[at]!
      const answers = await showTask(task, slot, setting)
      if (answers.own.length === 0 && isCurrent()) slot.remove()
      return answers
    }),
  )
}

/** Checks a few inputs at a time, and then shows those with the gravest answers first. */
async function checkMany(plan: readonly Task[], list: HTMLElement, isCurrent: () => boolean): Promise<readonly Answers[]> {
  const bar = find('#progress') as HTMLProgressElement
  bar.hidden = false
  list.innerHTML = ''
  let done = 0
  const answers = await inTurns(plan, CHECKED_AT_ONCE, async task => {
    if (!isCurrent()) return undefined
    const each = await task.run({ isStopped: () => !isCurrent(), maxWhole: WHOLE_CARDS })
    bar.value = Math.floor((++done / plan.length) * 100)
    if (done % 50 === 0) tell(say('verify.many', { done, total: plan.length }))
    return each
  })
  bar.hidden = true
  const all = gravestInputsFirst(answers.filter(each => each !== undefined && each.own.length > 0) as Answers[])
  if (!isCurrent()) return all
  shown = undefined
  list.innerHTML = results.render(all).safe
  return all
}

/** Saves what is shown: as a report, or as a table. */
async function keep(as: 'html' | 'csv'): Promise<void> {
  if (shown === undefined) return
  const { addressesAsked, formatCsv, renderReport, reportName } = await parts.keep().catch(error => {
    checking = undefined
    throw error
  })
  const nowMs = Date.now()
  if (as === 'csv') return saveText(reportName(nowMs, as), 'text/csv', formatCsv(say, shown.all, unread))
  const { policy, others } = shown.means
  const own = shown.all.flatMap(answers => answers.own)
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const checkup = {
    all: shown.all,
    unread,
    policy,
    others,
    endpoints: endpoints.map(withoutChain),
    ledgers: addressesAsked(own, { policy, others, ...addressesOf(data) }).map(url => new URL(url, location.href).href),
    nowMs,
    clock: { of: 'device', zone },
  } as const
  saveText(reportName(nowMs, as), 'text/html', renderReport(say, checkup))
}

function meansOf(tools: Checking): Means {
  return createMeans(tools, { data, ownPolicy, others, endpoints })
}

/** The only expected failure is a part of the page that cannot be loaded. */
function failed(error: unknown): void {
  if (checking !== undefined) throw error
  notice(say('verify.notLoaded'))
}

/** Forgets all that was given. */
function forget(): void {
  round++
  files.length = 0
  receipts.length = 0
  unread.length = 0
  opened.clear()
  linked = undefined
  shown = undefined
  ownPolicy = undefined
  offered.drop()
  find('#notices').innerHTML = ''
}

function clear(): void {
  forget()
  find('#results').innerHTML = ''
  find('#results-sum').innerHTML = ''
  find('#results-part').hidden = true
  find('#files').focus()
}
