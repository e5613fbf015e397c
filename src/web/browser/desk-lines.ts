/** Sends statements as lines under the session of the desk. */
import type { WarningCode } from '../../core/statements/warnings.ts'
import type { DeskData } from '../desk/choose.ts'

/** The answer to one line. */
export type LineReply = {
  readonly status: number
  readonly index?: number
  readonly known?: number
  readonly code?: string
  readonly detail?: string
  readonly warnings?: readonly WarningCode[]
}

const ATTEMPTS = 5
const WAIT_MS = 2_000

/** A sender from `createLineSender`. */
export type LineSender = ReturnType<typeof createLineSender>

/** Creates the sender. It takes a new token when the session was renewed in another tab. */
export function createLineSender({ formToken, agency }: Pick<DeskData, 'formToken' | 'agency'>) {
  let token = formToken
  const renew = async () => {
    const answer = await fetch('/desk/token')
    const session = answer.ok ? ((await answer.json()) as { readonly token: string; readonly agency: string }) : undefined
    // Another agency's session must not send these statements.
    if (session?.agency !== agency) throw new SendError(true)
    token = session.token
  }
  const post = (lines: readonly string[], dry: boolean) =>
    fetch(dry ? '/desk/lines?dry-run' : '/desk/lines', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson', 'X-CSRF-Token': token },
      body: `${lines.join('\n')}\n`,
    })

  return {
    /**
     * One answer for each line. Throws SendError if the session has ended or the ledger is away.
     */
    async send(lines: readonly string[], dry: boolean): Promise<readonly LineReply[]> {
      for (let attempt = 1; ; attempt++) {
        const answer = await post(lines, dry).catch(() => undefined)
        if (answer?.status === 200) {
          const text = await answer.text().catch(() => '')
          const answers = text.split('\n').filter(line => line.includes('"line"'))
          // Without the summary the answer was cut off. Sending again is safe.
          if (text.includes('"rejected"') && answers.length === lines.length) return answers.map(line => JSON.parse(line))
        }
        if (answer?.status === 401) await renew()
        else if (attempt === ATTEMPTS) throw new SendError(false)
        else await new Promise(resolve => setTimeout(resolve, WAIT_MS))
        if (attempt > ATTEMPTS) throw new SendError(true)
      }
    },
  }
}

/** The sending was interrupted. It can go on later. */
export class SendError extends Error {
  readonly isSignedOut: boolean

  constructor(isSignedOut: boolean) {
    super(isSignedOut ? 'the session has ended' : 'the ledger did not answer')
    this.isSignedOut = isSignedOut
  }
}
