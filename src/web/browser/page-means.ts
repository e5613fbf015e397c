/** What the checks of the verify page go by: the page's policy or the reader's, and whom they ask. */
import type { GivenPolicy, Means, TrustEntry, TrustList } from '../../verifier/index.ts'
import type { OpenArchive } from './open-archive.ts'
import type { PageData } from './page-data.ts'

/** The code that checks. A served page can also ask its ledger. */
export type Checking = typeof import('./checking.ts') & { readonly openArchive: OpenArchive } & Partial<
    Pick<typeof import('./served-checking.ts'), 'openLedger'>
  >

/** What the reader chose, and the page's list once it was loaded. */
type Chosen = {
  readonly data: PageData
  readonly ownPolicy: GivenPolicy | undefined
  readonly others: TrustList | undefined
  readonly endpoints: readonly string[]
}

/** For one question to a ledger or a chain. */
const TIMEOUT_MS = 15_000
/** For everything that one round of checks asks. */
const DEADLINE_MS = 600_000

/** The page's list. A page that cannot load it does not check by half of its rules. */
export async function loadOthers({ parseTrustList }: Checking, data: PageData): Promise<TrustList | undefined> {
  if (typeof data.others !== 'string') return data.others && parseTrustList(data.others)
  const answer = await fetch(data.others)
  if (!answer.ok) throw new Error('the list cannot be loaded')
  return parseTrustList(await answer.text())
}

/** Creates the means of one round of checks. */
export function createMeans(
  { createJsonRpcReader, fetchUntil, isTrustList, openLedger, parsePolicy, readEndpoint }: Checking,
  chosen: Chosen,
): Means {
  const { data, ownPolicy, others, endpoints } = chosen
  const { ledger } = data
  const { urlOf } = addressesOf(data)
  const signal = AbortSignal.timeout(DEADLINE_MS)
  // Called through a function, because a browser's fetch must not be called as a method of another
  // object.
  const ask = fetchUntil(signal, (...request) => fetch(...request))
  const policy = ownPolicy?.policy ?? parsePolicy(data.policy)
  const policySource = ownPolicy?.source ?? (ledger === undefined ? ({ kind: 'saved' } as const) : undefined)
  const open = (url: string, origin: string) => openLedger?.({ url, origin, fetch: ask, timeoutMs: TIMEOUT_MS, signal })
  return {
    policy,
    policySource,
    trust: policySource === undefined ? 'ledger' : 'policy',
    signal,
    others: ownPolicy === undefined ? others : undefined,
    chain: endpoints.flatMap(text => {
      const endpoint = readEndpoint(text)
      return endpoint === undefined ? [] : [createJsonRpcReader({ ...endpoint, fetch: ask, timeoutMs: TIMEOUT_MS })]
    }),
    ledger: ledger && open(ledger.url, isTrustList(policy) ? ledger.origin : policy.origin),
    // A ledger of a list is asked from here: the reader's browser may ask any that allows it.
    ledgerOf: entry => {
      const url = urlOf(entry)
      return url === undefined ? undefined : open(url, entry.origin)
    },
  }
}

/**
 * The address of the page's own ledger, and the one at which it asks the ledger of an entry. The
 * offline file asks none.
 */
export function addressesOf({ ledger }: PageData) {
  return { url: ledger?.url, urlOf: (entry: TrustEntry) => (ledger?.origin === entry.origin ? ledger.url : ledger && entry.ledger) }
}

/** An endpoint's address without the chain that it is for. */
export function withoutChain(endpoint: string): string {
  return endpoint.replace(/^\d+=/, '')
}
