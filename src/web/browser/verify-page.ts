/** The verify page and the offline verifier: takes files, shows verdicts. Nothing is uploaded. */
import { fromBase64 } from '../../core/bytes.ts'
import { createSay, type Say } from '../../messages/say.ts'
import { createJsonRpcReader, OpenSealError, type Policy, parsePolicy } from '../../verifier/index.ts'
import { type Html, html } from '../html.ts'
import { icon } from '../icons.ts'
import { type Finding, renderFinding, renderRunning, VERDICT_LOOKS } from '../result.ts'
import { type GivenReceipt, recognize } from '../subjects.ts'
import { renderVerifyTool } from '../verify-tool.ts'
import { createLedgerReader } from './ask-ledger.ts'
import { type Answer, type Answers, type GivenFile, MAX_RELEASES, type Means, planChecks } from './check-files.ts'
import { readFile } from './hash-file.ts'
import { PAGE_DATA_ID, type PageData } from './page-data.ts'

const RPC_TIMEOUT_MS = 15_000

const data = JSON.parse(find(`#${PAGE_DATA_ID}`).textContent ?? '{}') as PageData
let say: Say
const files: GivenFile[] = []
const receipts: GivenReceipt[] = []
let policy: Policy = parsePolicy(data.policy)
let trust: Means['trust'] = data.ledger ? 'ledger' : 'policy'
let endpoints: readonly string[] = data.endpoints
let round = 0
let queue: Promise<void> = Promise.resolve()

void start()

async function start(): Promise<void> {
  say = chooseSay(data.lang, data.packed === undefined ? data.languages : await unpack(data.packed))
  if (data.ledger === undefined) {
    document.documentElement.lang = say.lang
    document.documentElement.dir = say.dir
    document.title = say('verify.offlineTitle')
    find('#offline-title').textContent = say('verify.offlineTitle')
    find('#offline-ledger').textContent = say('verify.offlineLedger', { origin: policy.origin })
    find('#offline-limits').textContent = say('limits.sentence')
  }
  // Whoever runs scripts needs the form that sends the file last of all.
  document.querySelector('details.server')?.removeAttribute('open')
  const tool = find('#tool')
  tool.innerHTML = renderVerifyTool(say, { online: data.ledger !== undefined, endpoints }).safe
  const drop = find('#drop')
  const input = find('#files') as HTMLInputElement
  input.addEventListener('change', () => {
    take([...(input.files ?? [])])
    input.value = ''
  })
  for (const type of ['dragenter', 'dragover']) {
    document.addEventListener(type, event => {
      event.preventDefault()
      drop.classList.add('over')
    })
  }
  document.addEventListener('dragleave', () => drop.classList.remove('over'))
  document.addEventListener('drop', event => {
    event.preventDefault()
    drop.classList.remove('over')
    take([...(event.dataTransfer?.files ?? [])])
  })
  find('#clear').addEventListener('click', clear)
  find('#endpoints-form').addEventListener('submit', event => {
    event.preventDefault()
    useEndpoints((find('#endpoints') as HTMLTextAreaElement).value)
  })
}

function take(given: readonly File[]): void {
  if (given.length === 0) return
  queue = queue.then(async () => {
    for (const file of given) await takeOne(file)
    await show()
  })
}

async function takeOne(file: File): Promise<void> {
  const bar = find('#progress') as HTMLProgressElement
  bar.hidden = false
  let last = -1
  try {
    const read = await readFile(file, part => {
      const percent = Math.floor(part * 100)
      if (percent === last) return
      last = percent
      bar.value = percent
      if (percent % 10 === 0) tell(say('verify.hashing', { name: file.name, percent }))
    })
    sort(file.name, read)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    notice(`${file.name}: ${say('verify.unreadable')}`)
  } finally {
    bar.hidden = true
  }
}

function sort(name: string, read: Awaited<ReturnType<typeof readFile>>): void {
  // A damaged receipt may not look like JSON any more: its name still tells what it is.
  const damaged = read.bytes === undefined && /\.receipt\.json$/i.test(name)
  if (damaged) receipts.push({ name, text: '', digests: [] })
  if (damaged) return
  const given = read.bytes === undefined ? undefined : recognize(name, read.bytes)
  if (given?.kind === 'receipts') receipts.push(...given.receipts)
  else if (given?.kind === 'policy') usePolicy(name, given.bytes)
  else files.push({ name, read, releases: given?.releases ?? [] })
}

