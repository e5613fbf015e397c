/**
 * The questions that a form's check may ask of the service: a bounded number of reads of the
 * ledger and of the chain, a few at a time, as messages.
 */
import { OpenSealError } from '../core/errors.ts'
import type { ChainReader } from '../verifier/index.ts'
import type { SiteLedger } from './deps.ts'

/**
 * The reads of the ledger that a check may make. Every answer is a message, so every function
 * returns a promise.
 */
export type CheckLedger = {
  readonly [Read in (typeof LEDGER_READS)[number]]: (
    ...args: Parameters<SiteLedger[Read]>
  ) => Promise<Awaited<ReturnType<SiteLedger[Read]>>>
}

const LEDGER_READS = ['head', 'statement', 'receipt', 'findByDigest', 'listByDigest', 'listByRecord', 'erasureStates'] as const

/**
 * The addressee of a question: the ledger, or an endpoint of the chain by its position in the list.
 */
type Asked = 'ledger' | number

type Question = { readonly id: number; readonly asked: Asked; readonly method: string; readonly args: readonly unknown[] }
type Reply = { readonly id: number; readonly value?: unknown; readonly error?: { readonly code: string; readonly message: string } }

/** The facts that the other side needs of an endpoint: its name, its chain, and its functions. */
export type EndpointShape = { readonly name: string | undefined; readonly serves: number | undefined; readonly methods: readonly string[] }

/** How many questions one form may ask. */
export type QuestionLimits = { readonly ledger: number; readonly perEndpoint: number }

/** The most questions of one form at once: the service answers them between its other work. */
const AT_ONCE = 8

/** The names of each endpoint's functions. */
export function shapesOf(chain: readonly ChainReader[]): EndpointShape[] {
  return chain.map(reader => ({
    name: reader.name,
    serves: reader.serves,
    methods: Object.entries(reader).flatMap(([method, value]) => (typeof value === 'function' ? [method] : [])),
  }))
}

/**
 * The service's side: answers the questions of one form, up to its limit. Rejects for unexpected
 * failures; expected ones go back to the process.
 */
export function createAnswerer(ledger: SiteLedger, chain: readonly ChainReader[], limits: QuestionLimits) {
  const asked = { ledger: 0, endpoints: chain.map(() => 0) }
  const mayAsk = (whom: Asked): boolean => {
    if (whom === 'ledger') return ++asked.ledger <= limits.ledger
    asked.endpoints[whom] = (asked.endpoints[whom] ?? 0) + 1
    return asked.endpoints[whom] <= limits.perEndpoint
  }
  return async ({ id, asked: whom, method, args }: Question): Promise<Reply> => {
    if (!mayAsk(whom)) return { id, error: { code: 'CHECK_QUESTIONS', message: 'this form has asked too many questions' } }
    try {
      const answer = whom === 'ledger' ? askLedger(ledger, method, args) : askEndpoint(chain[whom], method, args)
      return { id, value: await answer }
    } catch (error) {
      if (!(error instanceof OpenSealError)) throw error
      return { id, error: { code: error.code, message: error.message } }
    }
  }
}

function askLedger(ledger: SiteLedger, method: string, args: readonly unknown[]): unknown {
  const read = LEDGER_READS.find(name => name === method)
  if (read === undefined) throw new Error(`bug: the ledger is not asked for ${method}`)
  return (ledger[read] as (...args: readonly unknown[]) => unknown)(...args)
}

function askEndpoint(reader: ChainReader | undefined, method: string, args: readonly unknown[]): unknown {
  const known = Object.entries(reader ?? {}).find(([name, value]) => name === method && typeof value === 'function')
  if (known === undefined) throw new Error(`bug: an endpoint is not asked for ${method}`)
  return (known[1] as (...args: readonly unknown[]) => unknown)(...args)
}

/**
 * The process's side: the ledger and the chain as a check reads them, and the function that takes
 * the replies.
 */
export function createAsker(send: (question: Question) => void, shapes: readonly EndpointShape[]) {
  const open = new Map<number, (reply: Reply) => void>()
  const waiting: Question[] = []
  let ids = 0

  const sendNext = () => {
    const next = open.size - waiting.length < AT_ONCE ? waiting.shift() : undefined
    if (next !== undefined) send(next)
  }
  const ask = (asked: Asked, method: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++ids
      open.set(id, ({ value, error }) => (error === undefined ? resolve(value) : reject(new OpenSealError(error.code, error.message))))
      waiting.push({ id, asked, method, args })
      sendNext()
    })
  const askerOf = (asked: Asked, methods: readonly string[]) =>
    Object.fromEntries(methods.map(method => [method, (...args: readonly unknown[]) => ask(asked, method, args)]))

  return {
    ledger: askerOf('ledger', LEDGER_READS) as unknown as CheckLedger,
    chain: shapes.map(
      ({ name, serves, methods }, at) =>
        ({ ...askerOf(at, methods), serves, ...(name !== undefined && { name }) }) as unknown as ChainReader,
    ),
    take(reply: Reply) {
      const settle = open.get(reply.id)
      open.delete(reply.id)
      settle?.(reply)
      sendNext()
    },
  }
}

export type { Question, Reply }
