/** One world from one seed: nodes, store and chain, everything that goes wrong, and who uses them. */
import { parseNote } from '../../src/core/tlog/note.ts'
import { LOCAL } from '../../src/store/port/documents.ts'
import { verify } from '../../src/verifier/verify.ts'
import { createReplicated } from '../store/replicated.ts'
import { CHAIN_ID, CODE_SHA256, CONFIRMATIONS, CONTRACT, createMemoryChain, LOG_ID } from './chain.ts'
import { createFaultyStore, type NodeLine, type StoreServers } from './faulty-store.ts'
import { createHeadLock } from './head-lock.ts'
import { createModel, type Invariant, Violation } from './model.ts'
import { DEADLINE_MS, faultyChain, type KeyFile, ORIGIN, SIGNERS, simulatedHost, startNode } from './node.ts'
import { beginPeople, codeOf, isErased, type Slot } from './people.ts'
import { createRandom } from './random.ts'
import { createScheduler } from './scheduler.ts'
import type { Options } from './swarm.ts'

/** The result of a run. */
export type Result = {
  readonly options: Options
  readonly steps: number
  readonly virtualMs: number
  /** A hash of everything that happened, in order. */
  readonly trace: string
  readonly violation?: { readonly invariant: Invariant; readonly what: string; readonly tail: readonly string[] }
  /** How often something happened. */
  readonly counts: Readonly<Record<string, number>>
}

const BEGIN_MS = Date.UTC(2026, 0, 2)
const TICK_MS = 10_000
const HEALING_MS = 30 * 60_000
const MOST_STEPS = 500_000
/** How many receipts of a world are verified: that is a tenth of all work otherwise. */
const MOST_RECEIPTS = 3
/** Documents that only the holder of the lease may write. */
const JOURNAL = ['rounds', 'round-ordinals', 'final-rounds', 'anchors', 'anchorer', 'final-anchors']

