/**
 * Checks what a reader gave: from files and receipts to findings, in the order given. Pages and the
 * command line share it.
 */

import { inTurns } from '../../at-once.ts'
import { attemptAsync } from '../../core/attempt.ts'
import { groupBy } from '../../core/group-by.ts'
import type { TrustEntry } from '../../core/trust.ts'
import { VERDICTS, type VerdictCode } from '../verdict.ts'
import { type AskedLedger, ledgersOfParts, ledgersToAsk } from './asked-ledgers.ts'
import { rememberAnswers } from './chain-memory.ts'
import { checkWith, findingOf, lookUp } from './check-receipt.ts'
import type { Release } from './file-reader.ts'
import type { Answer, Answers, Means, Task, Watch } from './finding.ts'
import { byEach, type GivenFile, type GivenReceipt, matchReceipts, naming } from './given.ts'
import { giveUpWhenGone, type LedgerReader } from './ledger-reader.ts'

/**
 * Receipts for releases: by digest and, for receipts beside a file, by the release that they name.
 */
type ReleaseReceipts = { readonly byDigest: ReadonlyMap<string, GivenReceipt>; readonly byName: ReadonlyMap<string, GivenReceipt> }

const RELEASES_AT_ONCE = 4
/** How many of the newest earlier states are looked up. */
const MAX_STATES_ASKED = 48

/**
 * Plans one task for each file, and one for each receipt without a file. The task of an archive that
 * is not itself on the record has no answers; nor has that of a file which only its archive covers.
 */
export function planChecks(files: readonly GivenFile[], receipts: readonly GivenReceipt[], means: Means): Task[] {
  const asked = {
    ...means,
    chain: means.chain.map(rememberAnswers),
    ledger: means.ledger && giveUpWhenGone(means.ledger),
    ledgerOf: rememberLedgers(means),
  }
  const releaseHashes = new Set(files.flatMap(({ read }) => read.releases.flatMap(({ digest }) => digest?.sha256 ?? [])))
  const own = receipts.filter(({ digests }) => !digests.some(digest => releaseHashes.has(digest)))
  const byDigest = new Map(receipts.flatMap(receipt => receipt.digests.map(digest => [digest, receipt] as const)))
  const { pairs, alone } = matchReceipts(files, own)
  const byOf = byEach(receipts, ({ of, release }) => (of === undefined || release === undefined ? [] : [of.toLowerCase()]))
  const archives = new Map<GivenFile, Promise<Answers>>()
  const runs = files.map((file, at) => (watch?: Watch) => {
    const beside = byOf.get(file.name.toLowerCase()) ?? []
    const byName = new Map(beside.flatMap(receipt => (receipt.release === undefined ? [] : [[receipt.release, receipt] as const])))
    return checkFile(file, pairs[at] ?? [], { byDigest, byName }, asked, watch)
  })
  const runArchive = (at: number, watch?: Watch): Promise<Answers> => {
    const archive = files[at]!
    const run = archives.get(archive) ?? runs[at]!(watch).then(answers => (isOnRecord(answers) || pairs[at]?.length ? answers : NOTHING))
    archives.set(archive, run)
    return run
  }
  return [
    ...files.map((file, at) => ({
      name: file.name,
      run: async (watch?: Watch) => {
        if (file.isArchive) return runArchive(at, watch)
        const answers = await runs[at]!(watch)
        if (file.archive === undefined || !isUnknown(answers)) return answers
        // The answer for the archive covers a file that has no record of its own.
        return isOnRecord(await runArchive(files.indexOf(file.archive))) ? NOTHING : answers
      },
    })),
    ...alone.map(receipt => ({
      name: receipt.name,
      run: async (watch?: Watch) => ({ own: [await checkWith({}, receipt, asked, watch)], parts: [], partsLeftOut: 0 }),
    })),
  ]
}

