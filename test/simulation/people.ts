/**
 * The people of a world: clients, each of whom sends its statement until it is answered, and the
 * operator, who makes and revokes API keys, changes the log's key, and erases.
 */
import { OpenSealError } from '../../src/core/errors.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { type Model, Violation } from './model.ts'
import { type RunningNode, rotateKey, SIGNERS } from './node.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import type { Options } from './swarm.ts'

/** The place of a process, which may be started again. */
export type Slot = {
  readonly name: string
  generation: number
  running: RunningNode | undefined
  isStarting: boolean
  pausedUntilMs: number
  clockMs: number
  note: string
}

/** A world as its people see it. */
type Place = {
  readonly options: Options
  readonly model: Model
  readonly scheduler: Scheduler
  readonly clients: Random
  readonly faults: Random
  /** The nodes that run. */
  up(): readonly ({ readonly slot: Slot } & RunningNode)[]
  /** The parts of a command's process, and how it ends. */
  beginCommand(): { readonly deps: Parameters<typeof rotateKey>[0]; end(): void }
  isChaos(): boolean
  readonly isCareless: boolean
  count(what: string): void
  fail(error: unknown): void
  guarded<A extends readonly unknown[]>(act: (...args: A) => void): (...args: A) => void
}

const AGENCY = 'transport.gov.example'
const CLIENT_MS = 15_000
/** Within this time the log's key is usually changed at all nodes. */
const CHANGE_MS = 2000
/** Answers about a statement that was erased, or will be by the clock of the node that was asked. */
const ERASED = ['STATEMENT_ERASED', 'RECORD_ERASED', 'RECORD_ERASING']

/** Plans what all of them do. */
export function beginPeople(place: Place) {
  const answered = beginClients(place)
  beginKeys(place)
  const isRotated = beginRotation(place)
  beginErasing(place)
  return {
    answered,
    /** Whether every client has its answer, and the operator has changed the key. */
    areDone: () => isRotated() && answered() === place.options.submissions,
  }
}

/** Returns how many clients were answered. */
function beginClients({ options, model, scheduler, clients, up, count, guarded }: Place): () => number {
  const statements = Array.from({ length: options.statements }, (_, i) => statementOf(i))
  let answered = 0
  /** Many come while the log's key is changed, and some nodes do not know yet that it has ended. */
  const firstMs = () => {
    const { rotateMs, chaosMs } = options
    return rotateMs !== undefined && clients.chance(0.3) ? rotateMs + clients.below(CHANGE_MS) : clients.below(chaosMs)
  }
  const submit = (client: number, statement: Statement): void => {
    const again = () => scheduler.after(100 + clients.below(2000), `client ${client} sends`, () => submit(client, statement))
    const nodes = up().filter(({ notAccepting }) => notAccepting() === undefined)
    if (nodes.length === 0) {
      again()
      return
    }
    const { slot, ledger } = clients.pick(nodes)
    let isOver = false
    const once = (then: () => void) => {
      if (!isOver) then()
      isOver = true
    }
    const sent = clients.chance(0.5) ? ledger.submit(statement) : ledger.submitForReceipt(statement)
    sent.then(
      guarded(({ index, known }) => {
        count(known ? 'known' : 'sealed')
        scheduler.note(`client ${client} has ${index}`)
        once(() => answered++)
        model.acknowledge(statement, index, slot.name)
        if (ledger.head().size <= index)
          throw new Violation('nothing is signed before it is safe', `${slot.name} answers ${index} and has not signed for it`)
      }),
      error => {
        count(`refused: ${codeOf(error)}`)
        once(isErased(error) ? () => answered++ : again)
      },
    )
    scheduler.after(CLIENT_MS, `client ${client} gives up`, () => once(again))
  }
  for (let client = 0; client < options.submissions; client++) {
    const statement = clients.pick(statements)
    scheduler.after(firstMs(), `client ${client} sends`, () => submit(client, statement))
  }
  return () => answered
}

