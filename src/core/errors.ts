/** The base class of every expected failure. Callers branch on `code`; people read the message. */

/**
 * An expected failure with a stable `NOUN_FACT` code. The message says what to do next; the cause
 * is for the log only.
 */
export class OpenSealError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}
