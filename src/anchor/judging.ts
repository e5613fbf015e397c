/** Judges stored rounds again after a change of the ledger's own policy. */
import { toHex } from '../core/bytes.ts'
import { sha256Text } from '../core/hash.ts'
import { canonicalJson } from '../core/json.ts'
import type { DocumentChange, Documents } from '../store/port/documents.ts'
import type { RoundRule, Vouched } from './round-rule.ts'
import { createRounds } from './rounds.ts'

/** How many rounds are judged at once. */
const STEP = 64

/**
 * Judges stored rounds again after a change of the policy, some at a time. The newest come first,
 * because readers ask for the newest final round. A crash loses nothing: how far it has come is
 * stored with what was judged.
 */
export function createJudging(store: Documents, rule: RoundRule | undefined, judged: (vouched: Vouched) => DocumentChange[]) {
  const wanted = toHex(sha256Text(canonicalJson(JSON.parse(JSON.stringify(rule ?? {})))))
  const rounds = createRounds(store)
  let isDone = false

  return async (readStored: (size: number) => Promise<Vouched>, unless: readonly DocumentChange[]): Promise<boolean> => {
    if (isDone) return true
    const at = { collection: 'round-rule', key: 'judged' }
    const found: { rule: string; downTo: number | null } | undefined =
      JSON.parse((await store.readDocument(at.collection, at.key)) ?? 'null') ?? undefined
    if (found?.rule === wanted && found.downTo === null) {
      isDone = true
      return true
    }
    const next = await rounds.listNewest((found?.rule === wanted && found.downTo) || Number.MAX_SAFE_INTEGER, STEP)
    const changes = await Promise.all(next.map(async ({ size }) => judged(await readStored(size))))
    const downTo = next.length < STEP ? null : next.at(-1)!.size
    await store.writeDocuments([...changes.flat(), { ...at, value: JSON.stringify({ rule: wanted, downTo }) }], { unless })
    return false
  }
}
