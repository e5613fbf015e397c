/** Errors of the chain and of signers. */
import { OpenSealError } from '../core/errors.ts'

/**
 * CHAIN_UNREACHABLE (no usable answer in time), CHAIN_WRONG (another chain), CHAIN_ALREADY_KNOWN,
 * CHAIN_NONCE_TOO_LOW, CHAIN_UNDERPRICED, CHAIN_FUNDS, CHAIN_REJECTED; CHAIN_NO_CONTRACT and
 * CHAIN_OTHER_CODE when a contract is looked for; CHAIN_NO_ANCHOR when a log is to be closed at a size
 * of which it has no anchor. Of a remote signer: CHAIN_SIGNER_UNREACHABLE,
 * CHAIN_SIGNER_REFUSED, CHAIN_SIGNER_WRONG (it signed something else). Of a key file:
 * CHAIN_KEY_UNREADABLE, CHAIN_KEY_MALFORMED, CHAIN_KEY_PASSWORD. Of an endpoint in an audit:
 * CHAIN_REFUSED, CHAIN_EVENTS (it returns no events), CHAIN_UNREADABLE, CHAIN_LATE (the time for the
 * audit has ended).
 */
export class ChainError extends OpenSealError {}
