/** The troubles of anchoring, round after round. */
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import { isDocumentChanged } from '../store/port/documents.ts'

/** A problem with anchoring: a stable code, and a sentence for people. */
export type Trouble = { readonly code: string; readonly message: string }

export type Troubles = {
  /** A problem in the current round that does not end it. */
  note(trouble: Trouble): void
  /** Runs a round, or a comparison. Remembers what it noted, or why it failed, and rethrows. */
  during(act: () => Promise<void>): Promise<void>
  /** The last trouble; undefined if there was no trouble. */
  current(): Trouble | undefined
}

/** Creates the watch over troubles. Each change is logged once, however many rounds it lasts. */
export function createTroubles(log: Log, isStopping: () => boolean): Troubles {
  let current: Trouble | undefined
  let noted: Trouble | undefined

  function tell(next: Trouble | undefined, cause?: unknown): void {
    // A stop can make a round fail. The next start continues from what is stored.
    if (isStopping()) return
    if (next !== undefined && next.code !== current?.code) log.error('anchoring is in trouble', { ...plain(next), cause })
    if (next === undefined && current !== undefined) log.info('anchoring goes on', { after: current.code })
    current = next
  }

  return {
    note(trouble) {
      noted = trouble
    },
    async during(act) {
      noted = undefined
      try {
        await act()
        tell(noted)
      } catch (cause) {
        // Another anchorer has the journal now. Nothing was written over its work.
        if (isDocumentChanged(cause)) return
        tell(isOfChain(cause) ? plain(cause) : { code: 'ANCHOR_FAILED', message: 'Anchoring fails: see the log.' }, cause)
        throw cause
      }
    },
    current: () => current,
  }
}

/** Whether a failure is the chain's. After any other, what the store holds must be read again. */
export function isOfChain(cause: unknown): cause is OpenSealError {
  return cause instanceof OpenSealError && cause.code.startsWith('CHAIN_')
}

/** Without the members of an error, which the log gets separately. */
function plain({ code, message }: Trouble): Trouble {
  return { code, message }
}