function usePolicy(name: string, bytes: Uint8Array): void {
  try {
    policy = parsePolicy(bytes)
    trust = 'policy'
    notice(say('verify.policyUsed', { name }))
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    notice(`${name}: ${say('verify.badPolicy')}`)
  }
}

function useEndpoints(text: string): void {
  const lines = text.split(/\s+/).filter(line => line !== '')
  const bad = lines.find(line => !URL.canParse(line) || !/^https?:$/.test(new URL(line).protocol))
  const status = find('#endpoints-status')
  status.textContent = bad === undefined ? say('verify.endpointsSaved', { count: lines.length }) : say('verify.endpointBad', { url: bad })
  if (bad !== undefined) return
  endpoints = lines
  queue = queue.then(show)
}

/** Checks everything that was given, anew: another file may be what a receipt waited for. */
async function show(): Promise<void> {
  const mine = ++round
  const list = find('#results')
  const { ledger } = data
  const means: Means = {
    say,
    policy,
    trust,
    chain: endpoints.map(url => createJsonRpcReader({ url, fetch: (...request) => fetch(...request), timeoutMs: RPC_TIMEOUT_MS })),
    ledger: ledger && createLedgerReader(ledger.url),
    ...(ledger && { recordHref: (index: number) => `${ledger.base}/records/${index}` }),
  }
  const plan = planChecks(files, receipts, means)
  list.innerHTML = html`${plan.map(({ name }) => html`<div class="slot">${renderRunning(say, name)}</div>`)}`.safe
  find('#results-part').hidden = plan.length === 0
  await Promise.all(
    plan.map(async ({ run }, at) => {
      const answers = await run()
      const slot = list.children[at]
      if (mine === round && slot) slot.innerHTML = renderAnswers(answers).safe
    }),
  )
  if (mine !== round || plan.length === 0) return
  tell(
    `${say('verify.done', { count: plan.length })} ${[...list.querySelectorAll('.sentence')]
      .map(node => node.textContent)
      .slice(0, 3)
      .join(' ')}`,
  )
  list.dataset.done = String(mine)
  // The answer comes into view and under the keyboard, wherever the reader was.
  find('#results-heading').focus({ preventScroll: true })
  find('#results-heading').scrollIntoView({ block: 'start' })
}

function renderAnswers({ own, releases }: Answers): Html {
  return html`${own.map(answer => renderAnswer(answer))}${
    releases.length > 0 &&
    html`<section class="releases"><h3>${say('result.releases')}</h3>${releases.map(renderRelease)}
${releases.length === MAX_RELEASES && html`<p>${say('verify.tooManyReleases', { count: MAX_RELEASES })}</p>`}</section>`
  }`
}

function renderAnswer(answer: Answer, level: 2 | 3 = 2): Html {
  if ('finding' in answer) return renderFinding(say, answer.finding, level)
  return html`<article class="card calm" data-verdict="none" aria-label="${answer.name}"><header>${icon('question')}<div><p class="sentence">${answer.message}</p></div></header><div class="body"><p><bdi><b>${answer.name}</b></bdi></p></div></article>`
}

function renderRelease(answer: Answer): Html {
  if (!('finding' in answer)) return renderAnswer(answer, 3)
  const { finding } = answer
  const [, drawing] = VERDICT_LOOKS[finding.result.verdict]
  return html`<details class="release" data-release-verdict="${finding.result.verdict}"><summary>${icon(drawing)} ${releaseName(finding)}: ${say(`mark.${finding.result.verdict}`)}</summary>${renderAnswer(answer, 3)}</details>`
}

function releaseName({ release }: Finding): string {
  return say('result.release', { id: release ?? '' })
}

function clear(): void {
  round++
  files.length = 0
  receipts.length = 0
  find('#results').innerHTML = ''
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

function find(selector: string): HTMLElement {
  const node = document.querySelector<HTMLElement>(selector)
  if (node === null) throw new Error(`bug: the page has no ${selector}`)
  return node
}

function chooseSay(lang: string | undefined, languages: PageData['languages']): Say {
  const wishes = lang === undefined ? navigator.languages.map(tag => tag.slice(0, 2)) : [lang]
  const chosen = wishes.find(tag => languages[tag] !== undefined) ?? 'en'
  return createSay(chosen, languages[chosen] ?? {})
}

async function unpack(packed: string): Promise<PageData['languages']> {
  const bytes = fromBase64(packed)
  return new Response(new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip'))).json()
}
