/** The answers of a check as a table in CSV. */
import { visible } from '../core/visible.ts'
import type { Say } from '../messages/say.ts'
import { sayChanges, sayInLine, sayPart, sayProblem, sayUnread } from '../messages/verdict.ts'
import { type Answer, type Answers, partOf, type Unread } from '../verifier/index.ts'
import { nameOf } from './summary.ts'
import { toCsv } from './table.ts'

/** Excel reads a file as UTF-8 only if it begins with this mark. */
const BYTE_ORDER_MARK = '\ufeff'

/** The columns, for programs: always English. */
const COLUMNS = [
  ...['file', 'part', 'bytes', 'sha256', 'verdict', 'finding', 'exit', 'date', 'entry', 'agency', 'record', 'revision'],
  ...['sentence', 'changes', 'checks'],
]

/** One row for each answer, parts of a file after it, and one for all that was not looked at. */
export function formatCsv(say: Say, all: readonly Answers[], unread: readonly Unread[]): string {
  const rows = all.flatMap(({ own, parts, partsLeftOut }) => [
    ...[...own, ...parts].map(answer => rowOf(say, answer)),
    ...(partsLeftOut > 0 ? [restOf(say, own[0], partsLeftOut)] : []),
  ])
  const left = unread.map(each => [each.name, '', '', '', 'none', ...empty(7), sayUnread(say, [each]).join(' '), '', ''])
  const plain = (text: string) => visible(text.replace(/[\u2068\u2069]/g, ''))
  return (
    BYTE_ORDER_MARK +
    toCsv(
      COLUMNS,
      [...rows, ...left].map(row => row.map(plain)),
    )
  )
}

function rowOf(say: Say, answer: Answer): string[] {
  const part = partOf(answer)
  const place = [nameOf(answer), part === undefined ? '' : sayPart(say, part)]
  const { finding } = answer
  if (finding === undefined) return [...place, '', '', 'none', ...empty(7), sayProblem(say, answer), '', '']
  const { digest, isFingerprint, result } = finding
  const { verdict, finding: found, exit, date, index, agency, record, revision, checks } = result
  const numbers = [digest === undefined || isFingerprint ? '' : String(digest.bytes), digest?.sha256 ?? '', verdict, found, String(exit)]
  return [
    ...place,
    ...numbers,
    ...[date ?? '', index === undefined ? '' : String(index), agency ?? '', record ?? '', revision ?? ''],
    ...[sayInLine(say, finding), sayChanges(say, result).join(' ')],
    checks.map(({ name, status, code }) => `${name} ${status}${code === undefined ? '' : ` ${code}`}`).join('; '),
  ]
}

/** Parts that were not checked. */
function restOf(say: Say, first: Answer | undefined, left: number): string[] {
  return [first ? nameOf(first) : '', '', '', '', 'none', ...empty(7), say('report.partsLeft', { count: left }), '', '']
}

function empty(count: number): string[] {
  return Array.from({ length: count }, () => '')
}