/** Opens the ledger of an entry once, so that one that is gone is waited for once. */
function rememberLedgers({ ledgerOf }: Means): Means['ledgerOf'] {
  const opened = new Map<TrustEntry, LedgerReader | undefined>()
  return entry => {
    if (!opened.has(entry)) {
      const ledger = ledgerOf?.(entry)
      opened.set(entry, ledger && giveUpWhenGone(ledger))
    }
    return opened.get(entry)
  }
}

const NOTHING: Answers = { own: [], parts: [], partsLeftOut: 0 }

/** Whether a file fits a record, even one that was changed since. */
function isOnRecord({ own }: Answers): boolean {
  return own.some(({ finding }) => finding?.result.matched !== undefined && finding.result.limits !== undefined)
}

/** Whether nothing is known of a file or of anything in it. */
function isUnknown({ own, parts }: Answers): boolean {
  return own.every(isNone) && parts.every(isNone)
}

function isNone({ finding, problem }: Answer): boolean {
  return finding?.result.verdict === 'unknown' || problem === 'need-receipt'
}

async function checkFile(
  file: GivenFile,
  receipts: readonly GivenReceipt[],
  ofReleases: ReleaseReceipts,
  means: Means,
  watch: Watch = {},
): Promise<Answers> {
  const { digest, kind, pdf, releases, releasesLeftOut } = file.read
  const { name: fileName, isFingerprint, isArchive, reportedAs } = file
  const subject = { fileName, digest, isFingerprint, isArchive, fileKind: kind, pdf }
  const own = gravestFirst(
    receipts.length > 0
      ? await inTurns(receipts, 1, receipt => checkWith(subject, receipt, means, watch))
      : await lookUp(subject, means, ledgersToAsk(means), watch),
  )
  const isMatched = own.some(({ finding }) => finding === undefined || finding.result.matched !== undefined)
  const state = isMatched ? undefined : await findState(file, receipts, means)
  let done = 0
  const keep = keepSome(watch.maxWhole ?? Number.POSITIVE_INFINITY)
  const ledgers = ledgersOfParts(own, means)
  const answered = await inTurns(releases, RELEASES_AT_ONCE, async release => {
    if (watch.isStopped?.() || means.signal?.aborted) return []
    const answers = await checkRelease(file.name, release, ofReleases, means, ledgers)
    await watch.onPart?.(++done, releases.length)
    return answers.map(keep)
  })
  const parts = answered.flat()
  const partsLeftOut = releasesLeftOut + answered.filter(answers => answers.length === 0).length
  const exit = reportedAs !== undefined ? EXIT_UNCOMPARED : parts.some(isGone) ? EXIT_CHANGED : undefined
  const told = exit === undefined ? own : own.map(answer => withoutGreen(answer, exit))
  const notAsked = ledgersToAsk(means).filter(({ origin }) => !ledgers.some(asked => asked.origin === origin))
  const partsNotAsked = parts.some(isNone) ? notAsked.map(({ name }) => name) : []
  return { own: told, parts: state ? [state, ...parts] : parts, partsLeftOut, ...(partsNotAsked.length > 0 && { partsNotAsked }) }
}

/** Whether a release was withdrawn, replaced or changed, or does not fit its receipt. */
function isGone({ finding }: Answer): boolean {
  return finding !== undefined && GONE.includes(finding.result.finding)
}

const GONE: readonly VerdictCode[] = ['invalid', 'withdrawn', 'edited', 'superseded']
/** The exit code of a file in which something was changed. */
const EXIT_CHANGED = 8
/** The exit code if no file of the reader was compared, as for an entry. */
const EXIT_UNCOMPARED = 3

/**
 * For a package whose bytes are on the record while a part of it is no longer current; and for a
 * fingerprint that only a report names, because anybody can write one.
 */
function withoutGreen(answer: Answer, exit: number): Answer {
  const { finding } = answer
  if (finding === undefined) return answer
  const { result } = finding
  return { finding: { ...finding, result: { ...result, isGreen: false, exit: result.exit === 0 ? exit : result.exit } } }
}

/**
 * The gravest answer first, where several records or receipts name a file. A later change must not
 * be below a green card.
 */
