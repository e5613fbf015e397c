/** The state of the service, and its refusals. */
import { z } from 'zod'
import { count, hex32, time } from './values.ts'

/** RFC 9457. */
export const problem = z
  .object({ type: z.string(), title: z.string(), status: z.int(), code: z.string().regex(/^[A-Z0-9_]+$/), detail: z.string() })
  .meta({ id: 'Problem' })

/** The ledger's state. */
export const status = z
  .strictObject({
    origin: z.string(),
    vkey: z.string(),
    size: count,
    root: hex32,
    checkpoint: z.string(),
    accepting: z.boolean(),
    alarms: z.array(z.string()).describe('one sentence each; if nothing is accepted, the reason comes first'),
    alarmCodes: z.array(z.string()).describe('a stable code for each alarm, in the same order'),
    anchored: z.strictObject({ size: count, time }).optional(),
    behind: count.describe('how many entries no final round covers'),
    behindSeconds: z.number().min(0).describe('how long the oldest of them has waited, as far as this process saw'),
    scrub: z
      .strictObject({ at: count, passes: count, lastPass: time.optional(), findings: z.array(z.string()) })
      .optional()
      .describe('how far the ledger has read itself again from its disk, and what did not match'),
    operator: z
      .strictObject({ name: z.string().optional(), contact: z.string().optional() })
      .describe('who is responsible for this ledger, as far as they have said so'),
    vouchers: z
      .array(
        z
          .strictObject({
            kind: z.enum(['chain', 'witness', 'timestamp']),
            name: z.string().describe('as it was configured; of a witness, the name of its key, and its id if two have one name'),
            chainId: count.optional().describe('of a chain'),
            size: count.describe('the newest tree size that it vouches for; 0 before the first'),
            revocation: z
              .enum(['good', 'unreachable', 'unnamed'])
              .optional()
              .describe(
                'of an authority: whether somebody was asked if the certificates behind its newest time stamp were revoked: good: asked, and they were not; unreachable: no list and no responder answered; unnamed: a certificate names neither',
              ),
            alarm: z.string().optional(),
            alarmCode: z.string().optional(),
          })
          .meta({ id: 'Voucher' }),
      )
      .describe('everyone who vouches for rounds, each with the reason if it is behind'),
  })
  .meta({ id: 'Status' })

/** Liveness: the process answers. */
export const health = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' })

/** Readiness: whether submissions are accepted, and how far the anchor lags. */
export const readiness = z
  .strictObject({
    status: z.enum(['ok', 'stopped']),
    alarms: z.array(z.string()),
    alarmCodes: z.array(z.string()),
    behind: count,
    behindSeconds: z.number().min(0),
  })
  .meta({ id: 'Readiness' })
