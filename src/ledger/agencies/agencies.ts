/** Agencies and their API keys, as the service uses them. */
import type { Host } from '../../host.ts'
import type { Documents } from '../../store/port/documents.ts'
import { type AgencyKeys, createKeys } from './keys.ts'
import { createRegistry, type Registry } from './registry.ts'

export type Agencies = Registry & AgencyKeys

type Deps = {
  readonly store: Documents
  readonly host: Pick<Host, 'nowMs' | 'steadyMs' | 'randomBytes' | 'breathe'>
}

/** Opens the agencies of a store. */
export function createAgencies({ store, host }: Deps): Agencies {
  const registry = createRegistry({ store, host })
  return { ...registry, ...createKeys({ store, registry, host }) }
}
