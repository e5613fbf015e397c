/**
 * The output of `openseal verify`: the verdict's sentence first, in the reader's language, then the
 * checks.
 */
import { groupBy } from '../core/group-by.ts'
import type { Say } from '../messages/say.ts'
import { sayNumber, sayTime } from '../messages/say.ts'
import {
  sayChanges,
  sayDetail,
  sayHeading,
  sayInLine,
  sayKind,
  sayLimits,
  sayMark,
  sayNext,
  sayPart,
  sayPartsUnanswered,
  sayPdf,
  sayProblem,
  sayRemarks,
  saySteps,
  sayTrust,
  sayVerdict,
} from '../messages/verdict.ts'
import { countReleases, countVerdicts, gravestInputsFirst } from '../report/summary.ts'
import { type Answer, type Answers, type CheckResult, type Finding, type Part, partOf } from '../verifier/index.ts'
import { RECEIPT_GIVEN, type Row } from './finding-json.ts'
import { isUtf8 } from './locale.ts'

const SHOWN_RELEASES = 20
/** A list of more rows than this begins with the gravest. */
const MANY = 50
/** The code of `anchored` if another document of the version was changed without a new version. */
const EXIT_EDITED = 8
/**
 * How many of a receipt's documents are listed if the file is not one of them. --json lists all.
 */
const SHOWN_DOCUMENTS = 5

/**
 * All lines about one file. A package's releases with problems come first; the others are counted.
 */
export function formatAnswers(say: Say, answers: Answers): string[] {
  const { own, parts } = answers
  const state = parts.find(answer => partOf(answer)?.kind === 'state')
  const releases = parts.filter(answer => answer !== state)
  return [
    ...own.flatMap((answer, at) => [...(at > 0 ? [''] : []), ...formatAnswer(say, answer, state && partOf(state))]),
    ...(state ? ['', ...formatAnswer(say, state)] : []),
    ...(releases.length > 0 ? ['', ...formatReleases(say, releases, answers)] : []),
  ]
}

/**
 * One line for each of several files: its name, its verdict, the sentence, and the changes to the
 * version. Ends with the policies that were used, one line each: by a trust list there are several.
 */
export function formatTable(say: Say, rows: readonly Row[]): string[] {
  const judged = rows
    .flatMap(row => (row.kind === 'left-out' ? [] : row.answers.own.flatMap(({ finding }) => finding ?? [])))
    .filter(({ result }) => result.verdict !== 'unknown')
  const trusted = [...new Set(judged.map(finding => sayTrust(say, finding)))]
  const counts = rows.length > 1 ? [...formatCounts(say, rows), ''] : []
  // Of a long list, the screen shows the end.
  return [
    ...counts,
    ...inOrder(rows).flatMap(row => formatRow(say, row)),
    ...(rows.length > MANY ? ['', ...counts] : []),
    ...(trusted.length > 0 ? ['', ...trusted] : []),
  ]
}

/** How many there are of each verdict, the gravest first, one a line. */
function formatCounts(say: Say, rows: readonly Row[]): string[] {
  const all = rows.map(row => (row.kind === 'left-out' ? NOTHING : row.answers))
  const left = rows.filter(({ kind }) => kind === 'left-out').length
  const counts = countVerdicts(say, all).map(({ verdict, isGreen, mark, count, first }) => [
    markOf(isGreen ? 'passed' : verdict === 'invalid' ? 'failed' : 'not-run'),
    sayNumber(say, count),
    count === 1 ? `${mark}: ${first.name}` : mark,
  ])
  return inColumns(left === 0 ? counts : [...counts, [markOf('failed'), sayNumber(say, left), say('mark.none')]], '')
}

const NOTHING: Answers = { own: [], parts: [], partsLeftOut: 0 }

/** Of many, those with the gravest answers first. */
function inOrder(rows: readonly Row[]): readonly Row[] {
  if (rows.length <= MANY) return rows
  const all = rows.flatMap(row => (row.kind === 'left-out' ? [] : [row.answers]))
  const places = new Map(gravestInputsFirst(all).map((answers, at) => [answers, at]))
  const placeOf = (row: Row) => (row.kind === 'left-out' ? -1 : (places.get(row.answers) ?? 0))
  return rows.toSorted((a, b) => placeOf(a) - placeOf(b))
}

function formatRow(say: Say, row: Row): string[] {
  if (row.kind === 'left-out') return [`${markOf('failed')} ${row.name}: ${row.detail} [${row.code}]`]
  const isReceipt = row.kind === 'receipt'
  const releases = row.answers.parts.filter(answer => partOf(answer)?.kind === 'release')
  const lines = row.answers.own.map(answer => {
    const { finding } = answer
    if (finding === undefined) return `${markOf('not-run')} ${row.name}: ${sayProblem(say, answer)}`
    const { result } = finding
    const mark = markOf(result.isGreen ? 'passed' : result.verdict === 'invalid' ? 'failed' : 'not-run')
    const sentence = [sayInLine(say, finding), ...sayChanges(say, result)].join(' ')
    const told = `${result.verdict} (${sayMark(say, result)}): ${sentence}`
    return `${mark} ${row.name}: ${told}${isReceipt ? ` [${RECEIPT_GIVEN.code}: ${RECEIPT_GIVEN.detail}]` : ''}`
  })
  return [...lines, ...(releases.length > 0 ? [`  ${sayReleases(say, releases)}`] : [])]
}

