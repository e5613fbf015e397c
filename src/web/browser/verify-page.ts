/** The verify page, served and offline: takes files, shows verdicts. Nothing is uploaded. */

import { OpenSealError } from '../../core/errors.ts'
import { html } from '../../html.ts'
import { createSay, isolate, type Say } from '../../messages/say.ts'
import { sayBadPolicy, sayNotPasted } from '../../messages/verdict.ts'
import type { GivenFile, GivenPolicy, GivenReceipt, Means, ReadFile } from '../../verifier/index.ts'
import { renderPolicy, renderRunning, renderSum } from '../result.ts'
import { renderVerifyTool } from '../verify-tool.ts'
import { find } from './find.ts'
import { PAGE_DATA_ID, type PageData } from './page-data.ts'
import { showTask } from './show-task.ts'

/** The code that checks. A served page can also ask its ledger. */
type Checking = typeof import('./checking.ts') & Partial<Pick<typeof import('./served-checking.ts'), 'openLedger' | 'openZip'>>

/**
 * The parts that only a served or only an offline page has, so that neither contains the other's.
 */
export type Parts = {
  load(): Promise<Checking>
  /** Does what a served page gets from its server. */
  readonly frame?: typeof import('./offline-frame.ts')
}

type Languages = PageData['languages']

/** For one question to a ledger or a chain. */
const TIMEOUT_MS = 15_000
/** For everything that one round of checks asks. */
const DEADLINE_MS = 600_000

const data = JSON.parse(find(`#${PAGE_DATA_ID}`).textContent ?? '{}') as PageData
let parts: Parts
let checking: Checking | undefined
let say: Say
const files: GivenFile[] = []
const receipts: GivenReceipt[] = []
/** The policy that the reader chose instead of the page's own. */
let ownPolicy: GivenPolicy | undefined
/** A dropped policy. It is not used before the reader agrees. */
let offered: GivenPolicy | undefined
let endpoints: readonly string[] = data.endpoints
let round = 0
let queue: Promise<void> = Promise.resolve()
let waiting = 0

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
    take([...(event.dataTransfer?.files ?? [])])
  })
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
  input.addEventListener('change', () => {
    take([...(input.files ?? [])])
    input.value = ''
  })
  find('#clear').addEventListener('click', clear)
  find('#policy-use').addEventListener('click', useOffered)
  find('#policy-leave').addEventListener('click', () => {
    offer(undefined)
    find('#files').focus()
  })
  offer(offered)
  find('#paste-form').addEventListener('submit', event => {
    event.preventDefault()
    takePasted(find('#paste') as HTMLTextAreaElement)
  })
  find('#endpoints-form').addEventListener('submit', event => {
    event.preventDefault()
    useEndpoints((find('#endpoints') as HTMLTextAreaElement).value)
  })
}