/** Runs a world to its end, or for `steps` events, and then looks at what its store holds. */
export async function runWorld(options: Options, steps = MOST_STEPS): Promise<Result> {
  const random = createRandom(`world ${options.seed}`)
  const [faults, clients] = [random.fork('faults'), random.fork('clients')]
  const isCareless = options.careless > 0
  const model = createModel({ isCareless })
  const counts: Record<string, number> = {}
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1
  }
  let storeClockMs = 0
  const scheduler = createScheduler(look)
  const servers: StoreServers = {
    replicated: createReplicated({ nowMs: () => BEGIN_MS + scheduler.nowMs() + storeClockMs }),
    lock: createHeadLock(scheduler.after),
    epoch: 0,
  }
  const memory = createMemoryChain()
  const isChaos = () => scheduler.nowMs() < options.chaosMs
  const slots: Slot[] = Array.from({ length: options.nodes }, (_, i) => ({
    ...{ name: 'ABCD'[i]!, generation: 0, running: undefined, isStarting: false, pausedUntilMs: 0, clockMs: 0, note: '' },
  }))
  const keys: KeyFile = { signer: SIGNERS[0] }
  /** The command that changes the log's key. */
  const command: Slot = { name: 'K', generation: 0, running: undefined, isStarting: false, pausedUntilMs: 0, clockMs: 0, note: '' }
  let violated: Violation | undefined
  const fail = (error: unknown) => {
    violated ??= error instanceof Violation ? error : new Violation('everything goes on once nothing fails', String(error))
  }
  const guarded = <A extends readonly unknown[]>(act: (...args: A) => void) => {
    return (...args: A) => {
      try {
        act(...args)
      } catch (error) {
        fail(error)
      }
    }
  }
  const up = () => slots.flatMap(slot => (slot.running === undefined ? [] : [{ slot, ...slot.running }]))

  /** After each event: what every node shows now. */
  function look(): void {
    for (const slot of slots) {
      if (slot.running === undefined) continue
      const { ledger } = slot.running
      const reason = ledger.stopped()
      if (reason !== undefined && !isCareless && options.lying === 0)
        fail(new Violation('everything goes on once nothing fails', `${slot.name} has stopped: ${reason}`))
      const head = ledger.head()
      if (head.note === slot.note) continue
      slot.note = head.note
      const both = parseNote(head.note).signatures.length > 1
      if (both) count('heads signed by the old log key too')
      scheduler.note(`${slot.name} signs ${head.size}${both ? ' with both keys' : ''}`)
      guarded(() => model.show(slot.name, head, servers.replicated.replicatedRoot(head.size)))()
    }
  }

  /** A new process of a slot: its line to the world, and its parts. */
  function begin(slot: Slot) {
    const generation = ++slot.generation
    const fire = (label: string, act: () => unknown) => (): void => {
      if (slot.generation !== generation) return
      const leftMs = slot.pausedUntilMs - scheduler.nowMs()
      if (leftMs > 0) scheduler.after(leftMs, label, fire(label, act))
      else act()
    }
    const line: NodeLine = { name: slot.name, after: (ms, label, act) => scheduler.after(ms, label, fire(label, act)) }
    const own = random.fork(`${slot.name}${generation}`)
    const host = simulatedHost(line, own.fork('host'), {
      nowMs: () => BEGIN_MS + scheduler.nowMs() + slot.clockMs,
      steadyMs: () => scheduler.nowMs(),
    })
    let holder = ''
    const onWritten = async (changes: readonly { readonly collection: string }[]) => {
      if (!changes.some(({ collection }) => JOURNAL.includes(collection))) return
      count('writes of the journal')
      const lease = await servers.replicated.store.readDocument(`${LOCAL}leases`, 'rounds')
      const current: string | undefined = lease && JSON.parse(lease).holder
      if (current !== holder) fail(new Violation('only the holder of the lease writes the journal', `${slot.name} is not the holder`))
    }
    const store = createFaultyStore({
      ...{ servers, node: line, options, isChaos, onWritten, random: own.fork('store') },
      later: scheduler.after,
    })
    const chain = faultyChain(memory.chain, line, own.fork('chain'), {
      isDown: () => isChaos() && faults.chance(options.chainDown),
      isContradicted: () => isChaos() && own.chance(options.contradicted),
      later: scheduler.after,
    })
    const onHolder = (name: string) => {
      holder = name
    }
    return { line, deps: { keys, store, chain, host, onHolder } }
  }

  function start(slot: Slot): void {
    const { line, deps } = begin(slot)
    slot.isStarting = true
    startNode(deps).then(
      running => {
        slot.isStarting = false
        slot.running = running
        count('starts')
      },
      error => {
        slot.isStarting = false
        count(`start refused: ${codeOf(error)}`)
        line.after(1000, `${slot.name} starts again`, () => start(slot))
      },
    )
  }

  function crash(slot: Slot): void {
    slot.generation++
    slot.running = undefined
    slot.isStarting = false
    slot.note = ''
    model.forget(slot.name)
    count('crashes')
    scheduler.after(200 + faults.below(8000), `${slot.name} starts`, () => {
      if (slot.running === undefined && !slot.isStarting) start(slot)
    })
  }

  const beginCommand = () => {
    const { deps } = begin(command)
    return { deps, end: () => void command.generation++ }
  }
  const people = beginPeople({ options, model, scheduler, clients, faults, up, beginCommand, isChaos, isCareless, count, fail, guarded })

  const blockTime = () => Math.floor((BEGIN_MS + scheduler.nowMs()) / 1000)
  const mine = () => {
    memory.mine(blockTime())
    scheduler.after(2000 + faults.below(6000), 'a block', mine)
  }
  scheduler.after(1000, 'a block', mine)

  async function goWrong(): Promise<void> {
    if (!isChaos()) return heal()
    scheduler.after(TICK_MS, 'time passes', goWrong)
    for (const slot of slots) {
      if (faults.chance(options.crash)) crash(slot)
      if (faults.chance(options.clockJump)) slot.clockMs += (faults.below(3) - 1) * faults.below(86_400_000)
      if (!faults.chance(options.pause)) continue
      const pauseMs = faults.chance(0.5) ? faults.below(4000) : 61_000 + faults.below(30_000)
      slot.pausedUntilMs = Math.min(scheduler.nowMs() + pauseMs, options.chaosMs)
      count('pauses')
    }
    if (faults.chance(options.reorganise)) {
      memory.reorganise(1 + faults.below(CONFIRMATIONS), () => faults.chance(0.8), blockTime())
      count('reorganisations')
    }
    if (faults.chance(options.forget)) memory.forget()
    const [anchored] = memory.anchors()
    if (anchored !== undefined && faults.chance(options.stray)) {
      const { size } = memory.anchors().at(-1)!
      memory.stray({ size: size + 1 + faults.below(3), root: faults.bytes(32), proof: [faults.bytes(32)] })
      count('strays')
    }
    if (!faults.chance(options.failOver)) return
    servers.epoch++
    servers.lock.clear()
    storeClockMs += faults.below(20_000) - 10_000
    const atRisk = servers.replicated.atRisk()
    const received = faults.below(atRisk + 1)
    if (received < atRisk) count('fail-overs that took writes back')
    count('fail-overs')
    await servers.replicated.failOver(received)
  }
  scheduler.after(TICK_MS, 'time passes', goWrong)

  function heal(): void {
    for (const slot of slots) {
      const isStopped = slot.running?.ledger.stopped() !== undefined
      if (options.lying > 0 && isStopped) crash(slot)
      else if (slot.running === undefined && !slot.isStarting) start(slot)
    }
  }

  const isQuiet = () => {
    const size = up()[0]?.ledger.head().size
    // A call that a pause has made late fails once the node wakes, at the latest after its deadline.
    const areAwake = slots.every(({ pausedUntilMs }) => pausedUntilMs + DEADLINE_MS < scheduler.nowMs())
    return (
      areAwake &&
      people.areDone() &&
      up().length === slots.length &&
      up().every(({ ledger, anchorer }) => ledger.head().size === size && anchorer.lag().lastFinalSize === size)
    )
  }
  const endMs = options.chaosMs + (isCareless ? 10_000 : HEALING_MS)
  const goesOn = () => violated === undefined && scheduler.nowMs() < endMs && (isChaos() || isCareless || !isQuiet())

  for (const slot of slots) scheduler.after(faults.below(500), `${slot.name} starts`, () => start(slot))
  await scheduler.run(goesOn, steps)
  const isWhole = scheduler.steps() < steps
  try {
    if (violated !== undefined) throw violated
    await model.checkStore(servers.replicated.store, memory.anchors())
    if (isWhole && !isCareless) await checkEnd()
  } catch (error) {
    fail(error)
  }

  /** Everything was answered and anchored, and each receipt verifies. */
  async function checkEnd(): Promise<void> {
    if (!isQuiet()) throw new Violation('everything goes on once nothing fails', describe())
    const [{ ledger }] = [clients.pick(up())]
    const receipts: string[] = []
    const indexes = pickSome(model.indexes(), MOST_RECEIPTS)
    let asked = indexes.length
    for (const index of indexes)
      ledger.receipt(index).then(
        receipt => receipts.push(receipt),
        error => (isErased(error) ? asked-- : fail(error)),
      )
    await scheduler.run(() => violated === undefined && receipts.length < asked, MOST_STEPS * 2)
    const production = { codeSha256: CODE_SHA256, production: true, finality: { confirmations: CONFIRMATIONS }, fromSize: 0 }
    const place = { type: 'evm', chainId: CHAIN_ID, contract: CONTRACT, logId: LOG_ID } as const
    const policy = {
      ...{ type: 'openseal/policy@v1' as const, origin: ORIGIN, logKeys: ledger.logKeys(), witnesses: [], quorum: 0, requireAnchors: 1 },
      anchors: [{ ...place, ...production }],
    }
    for (const receipt of receipts) {
      const { checks } = await verify({ receipt, policy, chain: [memory.reader], trust: 'policy' })
      const bad = checks.find(
        ({ name, status }) => status !== 'passed' && ['statement', 'inclusion', 'checkpoint', 'anchor', 'finality'].includes(name),
      )
      if (bad !== undefined) throw new Violation('every receipt verifies', `${bad.name} is ${bad.status}`)
      count('receipts verified')
    }
  }

  function pickSome(from: readonly number[], most: number): number[] {
    const left = [...from]
    return Array.from({ length: Math.min(most, left.length) }, () => left.splice(clients.below(left.length), 1)[0]!)
  }

  function describe(): string {
    const nodes = slots.map(({ name, running }) => {
      if (running === undefined) return `${name} does not run`
      const { ledger, anchorer } = running
      const { lastFinalSize, alarmCode = '' } = anchorer.lag()
      return `${name}: size ${ledger.head().size}, anchored ${lastFinalSize} ${alarmCode} ${ledger.stopped() ?? ledger.unsettled() ?? ''}`
    })
    return `${people.answered()} of ${options.submissions} answered; ${nodes.join('; ')}`
  }

  count(isCareless ? 'careless worlds' : options.lying > 0 ? 'lying worlds' : 'sound worlds')
  counts.anchors = memory.anchors().length
  const violation = violated as Violation | undefined
  return {
    options,
    steps: scheduler.steps(),
    virtualMs: scheduler.nowMs(),
    trace: scheduler.trace(),
    ...(violation && { violation: { invariant: violation.invariant, what: violation.message, tail: scheduler.tail() } }),
    counts,
  }
}
