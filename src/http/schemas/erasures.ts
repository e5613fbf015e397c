/** Erasures: the request and its answers. */
import { z } from 'zod'
import { erasureReason } from './statements.ts'
import { count, time } from './values.ts'

/** The request to erase a statement. */
export const newErasure = z.strictObject({ reason: erasureReason }).meta({ id: 'NewErasure' })

/** The answer while the erasure can be taken back. */
export const erasureDue = z
  .strictObject({ index: count, due: time.describe('when it will be erased; until then the request can be taken back') })
  .meta({ id: 'ErasureDue' })

/** The answer once the statement is erased. */
export const erasureDone = z
  .strictObject({ index: count, erasure: count.describe('the index of the tombstone') })
  .meta({ id: 'ErasureDone' })
