/** The options of `submit`, for documents and OCDS files. */
import type { TrustOptions } from './received.ts'

/** The options of `submit`, as commander gives them. */
export type SubmitOptions = TrustOptions & {
  ledger: string
  json?: boolean
  agency: string
  ocds?: boolean
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