/** The operator makes a key on one node and revokes it on another. */
function beginKeys({ options, scheduler, clients, up, isCareless, count, fail }: Place): void {
  const useKey = async (key: string, isRevoked: boolean) => {
    for (const { slot, agencies } of up()) {
      const { error } = await tried(() => agencies.authenticate(key))
      if (error === undefined && isRevoked && !isCareless)
        fail(new Violation('a revoked key is dead after two seconds', `${slot.name} lets in a key that was revoked`))
    }
  }
  const operate = async () => {
    const nodes = up()
    if (nodes.length === 0) return
    await tried(() => clients.pick(nodes).agencies.add({ id: AGENCY, name: 'Transport' }))
    const made = await tried(() => clients.pick(nodes).agencies.addKey(AGENCY, {}))
    if (made.value === undefined) return
    const { key, keyId } = made.value
    for (let ms = 0; ms < 4000; ms += 400) scheduler.after(ms, 'a key is used', () => useKey(key, false))
    scheduler.after(2000, 'a key is revoked', async () => {
      const now = up()
      if (now.length === 0) return
      const { error } = await tried(() => clients.pick(now).agencies.revokeKey(AGENCY, keyId))
      if (error === undefined) count('keys revoked')
      if (error === undefined) scheduler.after(2000, 'a revoked key is used', () => useKey(key, true))
    })
  }
  for (let ms = 5000; ms < options.chaosMs; ms += 30_000) scheduler.after(ms, 'the operator makes a key', operate)
}

/**
 * The operator changes the log's key while the nodes run. The command may be killed on its way.
 * Returns whether it has ended.
 */
function beginRotation({ options, model, scheduler, faults, beginCommand, isChaos, count, guarded }: Place): () => boolean {
  let isRotated = options.rotateMs === undefined
  const rotate = () => {
    if (isRotated) return
    const { deps, end } = beginCommand()
    const again = (ms: number) => scheduler.after(ms, 'the operator changes the key', rotate)
    if (isChaos() && faults.chance(0.5)) again(faults.below(3000))
    const [old, next] = SIGNERS
    rotateKey(deps, next).then(
      guarded(lastSize => {
        isRotated = true
        end()
        count('log keys changed')
        model.endKey(old.vkey.id, lastSize)
      }),
      error => {
        count(`change of the key refused: ${codeOf(error)}`)
        again(2000)
      },
    )
  }
  if (options.rotateMs !== undefined) scheduler.after(options.rotateMs, 'the operator changes the key', rotate)
  return () => isRotated
}

/** The operator erases something that was answered. */
function beginErasing({ options, model, scheduler, clients, up, isCareless, count, fail }: Place): void {
  const eraseOne = async () => {
    const [indexes, nodes] = [model.indexes(), up()]
    if (indexes.length === 0 || nodes.length === 0) return
    const index = clients.pick(indexes)
    const { value } = await tried(() => clients.pick(nodes).ledger.requestErasure(index, 'legal', { by: 'operator' }))
    if (value === undefined || !('erasure' in value)) return
    count('erased')
    scheduler.after(2000, 'an erased statement is asked for', async () => {
      for (const { slot, ledger } of up()) {
        const shown = await tried(() => ledger.statement(index))
        if (!isCareless && typeof shown.value === 'string')
          fail(new Violation('an erased statement is shown by nobody after two seconds', `${slot.name} shows statement ${index}`))
      }
    })
  }
  for (let ms = 20_000; ms < options.chaosMs; ms += 40_000) scheduler.after(ms, 'the operator erases', eraseOne)
}

/** The outcome of something that may fail in any way. */
async function tried<T>(
  act: () => Promise<T>,
): Promise<{ readonly value: T; readonly error?: never } | { readonly error: unknown; readonly value?: never }> {
  try {
    return { value: await act() }
  } catch (error) {
    return { error: error ?? new Error('nothing') }
  }
}

/** The code of an error, or what it says. */
export function codeOf(error: unknown): string {
  return error instanceof OpenSealError ? error.code : error instanceof Error ? error.message : String(error)
}

function statementOf(record: number): Statement {
  return {
    type: 'openseal/statement@v1',
    agency: AGENCY,
    kind: 'decision',
    action: 'publish',
    record: `r${record}`,
    published: '2026-01-01T00:00:00Z',
    documents: [{ name: 'a.pdf', mediaType: 'application/pdf', bytes: 1, sha256: record.toString(16).padStart(64, '0') }],
  }
}

/** Whether an error says that a statement was erased. */
export function isErased(error: unknown): boolean {
  return ERASED.includes(codeOf(error))
}
