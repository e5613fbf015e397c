/** Errors that prevent the service from starting. */
import { OpenSealError } from '../core/errors.ts'

/** SERVER_STORE, SERVER_DATA, SERVER_CONTRACT, SERVER_PRODUCTION, SERVER_TRUST_LIST. */
export class ServerError extends OpenSealError {}
