/** The memory store against the conformance suite. */
import { createMemoryStore } from '../../../src/store/memory/memory.ts'
import { embeddedConformance } from '../conformance.ts'

describe('memory store', () => embeddedConformance({ open: async () => createMemoryStore() }))
