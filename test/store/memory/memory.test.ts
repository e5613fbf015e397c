/** The memory store against the conformance suite. */
import { createMemoryStore } from '../../../src/store/memory/memory.ts'
import { storeConformance } from '../conformance.ts'

describe('memory store', () => storeConformance(async () => createMemoryStore()))
