/** The host of a real node, with a clock or a dice of the test's own. */
import { type Host, systemHost } from '../src/host.ts'
import { silentLog } from '../src/logger.ts'

/** A host that is the system's but for `changes`. */
export function testHost(changes: Partial<Host> = {}): Host {
  return { ...systemHost(silentLog), ...changes }
}
