/** Checking what was given: from files and receipts to findings, in the order in which the reader gave them. */
import { OpenSealError } from '../../core/errors.ts'
import type { Say } from '../../messages/say.ts'
import { type ChainReader, type Policy, verify } from '../../verifier/index.ts'
import type { Finding } from '../result.ts'
import { type GivenReceipt, matchReceipts, type Release } from '../subjects.ts'
import type { LedgerReader } from './ask-ledger.ts'
import type { ReadFile } from './hash-file.ts'

/** A file that was read and is no receipt. */
export type GivenFile = { readonly name: string; readonly read: ReadFile; readonly releases: readonly Release[] }

/** By what is checked. */
export type Means = {
  readonly say: Say
  readonly policy: Policy
  readonly trust: 'policy' | 'ledger'
  readonly chain: readonly ChainReader[]
  readonly ledger?: LedgerReader | undefined
  readonly recordHref?: (index: number) => string
}

/** A finding, or only a sentence where no verdict can be given. */
export type Answer = { readonly finding: Finding } | { readonly name: string; readonly message: string }

/** The answers to one thing that was given: first its own, then those of the releases in it. */
export type Answers = { readonly own: readonly Answer[]; readonly releases: readonly Answer[] }

/** How many releases of a package are checked. */
export const MAX_RELEASES = 500

/** One task a file, and one a receipt without a file. Each resolves on its own. */
export function planChecks(files: readonly GivenFile[], receipts: readonly GivenReceipt[], means: Means) {
  const ofReleases = new Set(files.flatMap(file => file.releases.flatMap(({ digest }) => receiptsOf(digest.sha256, receipts))))
  const own = receipts.filter(receipt => !ofReleases.has(receipt))
  const digests = files.map(({ name, read: { digest } }) => ({
    name,
    digests: [digest.sha256, digest.jcs].filter(hash => hash !== undefined),
  }))
  const { pairs, alone } = matchReceipts(digests, own)
  const ofFiles = files.map((file, at) => ({ name: file.name, run: () => checkFile(file, pairs[at] ?? [], receipts, means) }))
  const ofReceipts = alone.map(receipt => ({ name: receipt.name, run: () => checkReceipt(receipt, means) }))
  return [...ofFiles, ...ofReceipts]
}

async function checkFile(file: GivenFile, own: readonly GivenReceipt[], all: readonly GivenReceipt[], means: Means): Promise<Answers> {
  const subject = { fileName: file.name, digest: file.read.digest, signedPdf: file.read.signedPdf }
  const answers =
    own.length > 0 ? await Promise.all(own.map(receipt => checkOne(subject, receipt, means))) : [await checkOne(subject, undefined, means)]
  const releases = await inTurns(file.releases.slice(0, MAX_RELEASES), 4, ({ id, digest }) =>
    checkOne({ fileName: file.name, release: id, digest }, receiptsOf(digest.sha256, all)[0], means),
  )
  return { own: answers, releases }
}

async function checkReceipt(receipt: GivenReceipt, means: Means): Promise<Answers> {
  return { own: [await checkOne({ note: means.say('result.nofile') }, receipt, means)], releases: [] }
}

type Subject = Pick<Finding, 'fileName' | 'digest' | 'signedPdf' | 'release' | 'note'>

async function checkOne(subject: Subject, given: GivenReceipt | undefined, means: Means): Promise<Answer> {
  const { say, policy, trust, chain, ledger } = means
  const name = subject.release ?? subject.fileName ?? given?.name ?? ''
  const { digest } = subject
  let text = given?.text
  if (text === undefined && digest !== undefined) {
    if (ledger === undefined) return { name, message: say('verify.needReceipt') }
    try {
      text = (await ledger.findReceipt(digest.jcs === undefined ? [digest.sha256] : [digest.sha256, digest.jcs]))?.text
    } catch (error) {
      if (error instanceof OpenSealError) return { name, message: say('verify.ledgerGone') }
      throw error
    }
  }
  const result = await verify({ file: digest, receipt: text, policy, chain, trust, currency: ledger?.currency })
  const onRecord = result.index !== undefined && result.origin === policy.origin && result.verdict !== 'invalid'
  return {
    finding: {
      ...subject,
      result,
      receiptName: given?.name,
      recordHref: onRecord && result.index !== undefined ? means.recordHref?.(result.index) : undefined,
    },
  }
}

function receiptsOf(hash: string, receipts: readonly GivenReceipt[]): GivenReceipt[] {
  return receipts.filter(receipt => receipt.digests.includes(hash))
}

/** Runs a task for each item, a few at a time, results in order. */
async function inTurns<T, R>(items: readonly T[], width: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await task(items[at] as T)
  }
  await Promise.all(Array.from({ length: width }, work))
  return results
}
