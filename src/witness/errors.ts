/** Why a witness does not cosign. */
import { OpenSealError } from '../core/errors.ts'

/**
 * The witness cosigns nothing, for any log, until its operator has acted. Codes: WITNESS_KEY_NAME,
 * WITNESS_FOLDER_LOCKED, WITNESS_FOLDER_MARK, WITNESS_KEY_LOCKED, WITNESS_STATE_DAMAGED, WITNESS_MARK_GONE,
 * WITNESS_MARK_UNREADABLE, WITNESS_MARK_AHEAD, WITNESS_POLICY_TWICE.
 */
export class WitnessStop extends OpenSealError {}

/**
 * An answer of C2SP tlog-witness other than 200. `latest` is the size that goes with status 409.
 */
export class WitnessRefusal extends OpenSealError {
  readonly status: 400 | 403 | 404 | 409 | 422
  readonly latest: number | undefined

  constructor(
    status: WitnessRefusal['status'],
    code: string,
    message: string,
    { latest, cause }: { latest?: number; cause?: unknown } = {},
  ) {
    super(code, message, { cause })
    this.status = status
    this.latest = latest
  }
}
