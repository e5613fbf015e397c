/** The options of `submit`, for single files, many files and OCDS files. */
import type { TrustOptions } from './received.ts'

/** The options of `submit`, as commander gives them. */
export type SubmitOptions = TrustOptions & {
  ledger: string
  json?: boolean
  agency?: string
  ocds?: boolean
  manifest?: string
  recordFrom?: 'path'
  record?: string
  kind?: string
  action?: string
  revision?: string
  target?: string
  title?: string
  language?: string
  published?: string
  identifier?: { scheme: string; value: string }[]
  reason?: string
  reasonText?: string
  dryRun?: boolean
  accept?: string[]
  wait?: number
}

/** The options with the agency that every statement is of. */
export type AgencyOptions = SubmitOptions & { agency: string }
