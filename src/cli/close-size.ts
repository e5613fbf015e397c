/** The last good tree of a log: the newest checkpoint of the ledger that each chain has. */
import type { LogToClose } from '../chain/owner.ts'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import type { Policy } from '../core/policy.ts'
import { parseReceipt } from '../core/receipt.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { parseTlogProof } from '../core/tlog/tlog-proof.ts'
import { verifyCheckpoint } from '../verifier/checks.ts'
import { type Client, createClient } from './client.ts'
import { CommandError, EXIT_INVALID, UsageError } from './command.ts'
import { readIfThere } from './receipt-file.ts'

type Wanted = { readonly ledger: string; readonly size?: number; readonly receipt?: string }

/**
 * For each log, the newest checkpoint, up to the wanted size, of which the ledger has an anchor
 * there; undefined if it has none. Each is signed by a key of the policy. The caller has to ask
 * whether the chain holds it.
 * @throws UsageError if no log has an anchor of the wanted size; CommandError CHECKPOINT_UNPROVEN
 * (exit 5)
 */
export async function readLastGood(
  { ledger, size }: Wanted,
  policy: Policy,
  logs: readonly LogToClose[],
): Promise<readonly (Checkpoint | undefined)[]> {
  if (size === 0) return logs.map(() => undefined)
  const client = createClient(ledger)
  const newest = await readNewest(client, size ?? Number.MAX_SAFE_INTEGER)
  const sizes = logs.map(log => newest.get(keyOf(log)))
  if (size !== undefined && !sizes.includes(size)) {
    const below = Math.max(0, ...sizes.map(each => each ?? 0))
    throw new UsageError(
      `the ledger has no final anchor of size ${size} on a chain of the policy. ${below === 0 ? 'It has none below it either.' : `The next one below it is of size ${below}.`}`,
    )
  }
  const checkpoints = new Map<number, Checkpoint>()
  for (const each of new Set(sizes)) if (each !== undefined) checkpoints.set(each, await readCheckpoint(client, policy, each))
  return sizes.map(each => (each === undefined ? undefined : checkpoints.get(each)))
}

/** The last good checkpoint of every log, if the owner gives a receipt: the one in that receipt. */
export async function readGivenGood(
  { receipt: file, size }: Wanted,
  policy: Policy,
  logs: readonly LogToClose[],
): Promise<readonly Checkpoint[]> {
  if (size !== undefined) throw new UsageError('give either --size or --receipt')
  const text = await readIfThere(file!)
  if (text === undefined) throw new UsageError(`there is no file ${file}`)
  const checkpoint = proven(file!, () => verifyCheckpoint(parseTlogProof(parseReceipt(text).proof).note, policy))
  return logs.map(() => checkpoint)
}

/** The largest size, up to `most`, of the ledger's final anchors in each log. */
async function readNewest(client: Client, most: number): Promise<ReadonlyMap<string, number>> {
  const newest = new Map<string, number>()
  for (let after: number | undefined = 0; after !== undefined && after < most; ) {
    const page = (await client.readJson(`/v1/anchors?after=${after}`)) as Json
    const { final, after: next } = isJsonObject(page) ? page : {}
    const anchors = Array.isArray(final) ? final : []
    for (const anchor of anchors) {
      if (!isJsonObject(anchor) || !Number.isSafeInteger(anchor.size)) continue
      if ((anchor.size as number) <= most) newest.set(keyOf(anchor), anchor.size as number)
    }
    // A page that is empty, or does not lead further, would be asked for without end.
    after = anchors.length > 0 && Number.isSafeInteger(next) && (next as number) > after ? (next as number) : undefined
  }
  return newest
}

async function readCheckpoint(client: Client, policy: Policy, size: number): Promise<Checkpoint> {
  const round = (await client.readJson(`/v1/rounds/${size}`)) as Json
  const note = isJsonObject(round) ? round.checkpoint : undefined
  return proven(`${client.url}/v1/rounds/${size}`, () => {
    const checkpoint = verifyCheckpoint(String(note), policy)
    if (checkpoint.size !== size) throw new OpenSealError('CHECKPOINT_SIZE', `the checkpoint is of size ${checkpoint.size}`)
    return checkpoint
  })
}

function proven(where: string, read: () => Checkpoint): Checkpoint {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw new CommandError(
      EXIT_INVALID,
      'CHECKPOINT_UNPROVEN',
      `${where} has no checkpoint that the policy vouches for: ${cause.message}`,
      { cause },
    )
  }
}

function keyOf({ chainId, logId }: { readonly chainId?: unknown; readonly logId?: unknown }): string {
  return `${chainId} ${String(logId).toLowerCase()}`
}
