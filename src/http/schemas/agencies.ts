/** Agencies and their keys. */
import { z } from 'zod'
import { isTime } from '../../core/time.ts'
import { agencyId, time } from './values.ts'

/** The name of an agency. */
export const agencyName = z.string().trim().min(1).max(200)
/** An operator's request to register an agency. */
export const newAgency = z.strictObject({ id: agencyId, name: agencyName }).meta({ id: 'NewAgency' })
/** A registered agency. */
export const agency = z.object({ id: agencyId, name: z.string(), created: time.optional() }).meta({ id: 'Agency' })
/** All agencies. */
export const agencyList = z.strictObject({ agencies: z.array(agency) }).meta({ id: 'AgencyList' })
/** The rights of a key: to submit, or also to make and revoke keys of its agency. */
const keyRole = z.enum(['submit', 'admin'])
/** A request for a new key, which may submit only unless it says more. */
export const newKey = z
  .strictObject({
    label: z.string().trim().min(1).max(100).optional(),
    expires: time.refine(isTime, 'is not a date of the calendar').optional(),
    role: keyRole.optional(),
  })
  .meta({ id: 'NewKey' })
/** A new key, shown only once. */
export const createdKey = z.strictObject({ keyId: z.string(), key: z.string() }).meta({ id: 'CreatedKey' })
/** A key as it is stored. */
export const apiKey = z
  .object({
    keyId: z.string(),
    role: keyRole,
    label: z.string().optional(),
    created: time.optional(),
    expires: time.optional(),
    revoked: time.optional(),
  })
  .meta({ id: 'ApiKey' })
/** A key and its agency, as the key itself is told. */
export const ownKey = apiKey.extend({ agency: agencyId }).meta({ id: 'OwnKey' })
/** All keys of an agency. */
export const keyList = z.strictObject({ keys: z.array(apiKey) }).meta({ id: 'KeyList' })
