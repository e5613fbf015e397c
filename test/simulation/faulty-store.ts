/**
 * The shared store as one node reaches it: every call takes effect at one event and is answered at
 * another, and between the two anything may happen.
 */
import { StoreError } from '../../src/store/port/errors.ts'
import type { BegunCommit, Questions } from '../../src/store/port/log.ts'
import type { SharedStore } from '../../src/store/port/port.ts'
import type { Replicated } from '../store/replicated.ts'
import type { HeadLock, Transaction } from './head-lock.ts'
import type { Random } from './random.ts'
import type { Options } from './swarm.ts'

/** A node as the parts of its world see it. */
export type NodeLine = {
  readonly name: string
  /** Plans an event of this node, which never happens once the node has crashed. */
  after(ms: number, label: string, act: () => unknown): void
}

/** The servers of the store, which all nodes share. */
export type StoreServers = {
  readonly replicated: Replicated
  readonly lock: HeadLock
  /** Counts fail-overs: what was begun before one is not answered after it. */
  epoch: number
}

type Deps = {
  readonly servers: StoreServers
  readonly node: NodeLine
  readonly random: Random
  readonly options: Options
  /** Whether faults happen now. */
  readonly isChaos: () => boolean
  /** Plans an event of the servers, whatever becomes of the node. */
  readonly later: (ms: number, label: string, act: () => unknown) => void
  /** Called for each write to documents that has just taken effect. */
  readonly onWritten: (changes: Parameters<SharedStore['writeDocuments']>[0]) => Promise<void>
}

type Call = (...args: readonly unknown[]) => Promise<unknown>
type Outcome = { readonly value: unknown } | { readonly error: unknown }

const WRITES = ['commit', 'writeDocuments', 'confirmHead']
const LATE_MS = 6000

/** The store of one node. */
export function createFaultyStore({ servers, node, random, options, isChaos, later, onWritten }: Deps): SharedStore {
  const { replicated } = servers
  const happens = (probability: number) => isChaos() && random.chance(probability)
  const delayMs = () => (happens(options.late) ? random.below(LATE_MS) : 1 + random.below(12))
  const down = () => new StoreError('STORE_UNSETTLED', 'no server of the store answers')
  const lost = (name: string) => (name === 'confirmHead' ? down() : new Error('the connection was lost'))

  /** What a call does to the store, and what it would answer. */
  async function effect(name: string, args: readonly unknown[]): Promise<Outcome> {
    if (happens(options.storeDown)) return { error: down() }
    if (name === 'commit' && happens(options.serialization)) return { error: new StoreError('STORE_HEAD_MOVED', 'another one ran') }
    if (name === 'commit' && happens(options.lying)) return { value: undefined }
    const act = (replicated.unreplicated as unknown as Record<string, Call>)[name]!
    try {
      const value = await act(...args)
      if (name === 'writeDocuments') await onWritten(args[0] as Parameters<SharedStore['writeDocuments']>[0])
      return { value }
    } catch (error) {
      return { error }
    }
  }

  /** The answer to a call that took effect: that of a write only once the standby has it. */
  function answerOf(name: string, outcome: Outcome, begun: number, done: number): Outcome {
    if (begun !== servers.epoch) return { error: WRITES.includes(name) ? lost(name) : down() }
    if (!WRITES.includes(name) || 'error' in outcome) return outcome
    if (happens(options.lostAnswer)) {
      if (random.chance(0.7)) later(random.below(4000), 'standby catches up', () => begun === servers.epoch && replicated.replicate(done))
      return { error: lost(name) }
    }
    if (!happens(options.careless)) replicated.replicate(done)
    return outcome
  }

  /** A call that has this effect when it arrives. */
  function send(name: string, arrive: () => Promise<Outcome>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const end = (outcome: Outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value))
      // Nothing stops what was sent, not even the end of the node that sent it.
      later(delayMs(), `${node.name} ${name}`, async () => {
        const begun = servers.epoch
        const outcome = await arrive()
        const done = replicated.done()
        node.after(delayMs(), `${node.name} ${name} ${'error' in outcome ? 'fails' : 'is answered'}`, () =>
          end(answerOf(name, outcome, begun, done)),
        )
      })
    })
  }

  /** Waits for the lock, and then reads the head and what is asked. */
  async function lock(transaction: Transaction, { identities, records }: Questions): Promise<Outcome> {
    if (happens(options.storeDown)) return { error: down() }
    const isOurs = await new Promise<boolean>(resolve =>
      servers.lock.ask(
        transaction,
        () => resolve(true),
        () => resolve(false),
      ),
    )
    if (!isOurs) return { error: down() }
    const { readHead, findIdentities, haveStatements } = replicated.unreplicated
    return { value: { stored: await readHead(), known: await findIdentities(identities), have: await haveStatements(records) } }
  }

  /** Commits and reads back, if the transaction was not put out. */
  async function commitIn(transaction: Transaction, args: readonly unknown[]): Promise<Outcome> {
    const outcome = servers.lock.has(transaction) ? await effect('commit', args) : { error: lost('commit') }
    servers.lock.release(transaction)
    return 'error' in outcome ? outcome : { value: await replicated.unreplicated.readHead() }
  }

  async function begin(questions: Questions): Promise<BegunCommit> {
    const transaction = {}
    const begun = (await send('begin', () => lock(transaction, questions))) as BegunCommit
    return {
      ...begun,
      commit: commit => send('commit', () => commitIn(transaction, [commit])) as ReturnType<BegunCommit['commit']>,
      end: () => later(delayMs(), `${node.name} end`, () => servers.lock.release(transaction)),
    }
  }

  const call =
    (name: string): Call =>
    (...args) =>
      send(name, () => effect(name, args))

  return {
    ...(Object.fromEntries(Object.keys(replicated.store).map(name => [name, call(name)])) as unknown as SharedStore),
    ...(options.locks && { begin }),
    readStatements: (from, to) => replicated.store.readStatements(from, to),
    close: async () => {},
  }
}