function take(given: readonly File[]): void {
  if (given.length === 0) return
  inTurn(async () => {
    for (const file of given) await takeOne(await ready(), file)
    await show()
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

async function takeOne(tools: Checking, file: File): Promise<void> {
  const bar = find('#progress') as HTMLProgressElement
  bar.hidden = false
  let last = -1
  try {
    const read = await tools.readBlob(file.name, file, part => {
      const percent = Math.floor(part * 100)
      if (percent === last) return
      last = percent
      bar.value = percent
      if (percent % 10 === 0) tell(say('verify.hashing', { name: file.name, percent }))
    })
    await sort(tools, file.name, read)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    notice(`${isolate(file.name)}: ${say('verify.unreadable')}`)
  } finally {
    bar.hidden = true
  }
}

async function sort(tools: Checking, name: string, read: ReadFile): Promise<void> {
  // The offline verifier does not contain the archive reader, and says what to do with an archive.
  const given = tools.openZip ? await tools.recognizeZipped(name, read, tools.openZip) : tools.recognize(name, read)
  if (given.kind === 'receipts') receipts.push(...given.receipts)
  else if (given.kind === 'policy') offerPolicy(tools, name, given.text)
  else files.push(given.file)
}

/**
 * Asks whether to use a policy: it may come from the sender of the files, and it decides what is
 * green.
 */
function offerPolicy({ readPolicy }: Checking, name: string, text: string): void {
  try {
    offer(readPolicy(name, text))
    tell(say('verify.policyAsk', { name: isolate(name) }))
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    notice(sayBadPolicy(say, name, error.code))
  }
}

function offer(given: GivenPolicy | undefined): void {
  offered = given
  find('#policy-part').hidden = given === undefined
  find('#policy-text').innerHTML = given === undefined ? '' : renderPolicy(say, given).safe
}

function useOffered(): void {
  if (offered === undefined) return
  ownPolicy = offered
  offer(undefined)
  notice(say('verify.policyUsed', { name: isolate(ownPolicy.source.name) }))
  inTurn(show)
}

function useEndpoints(text: string): void {
  const lines = text.split(/\s+/).filter(line => line !== '')
  const bad = lines.find(line => !URL.canParse(line) || !/^https?:$/.test(new URL(line).protocol))
  const status = find('#endpoints-status')
  status.textContent = bad === undefined ? say('verify.endpointsSaved', { count: lines.length }) : say('verify.endpointBad', { url: bad })
  if (bad !== undefined) return
  endpoints = lines
  inTurn(show)
}

/** The code that checks, loaded if necessary. */
async function ready(): Promise<Checking> {
  checking ??= await parts.load()
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
  const plan = tools.planChecks(files, receipts, createMeans(tools))
  list.innerHTML = html`${plan.map(({ name }) => html`<div class="slot">${renderRunning(say, name)}</div>`)}`.safe
  find('#results-part').hidden = plan.length === 0
  find('#results-sum').innerHTML = ''
  const setting = { say, pages: data.ledger, isCurrent }
  const all = await Promise.all(plan.map((task, at) => showTask(task, list.children[at] as HTMLElement, setting)))
  if (!isCurrent() || plan.length === 0) return
  find('#results-sum').innerHTML = renderSum(say, all).safe
  tell(
    `${say('verify.done', { count: plan.length })} ${[...list.querySelectorAll('.sentence')]
      .map(node => node.textContent)
      .slice(0, 3)
      .join(' ')}`,
  )
  list.dataset.done = String(mine)
  // Brings the answer into view and moves the focus there.
  find('#results-heading').focus({ preventScroll: true })
  find('#results-heading').scrollIntoView({ block: 'start' })
}

function createMeans({ createJsonRpcReader, fetchUntil, openLedger, parsePolicy }: Checking): Means {
  const { ledger } = data
  const signal = AbortSignal.timeout(DEADLINE_MS)
  // Called through a function, because a browser's fetch must not be called as a method of another
  // object.
  const ask = fetchUntil(signal, (...request) => fetch(...request))
  const policy = ownPolicy?.policy ?? parsePolicy(data.policy)
  const policySource = ownPolicy?.source ?? (ledger === undefined ? ({ kind: 'saved' } as const) : undefined)
  return {
    policy,
    policySource,
    trust: policySource === undefined ? 'ledger' : 'policy',
    signal,
    chain: endpoints.map(url => createJsonRpcReader({ url, fetch: ask, timeoutMs: TIMEOUT_MS })),
    ledger: ledger && openLedger?.({ url: ledger.url, origin: policy.origin, fetch: ask, timeoutMs: TIMEOUT_MS, signal }),
  }
}

/** The only expected failure is a part of the page that cannot be loaded. */
function failed(error: unknown): void {
  if (checking !== undefined) throw error
  notice(say('verify.notLoaded'))
}

function clear(): void {
  round++
  files.length = 0
  receipts.length = 0
  ownPolicy = undefined
  offer(undefined)
  find('#results').innerHTML = ''
  find('#results-sum').innerHTML = ''
  find('#notices').innerHTML = ''
  find('#results-part').hidden = true
  find('#files').focus()
}

function notice(text: string): void {
  find('#notices').insertAdjacentHTML('beforeend', html`<p>${text}</p>`.safe)
  tell(text)
}

function tell(text: string): void {
  find('#status').textContent = text
}
