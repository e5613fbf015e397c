/** The errors of reading an OCDS file. */
import { OpenSealError } from '../../core/errors.ts'

/**
 * OCDS_NOT_UTF8, OCDS_TRUNCATED, OCDS_MALFORMED, OCDS_DUPLICATE_KEY, OCDS_SHAPE, OCDS_TOO_LARGE,
 * OCDS_EMPTY, OCDS_KIND or OCDS_RELEASE (one release only).
 */
export class OcdsError extends OpenSealError {}
