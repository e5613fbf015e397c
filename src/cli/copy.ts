/**
 * Another copy of a ledger over HTTP, from which the doctor fetches what is missing. The doctor
 * checks everything.
 */

import type { SaidErased } from '../care/erased.ts'
import { isJsonObject, parseJson } from '../core/json.ts'
import { canonicalForm, parseAnyStatement } from '../core/statements/registry.ts'
import { formatBundlePath } from '../core/tlog/tile.ts'
import { createClient } from './client.ts'
import { requireMembers } from './client-error.ts'

/** An entry of this log has 35 bytes in its bundle; later entry versions may have more. */
const MAX_BUNDLE_BYTES = 1024 * 1024

/** Opens a copy. It requests nothing before the first call. */
export function openCopy(url: string) {
  const client = createClient(url)
  return {
    checkpoint: () => client.readText('/checkpoint'),
    async keyReceipts(): Promise<string[]> {
      const answer = await client.readJson('/v1/keys')
      const { changes } = requireMembers<{ changes: readonly { receipt?: unknown }[] }>(client.url, answer, { changes: 'objects' })
      return changes.map(({ receipt }) => JSON.stringify(receipt ?? null))
    },
    bundle: (index: number, width: number) => client.readBytes(`/${formatBundlePath({ index, width })}`, MAX_BUNDLE_BYTES),
    async statements(from: number, to: number): Promise<(Uint8Array | SaidErased | undefined)[]> {
      const found: (Uint8Array | SaidErased | undefined)[] = []
      for await (const line of client.readLines(`/v1/statements/${from}/${to}`)) {
        const value = parseJson(line)
        const { statement, erased, time, effects } = isJsonObject(value) ? value : {}
        if (statement !== undefined) found.push(new TextEncoder().encode(canonicalForm(parseAnyStatement(statement))))
        else found.push(typeof erased === 'number' ? { erased, time, effects } : undefined)
        // A copy could go on without end after what it was asked for.
        if (found.length === to - from) break
      }
      return found
    },
  }
}
