/**
 * Submitters that remember every answer, so that the crash tests can compare the ledger with its
 * promises.
 */
import { createHash } from 'node:crypto'
import { OPERATOR_KEY } from './service.ts'

const AGENCY = 'transport.gov.example'

/** One statement, which follows from its number: there are millions of them. */
export type Sent = { readonly number: number; readonly record: string; readonly content: string; readonly title: string }

export type Load = {
  /** How many statements were ever sent: those of the numbers from 1 on. */
  sent(): number
  statement(number: number): Sent
  /** The index that it was acknowledged with. */
  indexOf(number: number): number | undefined
  /** Answers that contradict an earlier one. None, if the ledger keeps its promises. */
  readonly contradictions: string[]
  /** How many acknowledgements there were, repeats included. */
  acknowledgements(): number
  /**
   * Registers the agency and gets a key, if there is none yet; false if the service ended
   * meanwhile.
   */
  register(url: string): Promise<boolean>
  /**
   * Submits until `until` resolves: lone records and streams side by side, the unanswered of
   * earlier lives first.
   */
  run(url: string, until: Promise<unknown>): Promise<void>
  /**
   * Submits a fixed number of records a second in streams, unanswered ones first, to the current
   * `url`, until `until` resolves. Records that the service is too slow to accept are left for
   * later, without catching up.
   */
  runPaced(url: () => string | undefined, perSecond: number, until: Promise<unknown>): Promise<void>
  /** Sends again what was never answered, and some of what was; returns how many answers came. */
  sendAgain(url: string): Promise<number>
}

const STREAM_LINES = 20
const LONE = 3
const TICK_MS = 50
const STREAMS_AT_ONCE = 20
const AGAIN_AT_ONCE = 5000

/** Submitters. `titleBytes` makes statements large. */
export function createLoad(titleBytes = 20): Load {
  /** By number. */
  const indexes: (number | undefined)[] = [undefined]
  const contradictions: string[] = []
  let key: string | undefined
  let acknowledgements = 0

  const statement = (number: number): Sent => {
    const record = `r${number}`
    const title = sha256Hex(record)
      .repeat(Math.ceil(titleBytes / 64))
      .slice(0, titleBytes)
    return { number, record, content: `content of ${record}`, title }
  }
  const next = (): Sent => statement(indexes.push(undefined) - 1)
  const unanswered = () => indexes.flatMap((index, number) => (number > 0 && index === undefined ? [number] : []))

  const note = ({ number, record }: Sent, status: number, index: number | undefined) => {
    if ((status !== 200 && status !== 201) || index === undefined) return
    acknowledgements++
    const before = indexes[number]
    indexes[number] = index
    if (before !== undefined && before !== index) contradictions.push(`${record} was acknowledged at ${before} and at ${index}`)
    else if (before !== undefined && status === 201) contradictions.push(`${record} was acknowledged at ${index}, and later as new`)
  }

  const ask = async (url: string, path: string, bearer: string, type: string, body: string) => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': type }
    return fetch(url + path, { method: 'POST', headers, body, signal: AbortSignal.timeout(60_000) })
  }

  async function submitOne(url: string, one: Sent): Promise<void> {
    const response = await ask(url, '/v1/records', key!, 'application/json', JSON.stringify(statementOf(one)))
    const { index } = (await response.json()) as { index?: number }
    note(one, response.status, index)
  }

  async function submitStream(url: string, many: readonly Sent[]): Promise<void> {
    const body = many.map(one => `${JSON.stringify(statementOf(one))}\n`).join('')
    const response = await ask(url, '/v1/records', key!, 'application/x-ndjson', body)
    let text = ''
    const decoder = new TextDecoder()
    // Line by line: an answer that was read counts, even if the rest is lost.
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      const lines = text.split('\n')
      text = lines.pop()!
      for (const line of lines.filter(found => found !== '')) {
        const answer = JSON.parse(line)
        if (answer.line !== undefined) note(many[answer.line - 1]!, answer.status, answer.index)
      }
    }
  }

  return {
    sent: () => indexes.length - 1,
    statement,
    indexOf: number => indexes[number],
    contradictions,
    acknowledgements: () => acknowledgements,
    async register(url) {
      if (key !== undefined) return true
      try {
        await ask(url, '/v1/agencies', OPERATOR_KEY, 'application/json', JSON.stringify({ id: AGENCY, name: 'Ministry of Transport' }))
        const response = await ask(url, `/v1/agencies/${AGENCY}/keys`, OPERATOR_KEY, 'application/json', '{}')
        key = ((await response.json()) as { key?: string }).key
      } catch {
        return false
      }
      return key !== undefined
    },
    async run(url, until) {
      let isOver = false
      until.then(() => {
        isOver = true
      })
      const repeat = async (act: () => Promise<void>) => {
        while (!isOver) await act().catch(() => new Promise(resolve => setTimeout(resolve, 20)))
      }
      const lone = Array.from({ length: LONE }, () => repeat(() => submitOne(url, next())))
      const stream = repeat(() => submitStream(url, Array.from({ length: STREAM_LINES }, next)))
      await Promise.all([...lone, stream])
    },
    async runPaced(url, perSecond, until) {
      let isOver = false
      until.then(() => {
        isOver = true
      })
      const waiting: Sent[] = []
      let underWay = 0
      while (!isOver) {
        const to = url()
        if (to !== undefined && underWay < STREAMS_AT_ONCE) {
          const wanted = Math.round((perSecond * TICK_MS) / 1000)
          const batch = waiting.splice(0, wanted)
          while (batch.length < wanted) batch.push(next())
          underWay++
          submitStream(to, batch)
            .catch(() => {})
            .finally(() => {
              underWay--
              waiting.push(...batch.filter(({ number }) => indexes[number] === undefined))
            })
        }
        await new Promise(resolve => setTimeout(resolve, TICK_MS))
      }
      while (underWay > 0) await new Promise(resolve => setTimeout(resolve, TICK_MS))
    },
    async sendAgain(url) {
      const latest = Array.from({ length: Math.min(50, indexes.length - 1) }, (_, i) => indexes.length - 1 - i)
      const again = [...new Set([...unanswered(), ...latest])].map(statement)
      const before = acknowledgements
      for (let from = 0; from < again.length; from += AGAIN_AT_ONCE) await submitStream(url, again.slice(from, from + AGAIN_AT_ONCE))
      return acknowledgements - before
    },
  }
}

/** The content of a record, the same every time. */
export function statementOf({ record, content, title }: Sent) {
  const documents = [{ name: 'decision.txt', mediaType: 'text/plain', bytes: content.length, sha256: sha256Hex(content) }]
  const subject = { agency: AGENCY, kind: 'decision', action: 'publish', record, title }
  return { type: 'openseal/statement@v1', ...subject, published: '2026-01-30T12:00:00Z', documents }
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
