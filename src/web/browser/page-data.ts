/** What a verify page is told when it starts: written into it as JSON by the server, or into the offline file when that is made. */
import type { Json } from '../../core/json.ts'
import type { Messages } from '../../messages/en.ts'

/** The data of a page. `ledger` is absent in the offline file, which asks no ledger. */
export type PageData = {
  readonly languages: { readonly [lang: string]: Readonly<Partial<Messages>> }
  /**
   * The sentences of all languages, which the offline file holds in a third of the room: gzip and base64 of lists of lines with a form feed between them, first
   * "key" and the keys, then each language's tag and its sentences in the order of the keys.
   */
  readonly packed?: string
  /** The language of the page; offline the browser's is taken. */
  readonly lang?: string
  readonly policy: { readonly [member: string]: Json }
  readonly endpoints: readonly string[]
  readonly ledger?: { readonly url: string; readonly base: string; readonly origin: string }
}

/** Id of the script element that holds the data. */
export const PAGE_DATA_ID = 'openseal-data'
