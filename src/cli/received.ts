/** Checks a receipt from a ledger or a mirror before any command prints, stores or believes it. */
import type { Command } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import { canonicalJson } from '../core/json.ts'
import type { Policy } from '../core/policy.ts'
import { parseReceipt, type Receipt } from '../core/receipt.ts'
import { identityOf, parseStatement, statementBody } from '../core/statements/statement.ts'
import { parseVkey, verifyNote } from '../core/tlog/note.ts'
import { parseTlogProof } from '../core/tlog/tlog-proof.ts'
import { checkInclusion, checkStatement, readReceiptParts } from '../verifier/checks.ts'
import { type ChainReader, type Result, type Trust, verify } from '../verifier/index.ts'
import { openChainReaders } from './chain-readers.ts'
import type { Client } from './client.ts'
import { CommandError, collect, EXIT_INVALID, EXIT_SEALED, EXIT_UNCHECKED, EXIT_UNSUPPORTED } from './command.ts'
import { readOrigin, readPinnedPolicy, readServedPolicy } from './policy-file.ts'

/**
 * The state of a valid receipt: the chain vouches for it, it does not (or not enough witnesses do),
 * nobody could be asked, or the log's owner has disowned its checkpoint. `claimed` says whether the
 * receipt itself names an anchor.
 */
export type Standing = {
  readonly state: 'anchored' | 'sealed' | 'unchecked' | 'disowned'
  readonly isTest: boolean
  readonly claimed: boolean
}

/** A valid receipt. `text` is one line without its newline. */
export type Received = Standing & { readonly text: string; readonly receipt: Receipt; readonly index: number }

/**
 * The subject that a receipt must have, besides its index: a sent statement, by its identity, or
 * the statement of an existing receipt.
 */
export type Expected = { readonly index: number; readonly identity?: string; readonly like?: Receipt }

export type Receiver = {
  /** The endpoints to ask. Without any, nothing can be called anchored. */
  readonly chain: readonly ChainReader[]
  /**
   * Checks an answer.
   * @throws CommandError LEDGER_LIED (exit 5) if it is invalid, RECEIPT_OTHER_KEY (6),
   * RECEIPT_UNSUPPORTED (7)
   */
  check(text: string, expected: Expected): Promise<Received>
  /** Fetches the receipt of an index and checks it. */
  read(expected: Expected): Promise<Received>
  /** The state of the user's own receipt; undefined if it is invalid. */
  standing(text: string): Promise<Standing | undefined>
}

/** The notice for a receipt that names an anchor that could not be checked. */
export const NOT_ASKED =
  'No endpoint of the chain gave a usable answer, so nothing here is called anchored. Name one, or another one: --rpc URL'

/** The notice for a receipt that is anchored by the word of the ledger that gave it. */
export const OWN_WORD = "Checked by the ledger's own policy. If you keep a policy, name it: --policy FILE"

/** The notice for a receipt whose checkpoint is disowned. */
export const DISOWNED = 'The owner of the log has closed it below this checkpoint, so the chain will not vouch for it.'

/** The exit code of waiting for the chain, by the receipt's state. */
export const EXIT_BY_STATE = { anchored: 0, sealed: EXIT_SEALED, unchecked: EXIT_UNCHECKED, disowned: EXIT_UNSUPPORTED } as const

/** Numbers of receipts in each state. */
export type StateCounts = { readonly [state in Standing['state']]: number }

/** The exit code for several receipts: that of the gravest state. */
export function exitOfStates(counts: StateCounts): number {
  const gravest = (['disowned', 'unchecked', 'sealed'] as const).find(state => counts[state] > 0)
  return EXIT_BY_STATE[gravest ?? 'anchored']
}

export type TrustOptions = { readonly policy?: string; readonly rpc?: readonly string[] }

/** How many checkpoints are remembered: consecutive receipts share few. */
const REMEMBERED = 64
/** How long a checkpoint that is not anchored is not asked about again. */
const RECENT_MS = 900
/** The checks that make a receipt one of this log, regardless of witnesses and chains. */
const NEEDED = ['statement', 'inclusion', 'checkpoint'] as const

/** Adds --policy and --rpc. */
export function withTrust(command: Command): Command {
  return command
    .option('--policy <file>', "the policy by which receipts are checked (default: the ledger's own word)")
    .option(
      '--rpc <url>',
      'an endpoint of the chain: without its answer, nothing is called anchored; may be repeated (or OPENSEAL_RPC)',
      collect,
    )
}

/** Checks the receipts of one ledger, by a pinned policy or by the ledger's own. */
export async function openReceiver(client: Client, { policy: pinned, rpc }: TrustOptions): Promise<Receiver> {
  const policy = pinned === undefined ? (await readServedPolicy(client)).policy : await readPinnedPolicy(pinned, () => readOrigin(client))
  const chain = openChainReaders(rpc, policy)
  const isPinned = pinned !== undefined
  const judge = createJudge(policy, chain, isPinned ? 'policy' : 'ledger')

  const lied = (why: string, cause?: unknown) =>
    new CommandError(EXIT_INVALID, 'LEDGER_LIED', `${client.url} answered with an invalid receipt: ${why}. Nothing of it was kept.`, {
      cause,
    })

  async function check(text: string, expected: Expected): Promise<Received> {
    const receipt = await attempt(() => parseReceipt(text), lied)
    const { index, note } = await attempt(() => parseTlogProof(receipt.proof), lied)
    if (index !== expected.index) throw lied(`it is for index ${index}, but index ${expected.index} was requested`)
    const { identity, like } = expected
    if (identity !== undefined && identityIn(receipt) !== identity) throw lied('its statement is not the one that was sent')
    if (like !== undefined && canonicalJson(like.statement) !== canonicalJson(receipt.statement))
      throw lied('its statement is not that of the receipt that you have')
    const { standing, fault, isUnsupported } = await judge(text, note, receipt.anchors)
    if (isUnsupported)
      throw new CommandError(
        EXIT_UNSUPPORTED,
        'RECEIPT_UNSUPPORTED',
        `${client.url} answered with a receipt that the policy does not know: ${fault}`,
      )
    // The remembered result may be from another receipt under the same checkpoint.
    const own = ownFault(text)
    if (standing === undefined || own !== undefined) throw lied(own ?? fault)
    if (like !== undefined && !isPinned) assertSameKey(policy, parseTlogProof(like.proof).note, note, client.url)
    return { ...standing, claimed: receipt.anchors.length > 0, text: text.trimEnd(), receipt, index }
  }

  return {
    chain,
    check,
    read: async expected => check(await client.readText(`/v1/records/${expected.index}/receipt`), expected),
    async standing(text) {
      const { proof, anchors } = parseReceipt(text)
      const { standing } = await judge(text, parseTlogProof(proof).note, anchors)
      return standing && ownFault(text) === undefined ? { ...standing, claimed: anchors.length > 0 } : undefined
    },
  }
}

