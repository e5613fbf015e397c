/**
 * Asks a witness for cosignatures: C2SP tlog-witness, "add-checkpoint". A witness is not trusted
 * with anything: its answers are bounded in size and time, and a cosignature is verified before it
 * is returned.
 */
import { createRow } from '../at-once.ts'
import { readBounded } from '../bounded.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import { formatAddCheckpoint, parseSizeAnswer, SIZE_TYPE } from '../core/tlog/add-checkpoint.ts'
import { ED25519_COSIGNATURE, parseNote, parseVkey, type Vkey, verifyCosignatures } from '../core/tlog/note.ts'
import { visible } from '../core/visible.ts'
import type { Host } from '../host.ts'

/** A verified cosignature: its line without the newline, and its time in Unix seconds. */
export type Cosigned = { readonly line: string; readonly time: number }

/** A checkpoint that the log has signed. */
export type SignedCheckpoint = { readonly note: string; readonly size: number }

/** A witness. */
export type WitnessClient = {
  /** The name of its key. */
  readonly name: string
  readonly vkey: string
  /**
   * The witness's cosignature of a checkpoint. `knownSize` is the newest size that it is known to
   * have cosigned, 0 if that is not known. `consistency` proves that the tree of one size continues
   * that of another. Calls wait for each other, in their order.
   * @throws WitnessError, or what `consistency` throws
   */
  cosign(
    checkpoint: SignedCheckpoint,
    knownSize: number,
    consistency: (from: number, to: number) => Promise<readonly Hash[]>,
    signal?: AbortSignal,
  ): Promise<Cosigned>
}

export type WitnessClientOptions = {
  /** The verifier key, of type 0x04. */
  readonly vkey: string
  /** The submission prefix, to which `/add-checkpoint` is added. */
  readonly url: string
  readonly fetch: typeof fetch
  readonly host: Pick<Host, 'nowMs' | 'sleep'>
  /** For one request, from the first byte sent to the last one read. */
  readonly timeoutMs?: number
}

type Answer = { readonly status: number; readonly type: string; readonly text: string }

const TIMEOUT_MS = 20_000
/** An answer is one line in the name of each of the witness's keys. */
const MAX_ANSWER_BYTES = 32 * 1024
/** Other nodes of the same log may ask in between. */
const MAX_REQUESTS = 4
/** How far a witness's clock may be ahead of ours and behind it. */
const AHEAD_SECONDS = 600
const BEHIND_SECONDS = 86_400
const MAX_QUOTED = 200

/**
 * Creates a client of one witness. It sends nothing before the first call.
 * @throws WitnessError WITNESS_KEY, WITNESS_URL
 */
export function createWitnessClient({ vkey, url, fetch, host, timeoutMs = TIMEOUT_MS }: WitnessClientOptions): WitnessClient {
  const key = readKey(vkey)
  const address = readAddress(url)
  const { name } = key
  const oneByOne = createRow(1)

  async function post(body: string, signal: AbortSignal | undefined): Promise<Answer> {
    const headers = { 'content-type': 'text/plain; charset=utf-8' }
    const until = deadline(host, timeoutMs, signal)
    try {
      // A witness does not choose the addresses to which this machine talks.
      const response = await fetch(address, { method: 'POST', headers, body, redirect: 'manual', signal: until.signal })
      const bytes = await readBounded(response.body, MAX_ANSWER_BYTES)
      if (bytes === undefined) throw new WitnessError('WITNESS_ANSWER', `Witness ${name} answers with more than ${MAX_ANSWER_BYTES} bytes.`)
      return { status: response.status, type: typeOf(response), text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) }
    } catch (cause) {
      signal?.throwIfAborted()
      if (cause instanceof WitnessError) throw cause
      throw new WitnessError('WITNESS_UNREACHABLE', `Witness ${name} does not answer: check its address, and ask its operator.`, { cause })
    } finally {
      until.end()
    }
  }

  return {
    name,
    vkey,
    cosign: (checkpoint, knownSize, consistency, signal) =>
      oneByOne(async () => {
        let oldSize = Math.min(knownSize, checkpoint.size)
        for (let left = MAX_REQUESTS; left > 0; left--) {
          signal?.throwIfAborted()
          const proof = oldSize === 0 || oldSize === checkpoint.size ? [] : await consistency(oldSize, checkpoint.size)
          const answer = await post(formatAddCheckpoint({ oldSize, proof, note: checkpoint.note }), signal)
          if (answer.status === 200) return readCosignature(answer.text, checkpoint.note, key, host.nowMs())
          oldSize = readOtherSize(answer, name, oldSize, checkpoint.size)
        }
        throw new WitnessError('WITNESS_ANSWER', `Witness ${name} named another size each time it was asked: ask its operator.`)
      }),
  }
}

/** The size from which to ask again: that of an answer 409. Throws for any other answer. */
function readOtherSize({ status, type, text }: Answer, name: string, oldSize: number, size: number): number {
  if (status !== 409) throw refusal(status, text, name)
  const latest = type === SIZE_TYPE ? parseSizeAnswer(text) : undefined
  if (latest === undefined || latest === oldSize)
    throw new WitnessError('WITNESS_ANSWER', `Witness ${name} answers 409 without another size: ask its operator.`, said(text))
  if (latest > size)
    throw new WitnessError(
      'WITNESS_AHEAD',
      `Witness ${name} has cosigned ${latest} entries of this log already, more than the ${size} of this checkpoint. ` +
        'Ask it for that checkpoint. If your key signed it, another copy of this log is running: stop both and compare them. If not, the witness is wrong.',
      { size: latest },
    )
  return latest
}

