/**
 * The statements that every measurement submits: of the size that a tender with two documents has,
 * and all different.
 */

import { createHash } from 'node:crypto'
import { STATEMENT, type Statement } from '../src/core/statements/statement.ts'

export const AGENCY = 'bench.gov.example'

/** The n-th statement as a line of JSON, about 800 bytes. Another `run` gives other statements. */
export function statementLine(run: string, n: number): string {
  return JSON.stringify(statementOf(run, n))
}

/** The n-th statement. */
export function statementOf(run: string, n: number): Statement {
  const digest = createHash('sha256').update(`${run} ${n}`).digest('hex')
  const other = createHash('sha256').update(digest).digest('hex')
  return {
    type: STATEMENT,
    agency: AGENCY,
    kind: 'procurement',
    action: 'publish',
    record: `ocds-bench-${run}-${n}`,
    revision: `${n}-1`,
    identifiers: [{ scheme: 'ocid', value: `ocds-bench-${run}-${n}` }],
    title: `Resurfacing of section ${n} of the northern ring road, with drainage and markings`,
    language: 'en',
    published: '2026-11-23T09:00:00Z',
    documents: [
      { name: 'notice.json', mediaType: 'application/json', bytes: 4096 + (n % 1000), sha256: digest, jcs: digest },
      { name: 'specification.pdf', mediaType: 'application/pdf', bytes: 1_200_000 + n, sha256: other },
    ],
  }
}
