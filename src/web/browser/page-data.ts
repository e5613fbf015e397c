/**
 * The data with which a verify page starts: JSON that the server writes into the page, or that is
 * put into the offline file.
 */
import type { Json } from '../../core/json.ts'
import type { Messages } from '../../messages/en.ts'

/** The data of a page. `ledger` is missing in the offline file, which asks no ledger. */
export type PageData = {
  readonly languages: { readonly [lang: string]: Readonly<Partial<Messages>> }
  /**
   * The sentences of all languages in a third of the space, for the offline file: gzip and base64
   * of lists of lines with a form feed between them. The first list is "key" and the keys; each
   * other is a language's tag and its sentences in the order of the keys.
   */
  readonly packed?: string
  /** The language of the page. Offline, the browser's is used. */
  readonly lang?: string
  readonly policy: { readonly [member: string]: Json }
  /** The list for receipts of other ledgers, or the address of a served page's list. */
  readonly others?: { readonly [member: string]: Json } | string
  /** As `readEndpoint` reads them. */
  readonly endpoints: readonly string[]
  readonly ledger?: { readonly url: string; readonly base: string; readonly origin: string }
}

/** Id of the script element that holds the data. */
export const PAGE_DATA_ID = 'openseal-data'