function refusal(status: number, text: string, name: string): WitnessError {
  if (status === 404)
    return new WitnessError(
      'WITNESS_UNKNOWN_LOG',
      `Witness ${name} does not know this log, or its address is wrong: send its operator the policy of this ledger.`,
      said(text),
    )
  if (status === 403)
    return new WitnessError(
      'WITNESS_REFUSED',
      `Witness ${name} does not accept this log or its key, or has seen a contradiction on the chain: ask its operator for the reason.`,
      said(text),
    )
  if (status === 422)
    return new WitnessError(
      'WITNESS_CONTRADICTED',
      `Witness ${name} has cosigned another history of this log: compare its newest checkpoint with this store before anything else.`,
      said(text),
    )
  if (status === 429 || status >= 500)
    // Some witnesses answer so for a log that they do not know.
    return new WitnessError(
      'WITNESS_UNREACHABLE',
      `Witness ${name} answers with status ${status}: ask its operator whether it works, and knows this log.`,
      said(text),
    )
  if (status >= 300 && status < 400)
    return new WitnessError('WITNESS_ANSWER', `Witness ${name} leads to another address: ask its operator for the right one.`)
  if (status >= 400)
    return new WitnessError('WITNESS_REFUSED', `Witness ${name} refuses the request with status ${status}: ask its operator.`, said(text))
  return new WitnessError('WITNESS_ANSWER', `Witness ${name} answers with status ${status}, which no witness does: check its address.`)
}

/** The cosignature in an answer 200. Lines in the names of other keys are not believed. */
function readCosignature(text: string, note: string, key: Vkey, nowMs: number): Cosigned {
  const fail = (why: string, cause?: unknown) =>
    new WitnessError('WITNESS_ANSWER', `The answer of witness ${key.name} ${why}: check its address and its key.`, { cause })
  try {
    const { text: checkpoint } = parseNote(note)
    const answered = parseNote(`${checkpoint}\n${text}`)
    const at = answered.signatures.findIndex(({ name, id }) => name === key.name && id === key.id)
    // The text must end where the checkpoint ends. An answer with an empty line would move it.
    if (answered.text !== checkpoint || at < 0) throw fail('has no cosignature by its key')
    const line = text.split('\n')[at]!
    const [cosignature] = verifyCosignatures(`${checkpoint}\n${line}\n`, [key])
    const time = cosignature!.timeSeconds
    const aheadSeconds = time - nowMs / 1000
    if (aheadSeconds > AHEAD_SECONDS || aheadSeconds < -BEHIND_SECONDS)
      throw new WitnessError(
        'WITNESS_TIME',
        `Witness ${key.name} dates its cosignature ${time}, far from the time of this machine: check both clocks.`,
      )
    return { line, time }
  } catch (cause) {
    throw cause instanceof WitnessError ? cause : fail('has no valid cosignature', cause)
  }
}

/** Aborts after a time, or with the signal. Must be ended. */
function deadline(
  { sleep }: Pick<Host, 'sleep'>,
  ms: number,
  signal: AbortSignal | undefined,
): { readonly signal: AbortSignal; end(): void } {
  const late = new AbortController()
  const done = new AbortController()
  sleep(ms, done.signal).then(
    () => late.abort(new Error(`no whole answer within ${ms} ms`)),
    () => {},
  )
  return { signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]), end: () => done.abort() }
}

function typeOf({ headers }: Response): string {
  return (headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
}

/** The witness's own words, for the log alone. */
function said(text: string): ErrorOptions {
  return text === '' ? {} : { cause: new Error(visible(text.slice(0, MAX_QUOTED))) }
}

function readKey(text: string): Vkey {
  try {
    const key = parseVkey(text)
    if (key.type === ED25519_COSIGNATURE) return key
  } catch (cause) {
    throw notAKey(text, cause)
  }
  throw notAKey(text)
}

function notAKey(text: string, cause?: unknown): WitnessError {
  const quoted = JSON.stringify(text.slice(0, MAX_QUOTED))
  return new WitnessError('WITNESS_KEY', `${quoted} is not the key of a witness (Ed25519, type 0x04): ask its operator.`, { cause })
}

function readAddress(text: string): string {
  const url = URL.parse(text)
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === ''
  if (!isPlain)
    throw new WitnessError(
      'WITNESS_URL',
      'The address of a witness begins with https:// or http://, and has no user name, no "?" and no "#": correct it.',
    )
  return `${url.href.replace(/\/+$/, '')}/add-checkpoint`
}

/**
 * Why there is no cosignature. WITNESS_KEY and WITNESS_URL: wrong settings. WITNESS_UNREACHABLE: no
 * answer, try later. WITNESS_UNKNOWN_LOG, WITNESS_REFUSED: the witness's operator has to act.
 * WITNESS_CONTRADICTED: it has seen another history. WITNESS_AHEAD: it has cosigned `size` entries,
 * more than this checkpoint has. WITNESS_ANSWER, WITNESS_TIME: the answer cannot be used.
 */
export class WitnessError extends OpenSealError {
  /** The size of WITNESS_AHEAD. */
  readonly size: number | undefined

  constructor(code: string, message: string, { size, cause }: { readonly size?: number; readonly cause?: unknown } = {}) {
    super(code, message, { cause })
    this.size = size
  }
}