function gravestFirst(answers: readonly Answer[]): Answer[] {
  const placeOf = (code: VerdictCode) => VERDICTS.findIndex(verdict => verdict.code === code)
  const rank = ({ finding }: Answer) =>
    finding ? [placeOf(finding.result.verdict), placeOf(finding.result.finding), Number(finding.result.isGreen)] : [placeOf('unchecked')]
  const compare = (a: readonly number[], b: readonly number[]) => a.map((place, at) => place - (b[at] ?? 0)).find(by => by !== 0) ?? 0
  return answers.toSorted((a, b) => compare(rank(a), rank(b)))
}

/**
 * Keeps the first answers of each verdict whole, and of later ones only the release and its
 * verdict.
 */
function keepSome(maxWhole: number): (answer: Answer) => Answer {
  const counts = new Map<string, number>()
  return answer => {
    const { finding } = answer
    if (finding === undefined) return answer
    const count = (counts.get(finding.result.verdict) ?? 0) + 1
    counts.set(finding.result.verdict, count)
    if (count <= maxWhole) return answer
    // Picks members one by one: any other part of the receipt would keep its whole text in memory.
    const { lookedUp } = finding
    const { verdict, finding: found, exit, sentence, isGreen, trust, list, subject, asked, changes } = finding.result
    const result = { verdict, finding: found, exit, sentence, isGreen, trust, ...(list && { list }), subject, asked, changes, checks: [] }
    return { finding: { part: finding.part, digest: finding.digest, ...(lookedUp && { lookedUp }), isFresher: finding.isFresher, result } }
  }
}

/**
 * The answers for a release: that of a receipt, or the gravest of each ledger. A neighbour must not
 * hide what another ledger says, and ledgers that say the same are shown once.
 */
async function checkRelease(
  fileName: string,
  release: Release,
  { byDigest, byName }: ReleaseReceipts,
  means: Means,
  ledgers: readonly AskedLedger[],
): Promise<readonly Answer[]> {
  const part = { kind: 'release', position: release.position, name: release.name } as const
  if (release.digest === undefined)
    return [{ name: fileName, part, problem: 'release-refused', code: release.code, reason: release.refused }]
  const subject = { fileName, digest: release.digest, part }
  // A receipt beside the package that names the release with another digest contradicts it. The
  // ledger may have this release too.
  const given = byDigest.get(release.digest.sha256) ?? (release.name === undefined ? undefined : byName.get(release.name))
  if (given !== undefined) return [await checkWith(subject, given, means)]
  const answers = gravestFirst(await lookUp(subject, means, ledgers))
  const ofLedgers = groupBy(answers, ({ finding }) => finding?.result.origin ?? '')
  const gravest = [...ofLedgers.values()].map(([first]) => first!)
  return [...groupBy(gravest, saidBy).values()].map(([first]) => first!)
}

/** What an answer comes to. */
function saidBy({ finding, problem }: Answer): string {
  const { verdict, finding: found, exit, isGreen } = finding?.result ?? {}
  return [problem, verdict, found, exit, isGreen].join(' ')
}

/**
 * The newest earlier state of a PDF that is on the record, by the given receipts or by the ledger.
 */
async function findState({ name, read }: GivenFile, receipts: readonly GivenReceipt[], means: Means): Promise<Answer | undefined> {
  const { ledger } = means
  for (const { bytes, sha256 } of (read.pdf?.states ?? []).slice(-MAX_STATES_ASKED).reverse()) {
    const subject = { fileName: name, digest: { bytes, sha256 }, part: { kind: 'state', bytes } } as const
    const [given] = naming([sha256], receipts)
    if (given !== undefined) return checkWith(subject, given, means)
    if (receipts.length > 0 || ledger === undefined) continue
    const { value: found = [], error } = await attemptAsync(() => ledger.findReceipts([sha256]))
    if (error) return undefined
    if (found[0] !== undefined) return { finding: await findingOf(subject, found[0].newest, means) }
  }
  return undefined
}
