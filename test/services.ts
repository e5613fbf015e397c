/** Services that run in the process of a test, and what a client asks them. */
import type { Config } from '../src/config.ts'
import { createLog } from '../src/logger.ts'
import { type Service, startServer } from '../src/server/server.ts'

/**
 * For the tests of a `describe`: `start` starts a service by `config`, changed as its argument
 * says, which is closed after the test. `logged` has the lines of their log.
 */
export function useServices(config: () => Config) {
  const running: Service[] = []
  const logged: string[] = []
  const log = createLog({ write: line => logged.push(line), nowMs: Date.now })
  afterEach(async () => {
    for (const service of running.splice(0)) await service.close()
  })
  const start = async (changes: Partial<Config> = {}) => {
    const service = await startServer({ ...config(), ...changes }, { log })
    running.push(service)
    return service
  }
  return { start, log, logged }
}

/** The JSON of an answer. */
export async function readJson({ url }: Pick<Service, 'url'>, path: string, init?: RequestInit) {
  return (await fetch(url + path, init)).json()
}

/** Sends JSON under a key; the JSON of the answer. */
export function sendJson(service: Pick<Service, 'url'>, path: string, key: string, body: unknown) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return readJson(service, path, { method: 'POST', headers, body: JSON.stringify(body) })
}