/** The mark of a check; a letter if the terminal shows only ASCII. */
export function markOf(status: CheckResult['status']): string {
  return (isUtf8() ? { passed: '✓', failed: '✗', 'not-run': '–' } : { passed: '+', failed: 'x', 'not-run': '-' })[status]
}

function formatAnswer(say: Say, answer: Answer, state?: Part): string[] {
  if (answer.finding) return formatFinding(say, answer.finding, state)
  return [sayProblem(say, answer), `  ${answer.part ? sayPart(say, answer.part) : answer.name}`]
}

function formatFinding(say: Say, finding: Finding, state: Part | undefined): string[] {
  const { result } = finding
  const { verdict } = result
  const limits = sayLimits(say, result)
  const { sentence, more } = sayHeading(say, finding)
  const about = [
    ...sayChanges(say, result),
    ...more,
    ...saySteps(say, result),
    sayNext(say, verdict),
    ...sayKind(say, finding),
    ...sayPdf(say, finding, state),
    ...sayRemarks(say, finding),
  ]
  return [
    sentence,
    ...about.filter(line => line !== undefined),
    ...(verdict === 'unknown' ? [] : [sayTrust(say, finding)]),
    '',
    ...inColumns(factsOf(say, finding), '  '),
    '',
    ...formatChecks(say, result.checks),
    ...(limits === undefined || finding.part?.kind === 'state' ? [] : ['', limits]),
  ]
}

function factsOf(say: Say, { digest, isFingerprint, expected = [], fileName, receiptName, part, result }: Finding): string[][] {
  const { verdict, agency, record, revision, title, published, origin, index } = result
  const facts: [string, string | undefined][] = [
    [say('result.file'), part ? sayPart(say, part) : fileName],
    [say('result.verdict'), `${verdict} (${sayMark(say, result)})`],
    [say(isFingerprint ? 'result.hash' : 'result.computed'), expected.length > 0 ? digest?.sha256 : undefined],
    ...expected.slice(0, SHOWN_DOCUMENTS).map(({ name, sha256 }): [string, string] => [say('result.expected'), `${sha256} (${name})`]),
    [say('result.receipt'), receiptName],
    [say('record.title'), title],
    [say('result.agency'), agency],
    [say('result.record'), record],
    [say('record.revision'), revision],
    [say('record.published'), published === undefined ? undefined : sayTime(say, published)],
    [say('result.index'), index === undefined ? undefined : `${index} (${origin})`],
  ]
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined)
}

function formatChecks(say: Say, checks: readonly CheckResult[]): string[] {
  const rows = checks.map(check => {
    const { text, technical } = sayDetail(say, check)
    const code = technical === undefined ? '' : ` [${technical}]`
    return [markOf(check.status), say(`check.${check.name}`), say(`status.${check.status}`), `${text}${code}`]
  })
  return inColumns(rows, '  ')
}

function formatReleases(say: Say, releases: readonly Answer[], answers: Answers): string[] {
  const leftOut = answers.partsLeftOut
  const isInOrder = ({ finding }: Answer) =>
    finding !== undefined &&
    ['anchored', 'test-network'].includes(finding.result.verdict) &&
    finding.result.finding === 'anchored' &&
    finding.result.exit !== EXIT_EDITED
  const odd = releases.filter(answer => !isInOrder(answer))
  const shown = odd.slice(0, SHOWN_RELEASES).map(answer => {
    const part = partOf(answer)
    const { list } = answer.finding?.result ?? {}
    const ledger = list?.entry === undefined ? '' : ` (${list.entry})`
    return `  ${part ? sayPart(say, part) : ''}: ${answer.finding ? sayVerdict(say, answer.finding.result) : sayRefused(say, answer)}${ledger}`
  })
  return [
    sayReleases(say, releases),
    ...shown,
    ...(odd.length > SHOWN_RELEASES ? [`  … +${odd.length - SHOWN_RELEASES} (--json)`] : []),
    ...(leftOut > 0 ? [`  ${say('verify.tooManyReleases', { count: countReleases(releases), left: leftOut })}`] : []),
    ...sayPartsUnanswered(say, answers).map(line => `  ${line}`),
  ]
}

function sayReleases(say: Say, releases: readonly Answer[]): string {
  const markOfRelease = ({ finding }: Answer) => (finding ? sayMark(say, finding.result) : say('mark.none'))
  const counts = [...groupBy(releases, markOfRelease)].map(([mark, { length }]) => `${mark}: ${length}`)
  return `${say('result.releases')}: ${counts.join(' · ')}`
}

function sayRefused(say: Say, answer: Exclude<Answer, { finding: Finding }>): string {
  const code = answer.code === undefined ? '' : ` [${answer.code}: ${answer.reason}]`
  return `${sayProblem(say, answer)}${code}`
}

function inColumns(rows: readonly (readonly string[])[], indent: string): string[] {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, at) => Math.max(widest[at] ?? 0, cell.length)), [])
  return rows.map(row => `${indent}${row.map((cell, at) => (at < row.length - 1 ? cell.padEnd(widths[at] ?? 0) : cell)).join(' ')}`)
}
