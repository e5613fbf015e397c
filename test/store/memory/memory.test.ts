/** The memory store against the conformance suites. */
import { createMemoryStore } from '../../../src/store/memory/memory.ts'
import { embeddedConformance, sharedConformance } from '../conformance.ts'

describe('memory store', () => {
  embeddedConformance({ open: async () => createMemoryStore() })
  const shared = createMemoryStore()
  sharedConformance(
    () => shared,
    async () => shared,
  )
})
