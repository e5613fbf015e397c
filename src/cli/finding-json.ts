/** The results of `openseal verify` for programs: the exit code, and the JSON of `--json`. */
import { addressOf } from '../report/asked.ts'
import { type Answer, type Answers, partOf, VERDICTS } from '../verifier/index.ts'
import type { CheckSetting } from './check-setting.ts'
import { EXIT_INVALID, EXIT_UNCHECKED, EXIT_USAGE } from './command.ts'

/**
 * The result for one input: checked as a file, a receipt without its file, or left out with the
 * reason.
 */
export type Row =
  | { readonly kind: 'checked' | 'receipt'; readonly name: string; readonly answers: Answers }
  | { readonly kind: 'left-out'; readonly name: string; readonly code: string; readonly detail: string }

/** The ledgers and the endpoints of the chain that were asked. Endpoints lack whatever might be a secret in their addresses. */
type Sources = Pick<CheckSetting, 'policy' | 'url' | 'urlOf' | 'endpoints'>

/** The reason for a receipt that was given in place of a file. */
export const RECEIPT_GIVEN = { code: 'FILE_IS_RECEIPT', detail: 'this is a receipt, not a file to check: name the file too' } as const

/**
 * The exit code of all rows: that of the verdict highest in the table of design §8. A row that was
 * left out gives 2, unless another row is invalid.
 */
export function exitOfAll(rows: readonly Row[]): number {
  const exits = rows.map(exitOf)
  if (exits.includes(EXIT_INVALID)) return EXIT_INVALID
  if (exits.includes(EXIT_USAGE)) return EXIT_USAGE
  return gravest(rows.flatMap(row => (row.kind === 'left-out' ? [] : row.answers.own)))
}

/**
 * One object: the file's own result, with `others` if more receipts or records list it,
 * `earlierState` of a PDF, `releases` of a package.
 */
export function rowAsJson(row: Row, asked: Sources): object {
  if (row.kind === 'left-out') return { file: row.name, code: row.code, detail: row.detail, exit: EXIT_USAGE }
  const { own, parts, partsLeftOut, partsNotAsked } = row.answers
  const plain = (answer: Answer) => answerAsJson(answer, asked)
  const [main, ...others] = own
  if (row.kind === 'receipt') return { file: row.name, ...RECEIPT_GIVEN, exit: exitOf(row), entry: main && plain(main) }
  const state = parts.find(answer => partOf(answer)?.kind === 'state')
  const releases = parts.filter(answer => partOf(answer)?.kind === 'release')
  return {
    file: row.name,
    ...(main && plain(main)),
    exit: exitOf(row),
    ...(main?.finding?.pdf && { signedPdf: main.finding.pdf.isSigned }),
    ...(others.length > 0 && { others: others.map(plain) }),
    ...(state && { earlierState: plain(state) }),
    ...(releases.length > 0 && { releases: releases.map(plain) }),
    ...(partsLeftOut > 0 && { releasesLeftOut: partsLeftOut }),
    ...(partsNotAsked && { releasesNotAskedIn: partsNotAsked }),
  }
}

function answerAsJson(answer: Answer, asked: Sources): object {
  const { finding, problem, code, reason, lookedUp = finding?.lookedUp } = answer
  const { kind: _, ...place } = partOf(answer) ?? {}
  if (finding === undefined) return { ...place, problem, ...(code && { code }), ...(reason && { reason }), ...(lookedUp && { lookedUp }) }
  const ledger = addressOf(finding, asked)
  const { digest, expected, fileKind, earlier, isFresher, policySource, receiptName, result } = finding
  return {
    ...place,
    receipt: receiptName ?? ledger,
    ...(isFresher && { fresher: true }),
    ...result,
    ...(policySource?.kind === 'file' && { policy: { file: policySource.name, sha256: policySource.sha256 } }),
    ...(digest && { sha256: digest.sha256, ...(digest.jcs && { jcs: digest.jcs }) }),
    ...(expected && { expected }),
    ...(fileKind && { fileKind }),
    ...(earlier && { earlier }),
    ...(lookedUp && { lookedUp }),
    ...(result.verdict === 'unchecked' && { endpoints: asked.endpoints, ledger }),
  }
}

/**
 * The exit code of the gravest of a file's own answers, unless the receipt of a release in it is
 * invalid.
 */
function exitOf(row: Row): number {
  if (row.kind === 'left-out') return EXIT_USAGE
  const { own, parts } = row.answers
  const isInvalid = ({ finding }: Answer) => finding?.part?.kind === 'release' && finding.result.verdict === 'invalid'
  if (parts.some(isInvalid) || own.some(({ finding }) => finding?.result.verdict === 'invalid')) return EXIT_INVALID
  if (row.kind === 'receipt' || own.some(({ problem }) => problem === 'receipt-encoding')) return EXIT_USAGE
  return gravest(own)
}

/**
 * Among answers with one verdict, the highest code: `anchored` has more than one. Without an answer
 * from the ledger, nothing was checked.
 */
function gravest(answers: readonly Answer[]): number {
  const results = answers.flatMap(({ finding }) => (finding ? [finding.result] : []))
  const verdicts = [...results.map(({ verdict }) => verdict), ...(results.length < answers.length ? (['unchecked'] as const) : [])]
  const worst = VERDICTS.find(({ code }) => verdicts.includes(code))
  if (worst === undefined) throw new Error('bug: nothing was checked')
  const exits = results.filter(({ verdict }) => verdict === worst.code).map(({ exit }) => exit)
  return exits.length === 0 ? EXIT_UNCHECKED : Math.max(...exits)
}
