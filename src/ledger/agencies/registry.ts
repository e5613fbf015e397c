/** The agencies that are registered here, by their ids. */
import { OpenSealError } from '../../core/errors.ts'
import { isAgencyId } from '../../core/statements/statement.ts'
import { formatTime } from '../../core/time.ts'
import type { Host } from '../../host.ts'
import { type Documents, isDocumentChanged } from '../../store/port/documents.ts'

export type Agency = { readonly id: string; readonly name: string; readonly created: string }

export type Registry = {
  /** @throws AgencyError AGENCY_ID_MALFORMED, AGENCY_EXISTS */
  add(agency: { id: string; name: string }): Promise<Agency>
  /** @throws AgencyError AGENCY_NOT_FOUND */
  get(id: string): Promise<Agency>
  list(): Promise<Agency[]>
}

type Deps = { readonly store: Documents; readonly host: Pick<Host, 'nowMs' | 'steadyMs' | 'breathe'> }

const AGENCIES = 'agencies'
/** How long another node may take to list a new agency. */
const RELIST_MS = 1000

/** Opens the registry of a store. */
export function createRegistry({ store, host }: Deps): Registry {
  /** All agencies as read a moment ago, shared by requests: every search looks through them. */
  let listed: { readonly agencies: Promise<Agency[]>; readonly readMs: number } | undefined

  return {
    async add({ id, name }) {
      if (!isAgencyId(id))
        throw new AgencyError(
          'AGENCY_ID_MALFORMED',
          `An agency's id is a lower-case DNS name such as transport.gov.example, not ${JSON.stringify(id)}.`,
        )
      const agency = { id, name, created: formatTime(host.nowMs()) }
      const row = { collection: AGENCIES, key: id, value: JSON.stringify(agency) }
      await store.writeDocuments([row], { unless: [{ ...row, value: null }] }).catch(cause => {
        throw isDocumentChanged(cause) ? new AgencyError('AGENCY_EXISTS', `The agency ${id} is registered already.`, { cause }) : cause
      })
      listed = undefined
      return agency
    },
    async get(id) {
      const row = await store.readDocument(AGENCIES, id)
      if (row === undefined) throw new AgencyError('AGENCY_NOT_FOUND', `There is no agency ${JSON.stringify(id)} here.`)
      return JSON.parse(row)
    },
    list() {
      if (listed !== undefined && host.steadyMs() - listed.readMs < RELIST_MS) return listed.agencies
      const agencies = listNow(store, host)
      const fresh = { agencies, readMs: host.steadyMs() }
      listed = fresh
      // Other requests do not share a failure.
      agencies.catch(() => {
        if (listed === fresh) listed = undefined
      })
      return agencies
    },
  }
}

async function listNow(store: Documents, { breathe }: Pick<Host, 'breathe'>): Promise<Agency[]> {
  const agencies: Agency[] = []
  for (const { value } of await store.listDocuments(AGENCIES)) {
    await breathe()
    agencies.push(JSON.parse(value))
  }
  return agencies
}

/**
 * AGENCY_EXISTS, AGENCY_NOT_FOUND, AGENCY_ID_MALFORMED, KEY_NOT_FOUND, KEY_UNKNOWN, KEY_REVOKED,
 * KEY_EXPIRED.
 */
export class AgencyError extends OpenSealError {}
