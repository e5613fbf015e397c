/** Time stamps as rounds need them. Implemented in `src/timestamps`. */

/** Asks one time-stamp authority for tokens. */
export type TimestampClient = {
  /** The authority's name, for people. */
  readonly name: string
  /**
   * A token of SHA-256 over the checkpoint's text: three lines, the last newline included. It was
   * checked as a verifier will check it, and for revocation.
   * @throws OpenSealError TIMESTAMP_UNREACHABLE, TIMESTAMP_ANSWER, TIMESTAMP_REFUSED,
   * TIMESTAMP_CLOCK, TIMESTAMP_REVOKED, and the codes of TimestampError
   */
  stamp(checkpointText: string, signal?: AbortSignal): Promise<Stamp>
}

/** A token that was checked. */
export type Stamp = {
  /** The DER TimeStampToken. */
  readonly token: Uint8Array
  /** The checkpoint existed not later than this: the token's time plus its accuracy, rounded up. */
  readonly time: string
  /** When the first of its certificates or algorithms ends. A later token must cover it before. */
  readonly renewBy: string
  /** SHA-256 of the token, lower-case hex. */
  readonly sha256: string
  /** SHA-256 of the public key that signed it, lower-case hex. */
  readonly signer: string
  /**
   * Whether the certificates were asked about: `unreachable` if neither a list of revoked
   * certificates nor a responder gave a usable answer, `unnamed` if a certificate names neither.
   */
  readonly revocation: 'good' | 'unreachable' | 'unnamed'
}
