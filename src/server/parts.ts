/** The parts of a running service, and the order in which they are shut down. */
import { join, resolve } from 'node:path'
import type { Scrub } from '../care/scrub.ts'
import type { Config } from '../config.ts'
import type { Finder } from '../finder/finder.ts'
import { type Host, systemHost } from '../host.ts'
import type { OnSeal } from '../ledger/submissions.ts'
import type { Log } from '../logger.ts'

/** The parts started so far, in the order in which they are shut down. */
export type ServiceParts = {
  http?: { close(): Promise<void> }
  operatorHttp?: { close(): Promise<void> }
  admission?: { stop(): void }
  comparison?: { stop(): Promise<void> }
  finder?: Finder
  scrub?: Scrub
  erasing?: { stop(): Promise<void> }
  chainList?: { stop(): Promise<void> }
  ledger?: { close(): Promise<void> }
  mark?: { close(): Promise<void> }
  /** Only until the ledger has it, which then closes it. */
  store?: { close(): Promise<void> } | undefined
  anchorChains?: readonly { close(): void }[]
  embedded?: { stop(): Promise<void> }
}

/** A start of the service, or of a command on its ledger at rest. */
export type Start = {
  readonly config: Config
  readonly dataDir: string
  readonly keysDir: string
  readonly host: Host
  readonly log: Log
  readonly parts: ServiceParts
  readonly bells: Bells
}

/** Begins a start: no part is made yet. */
export function beginStart(config: Config, log: Log): Start {
  return {
    config,
    dataDir: resolve(config.dataDir),
    keysDir: resolve(config.keysDir ?? join(config.dataDir, 'keys')),
    host: systemHost(log),
    log,
    parts: {},
    bells: { sealed: createBell(), signed: createBell(), erased: createBell(), moved: createBell() },
  }
}

/** Passes on what the ledger tells: it is opened before its listeners exist. */
export type Bells = {
  /** Rung for each sealed batch of submissions. */
  readonly sealed: Bell<Parameters<OnSeal>[0]>
  /** Rung for each head that was signed. */
  readonly signed: Bell<void>
  /** Rung for each erasure. */
  readonly erased: Bell<void>
  /** Rung when another server of the database has taken over. */
  readonly moved: Bell<void>
}

type Bell<T> = { readonly ring: (told: T) => void; listen(listener: (told: T) => void): void }

function createBell<T>(): Bell<T> {
  const listeners: ((told: T) => void)[] = []
  return {
    ring(told) {
      for (const listener of listeners) listener(told)
    },
    listen: listener => void listeners.push(listener),
  }
}

/**
 * Stops accepting and finishes current requests; then closes the anchorer, the ledger with its
 * store, and the chain. Continues if one of them fails.
 */
export async function takeDown(
  {
    http,
    operatorHttp,
    admission,
    comparison,
    finder,
    scrub,
    erasing,
    chainList,
    ledger,
    mark,
    store,
    anchorChains,
    embedded,
  }: ServiceParts,
  log: Log,
): Promise<void> {
  const steps = [
    () => http?.close(),
    () => operatorHttp?.close(),
    () => admission?.stop(),
    () => comparison?.stop(),
    () => finder?.stop(),
    () => scrub?.stop(),
    () => erasing?.stop(),
    () => chainList?.stop(),
    () => ledger?.close(),
    // after the last seal
    () => mark?.close(),
    () => store?.close(),
    () => {
      for (const chain of anchorChains ?? []) chain.close()
    },
    () => embedded?.stop(),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      log.error('close failed', { error })
    }
  }
}