/**
 * A receipt is better only if the chain vouches for it and not for the existing one, or if the
 * existing one proves nothing.
 */
export async function isBetter(receiver: Receiver, { state }: Pick<Received, 'state'>, old: string): Promise<boolean> {
  if (ownFault(old) !== undefined) return true
  return state === 'anchored' && (await receiver.standing(old))?.state !== 'anchored'
}

type Judged = { readonly standing?: Omit<Standing, 'claimed'>; readonly fault: string; readonly isUnsupported: boolean }

/**
 * Checks receipts, and remembers the results of the checks after `inclusion`. They depend only
 * on the checkpoint and its time stamps. No chain is asked about a receipt without an anchor: a
 * ledger names the anchors that it has.
 */
function createJudge(policy: Policy, chain: readonly ChainReader[], trust: Trust) {
  const known = new Map<string, { readonly judged: Judged; readonly atMs: number }>()
  return async (text: string, note: string, anchors: Receipt['anchors']): Promise<Judged> => {
    const claimed = anchors.length > 0
    const tokens = anchors.flatMap(anchor => (anchor.type === 'rfc3161' ? [anchor.token] : []))
    const key = JSON.stringify([claimed, note, ...tokens])
    const before = known.get(key)
    if (before !== undefined && (before.judged.standing?.state === 'anchored' || performance.now() - before.atMs < RECENT_MS))
      return before.judged
    const judged = judgeResult(await verify({ receipt: text, policy, chain: claimed ? chain : [], trust }), claimed)
    if (known.size >= REMEMBERED) known.clear()
    // The fault may be in this receipt alone, and not in its checkpoint.
    if (judged.standing !== undefined) known.set(key, { judged, atMs: performance.now() })
    return judged
  }
}

function judgeResult({ verdict, checks }: Result, claimed: boolean): Judged {
  const statusOf = (name: string) => checks.find(check => check.name === name)?.status
  const broken = checks.find(
    ({ name, status, code }) => status === 'failed' && (NEEDED.some(needed => needed === name) || code === 'NOTE_SIGNATURE'),
  )
  if (broken !== undefined || NEEDED.some(name => statusOf(name) !== 'passed')) {
    const fault =
      broken === undefined ? 'it is incomplete' : `${broken.detail} [${broken.name}${broken.code === undefined ? '' : ` ${broken.code}`}]`
    return { fault, isUnsupported: verdict === 'unsupported' }
  }
  const isAnchored = ['anchor', 'finality'].every(name => statusOf(name) === 'passed') && statusOf('cosignatures') !== 'failed'
  const weaker = claimed && (verdict === 'unchecked' || verdict === 'disowned') ? verdict : 'sealed'
  return { standing: { state: isAnchored ? 'anchored' : weaker, isTest: verdict === 'test-network' }, fault: '', isUnsupported: false }
}

/** The fault of a receipt, whoever signed its checkpoint: its statement, or its proof. */
export function ownFault(text: string): string | undefined {
  const evidence = readReceiptParts(text)
  for (const check of [checkStatement, checkInclusion]) {
    try {
      const { status, code } = check(evidence)
      if (status !== 'passed') return code ?? status
    } catch (error) {
      if (!(error instanceof OpenSealError)) throw error
      return `${error.message} [${error.code}]`
    }
  }
  return undefined
}

/**
 * By the ledger's own policy, a receipt is replaced only by one that the same key signed: a mirror
 * can serve any policy, but does not have that key.
 */
function assertSameKey(policy: Policy, before: string, after: string, url: string): void {
  const keys = policy.logKeys.map(key => parseVkey(key.vkey))
  const signers = (note: string) => {
    try {
      return verifyNote(note, keys).map(({ id }) => id)
    } catch {
      return []
    }
  }
  const old = signers(before)
  if (signers(after).some(id => old.includes(id))) return
  throw new CommandError(
    EXIT_UNCHECKED,
    'RECEIPT_OTHER_KEY',
    `The key that signed the receipt from ${url} is not the one that signed yours. Name a policy that you trust (--policy FILE), extended where the log's key has changed.`,
  )
}

/**
 * The identity of a receipt's statement, regardless of its salt; undefined if it is not an agency's
 * statement.
 */
export function identityIn({ statement }: Receipt): string | undefined {
  try {
    return identityOf(statementBody(parseStatement(statement, { salted: true })))
  } catch {
    return undefined
  }
}

async function attempt<T>(read: () => T, lied: (why: string, cause: unknown) => CommandError): Promise<T> {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    throw lied(error.message, error)
  }
}
