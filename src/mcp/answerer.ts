/**
 * The questions of the tools for assistants. The service asks its own ledger. The command line asks
 * a ledger over HTTP, and checks with the reader's own policy and chain.
 */
import { OpenSealError } from '../core/errors.ts'
import type { Answers } from '../verifier/index.ts'

/** The input of a check: a fingerprint, a receipt, or both. */
export type ToCheck = { readonly sha256?: string | undefined; readonly receipt?: string | undefined }

/** A search, as `GET /v1/records` takes it. */
export type WantedRecords = {
  readonly sha256?: string | undefined
  readonly agency?: string | undefined
  readonly record?: string | undefined
  readonly text?: string | undefined
  readonly cursor?: string | undefined
  readonly limit: string
}

export type Answerer = {
  /** The ledger's public address, without a final slash. */
  readonly url: string
  /** Throws OpenSealError if it cannot be checked now, or if the receipt is not one. */
  check(given: ToCheck): Promise<readonly Answers[]>
  /** Checks a file of this machine; missing where no files may be read. Throws OpenSealError. */
  readonly checkFile?: (path: string) => Promise<readonly Answers[]>
  /** The JSON of `GET /v1/records`. Throws OpenSealError. */
  find(wanted: WantedRecords): Promise<unknown>
  /** The JSON of `GET /v1/records/:index`. Throws OpenSealError RECORD_NOT_FOUND, RECORD_ERASED, RECORD_ERASING. */
  record(index: number): Promise<unknown>
  /** The JSON of `GET /v1/status`. Throws OpenSealError. */
  status(): Promise<unknown>
}

/** The error for a text that is not a receipt. */
export function notReceipts(): OpenSealError {
  return new OpenSealError('GIVEN_NO_RECEIPT', 'this is not a receipt')
}
