/**
 * The steps in the life of an anchor: `prepared → submitted → included → final`. Each is stored
 * before the next begins, so a crash between two of them loses nothing.
 */
import { fromHex } from '../core/bytes.ts'
import { formatTime } from '../core/time.ts'
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'
import type { Ages } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AnchorChain } from './chain.ts'
import { adoptUnknown, newestOf } from './compare.ts'
import type { FinalAnchor } from './final-anchors.ts'
import type { AnchorLook, Execution } from './look.ts'
import { type AnchorRecord, type AnchorRecords, brief } from './records.ts'
import type { Round } from './rounds.ts'
import type { Send } from './sender.ts'

export type Steps = {
  /** Begins an anchor of the next round, if there is one. */
  begin(records: AnchorRecords): Promise<void>
  /** Advances a pending anchor to what the chain shows. */
  follow(records: AnchorRecords, anchor: AnchorRecord): Promise<void>
  /** Records that an anchor is in a block, or final if that block is. */
  include(records: AnchorRecords, anchor: AnchorRecord, found: Execution): Promise<void>
  /** Hands a final anchor to the ledger. */
  finish(records: AnchorRecords, anchor: AnchorRecord, found: Execution): Promise<void>
}

type Deps = {
  readonly ledger: Pick<AnchoredLedger, 'consistency' | 'setFinal'>
  readonly chain: AnchorChain
  readonly look: AnchorLook
  readonly send: Send
  readonly ages: Ages
  readonly host: Pick<Host, 'nowMs'>
  readonly log: Log
  /** The round to anchor after one of size `previous`, if there is one. */
  readonly nextRound: (previous: number) => Promise<Pick<Round, 'size' | 'root'> | undefined>
}

/** Creates the steps of a chain's anchors. */
export function createSteps({ ledger, chain, look, send, ages, host, log, nextRound }: Deps): Steps {
  /** Signs, stores, sends: the only place where an anchor begins. */
  async function begin(records: AnchorRecords): Promise<void> {
    // One transaction at a time: until it is in a block, nothing is built on it. Entries sealed
    // meanwhile join the next anchor.
    if (records.open().some(({ state }) => state !== 'included')) return
    const from = newestOf(await chain.heads())
    if (from !== null) await adoptUnknown(records, from, { chain, ages, log })
    const previous = from?.size ?? 0
    const round = await nextRound(previous)
    if (round === undefined) return
    const { size } = round
    const root = fromHex(round.root)
    const proof = previous === 0 ? [] : (await ledger.consistency(previous, size)).proof
    // Above every nonce of ours that a reorg might free again: those transactions return, and this
    // one depends on them.
    const taken = records.open().flatMap(({ attempts }) => attempts.map(({ nonce }) => nonce + 1))
    const nonce = Math.max(await chain.nextNonce(), ...taken)

    // Signed here and not sent. A crash after this line leaves nothing behind.
    const signed = await chain.prepare({ size, root, proof, nonce })

    // Stored with its hash before anyone sees it. After a crash, the next start finds the open
    // transaction and sends the same bytes, which the chain cannot execute twice.
    const times = { preparedMs: ages.stamp() }
    const attempts = [{ ...signed, signedMs: ages.stamp() }]
    const anchor: AnchorRecord = { size, root: round.root, previous, state: 'prepared', attempts, times }
    await records.save(anchor)

    // Sent. A crash after this line leaves it `prepared` in the store and known to the chain. The
    // next start first looks for its receipt, otherwise sends it again, and "already known" counts
    // as success.
    await send(records, anchor)
  }

  async function follow(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    const { block: _block, transaction: _transaction, missed: _missed, ...waiting } = anchor
    const found = await look(anchor)
    if (found === 'refused') {
      log.error('anchor was executed and refused by the contract', brief(anchor))
      return records.drop(anchor.size)
    }
    if (found !== undefined) return include(records, anchor, found)
    if (anchor.state !== 'included') return send(records, anchor)
    // Its block is no longer part of the chain. The transaction is still valid, and is sent again.
    log.warn('anchor has left the chain with its block', brief(anchor))
    const submitted: AnchorRecord = { ...waiting, state: 'submitted' }
    await records.save(submitted)
    return send(records, submitted)
  }

  async function include(records: AnchorRecords, { missed: _missed, ...anchor }: AnchorRecord, found: Execution): Promise<void> {
    const times = { ...anchor.times, includedMs: anchor.times.includedMs ?? ages.stamp() }
    const included: AnchorRecord = { ...anchor, ...found, state: 'included', times }
    if (anchor.state !== 'included' || anchor.block?.hash !== found.block.hash) {
      await records.save(included)
      log.info('anchor included', brief(included))
    }
    if (await chain.isFinal(found.block, host.nowMs())) await finish(records, included, found)
  }

  /**
   * After a crash between the two writes it is still `included`, and the next round repeats both.
   */
  async function finish(records: AnchorRecords, { lost: _lost, ...anchor }: AnchorRecord, found: Execution): Promise<void> {
    await ledger.setFinal(finalAnchor(chain, anchor, found))
    // Keeps the executed attempt: if the chain loses blocks, as a killed embedded one does, it gets
    // the same transaction again.
    const attempts = anchor.attempts.filter(({ hash }) => hash === found.transaction)
    await records.save({ ...anchor, ...found, attempts, state: 'final', times: { ...anchor.times, finalMs: ages.stamp() } })
    log.info('anchor final', brief(anchor))
  }

  return { begin, follow, include, finish }
}

function finalAnchor(
  { chainId, contract, logId }: AnchorChain,
  { size, root }: AnchorRecord,
  { transaction, block }: Execution,
): FinalAnchor {
  const at = { number: block.number, hash: block.hash, time: formatTime(block.time * 1000) }
  return { type: 'evm', chainId, contract, logId, size, root, transaction, block: at }
}
