/** What a seed makes of the world: how large it is, and what goes wrong in it how often. */
import { createRandom } from './random.ts'

/** Probabilities are for each call, unless they are named otherwise. */
export type Options = {
  readonly seed: number
  readonly nodes: number
  readonly submissions: number
  /** How many different statements there are. */
  readonly statements: number
  readonly chaosMs: number
  /** The store refuses a call, and has done nothing. */
  readonly storeDown: number
  /** The transaction is refused because another one ran (40001). */
  readonly serialization: number
  /** A write is done, and its answer is lost. */
  readonly lostAnswer: number
  /** A call is answered after its deadline. */
  readonly late: number
  /** In each 10 seconds, the standby takes over. */
  readonly failOver: number
  /** In each 10 seconds, for one node. */
  readonly crash: number
  readonly pause: number
  readonly clockJump: number
  /** In each 10 seconds, for the chain. */
  readonly reorganise: number
  readonly forget: number
  readonly stray: number
  readonly chainDown: number
  /** The store answers a write before the standby has it. Such a database loses records. */
  readonly careless: number
  /** The store answers a commit and has not done it. */
  readonly lying: number
  /** When the log's key is changed, if it is. */
  readonly rotateMs: number | undefined
  /** An endpoint of the chain contradicts the other one. */
  readonly contradicted: number
  /** The store locks the head for a node before it commits. */
  readonly locks: boolean
}

/** The world of a seed. Each fault is there in some worlds only, at rates of several magnitudes. */
export function optionsOf(seed: number): Options {
  const random = createRandom(`seed ${seed}`)
  const rate = (most: number) => (random.chance(0.5) ? most * 10 ** (-2 * random.next()) : 0)
  const submissions = 3 + random.below(40)
  const first = {
    seed,
    nodes: 1 + random.below(4),
    submissions,
    statements: 1 + random.below(submissions),
    chaosMs: 20_000 + random.below(220_000),
    storeDown: rate(0.1),
    serialization: rate(0.3),
    lostAnswer: rate(0.3),
    late: rate(0.05),
    failOver: rate(1),
    crash: rate(0.6),
    pause: rate(0.6),
    clockJump: rate(0.6),
    reorganise: rate(0.8),
    forget: rate(0.5),
    stray: rate(0.5),
    chainDown: rate(0.2),
    careless: 0,
    lying: 0,
  }
  // Some worlds have a store that breaks its own promises. There the ledger must stop.
  const broken = random.below(12)
  const options = {
    ...first,
    rotateMs: random.chance(0.3) ? 5000 + random.below(first.chaosMs - 10_000) : undefined,
    contradicted: rate(0.3),
    locks: random.chance(0.7),
  }
  if (broken === 0) return { ...options, careless: 0.5, failOver: Math.max(options.failOver, 0.5), crash: 0, rotateMs: undefined }
  if (broken === 1) return { ...options, lying: 0.2 }
  return options
}
