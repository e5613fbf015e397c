/** When the algorithms of a time stamp end, and so when a later one must cover it. */

import type { VerifiedToken } from '../verifier/timestamp/verify-token.ts'

type Suites = VerifiedToken['suites']

/**
 * End dates, as of 2026-12-01. ETSI TS 119 312 V1.5.1 (2024-12) ends RSA keys below 3,000 bits with
 * 2028. It has no date for the others; NIST IR 8547 (draft of 2024-11) ends all that a quantum
 * computer breaks with 2035.
 */
const ENDS = { shortRsa: '2028-12-31T23:59:59Z', others: '2035-12-31T23:59:59Z' } as const
const LONG_RSA_BITS = 3000

/** When the first certificate of the path, or the weakest algorithm, ends. Unix seconds. */
export function renewalSeconds({ path, suites }: Pick<VerifiedToken, 'path' | 'suites'>): number {
  return Math.min(...path.map(({ notAfter }) => notAfter), Date.parse(endOf(suites)) / 1000)
}

function endOf(suites: Suites): string {
  return suites.some(({ family, bits }) => family === 'RSA' && bits < LONG_RSA_BITS) ? ENDS.shortRsa : ENDS.others
}
