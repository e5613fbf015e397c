/**
 * Clients that submit a known list of records in bulk to several addresses, and send again whatever
 * got no answer, until each record is acknowledged.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { STATEMENT, type Statement } from '../../src/core/statements/statement.ts'

/** What all clients together have seen. */
export type Seen = {
  /** The index of each record, by its number; -1 before it was acknowledged. */
  readonly indexes: Int32Array
  /** How many records were sent again because an answer was missing or refused them. */
  resent: number
  /** Acknowledgements that contradict an earlier one. There must be none. */
  readonly contradictions: string[]
}

const LINES = 500
const ANSWER_MS = 10_000
const AGAIN_MS = 200
export const AGENCY = 'transport.gov.example'

/** The contents of the file that record `n` is about. */
export function fileOf(n: number): string {
  return `The file of record ${n}.\n`
}

/** The statement of that file. */
export function statementOf(n: number): Statement {
  const contents = fileOf(n)
  const sha256 = createHash('sha256').update(contents).digest('hex')
  return {
    ...{ type: STATEMENT, agency: AGENCY, kind: 'decision', action: 'publish', record: `drill-${n}` },
    ...{ published: '2026-01-01T00:00:00Z', title: `Decision ${n} of the drill` },
    documents: [{ name: `record-${n}.txt`, mediaType: 'text/plain', bytes: contents.length, sha256 }],
  }
}

/** Creates a `Seen` for this many records. */
export function createSeen(records: number): Seen {
  return { indexes: new Int32Array(records).fill(-1), resent: 0, contradictions: [] }
}

/**
 * Submits the records from `from` up to, and without, `to`. One client begins at each address, and
 * goes on to the next address when one does not answer. Resolves when all are acknowledged.
 */
export async function submitAll(seen: Seen, urls: readonly string[], key: string, from: number, to: number): Promise<void> {
  let next = from
  const client = async (_: unknown, at: number) => {
    let turn = at
    while (next < to) {
      const first = next
      next = Math.min(to, first + LINES)
      let left = Array.from({ length: next - first }, (_, i) => first + i)
      for (;;) {
        const answered = await submit(seen, urls[turn % urls.length]!, key, left)
        left = left.filter(n => !answered.has(n))
        if (left.length === 0) break
        seen.resent += left.length
        turn++
        await sleep(AGAIN_MS)
      }
    }
  }
  await Promise.all(urls.map(client))
}

/** Sends these records once. Returns those that were acknowledged. */
async function submit(seen: Seen, url: string, key: string, records: readonly number[]): Promise<Set<number>> {
  const answered = new Set<number>()
  for await (const line of answersOf(`${url}/v1/records`, key, records.map(n => JSON.stringify(statementOf(n))).join('\n'))) {
    const { line: at, status, index } = JSON.parse(line) as { line?: number; status?: number; index?: number }
    if (at === undefined || index === undefined || (status !== 200 && status !== 201)) continue
    const n = records[at - 1]!
    note(seen, n, index)
    answered.add(n)
  }
  return answered
}

function note({ indexes, contradictions }: Seen, n: number, index: number): void {
  const before = indexes[n]!
  if (before !== -1 && before !== index) contradictions.push(`record ${n} has index ${before}, and index ${index}`)
  indexes[n] = index
}

/** The whole lines of the answer, up to where the connection was lost. */
async function* answersOf(url: string, key: string, body: string): AsyncGenerator<string> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' }
  let held = ''
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) })
    if (answer.status !== 200 || answer.body === null) return
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (held + text).split('\n')
      held = lines.pop()!
      yield* lines.filter(line => line !== '')
    }
  } catch (error) {
    // A bug of this client must not look like a node that is gone.
    if (error instanceof SyntaxError) throw error
  }
}
