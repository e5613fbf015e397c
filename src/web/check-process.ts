/**
 * The process that checks one form: started for it and ended with it, so that a hostile upload can
 * exhaust only this process's memory and time. The body arrives on standard input; questions and
 * the answer are messages.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { MessageKey } from '../messages/en.ts'
import { type Language, speak } from '../messages/language.ts'
import type { Say } from '../messages/say.ts'
import type { Policy } from '../verifier/index.ts'
import { type Frame, renderPage } from './layout.ts'
import { verifiedPage } from './pages/verify.ts'
import { createAsker, type EndpointShape, type Question, type Reply } from './questions.ts'
import { checkUpload, type FormAnswer, UPLOAD_LIMIT } from './server-verify.ts'
import { MAX_UPLOAD_FILES, readUpload, UploadError } from './upload.ts'

/** The job that the process gets at its start. */
export type CheckJob = {
  readonly lang: Language
  readonly frame: Omit<Frame, 'say'>
  readonly headers: IncomingHttpHeaders
  readonly policy: Policy
  readonly endpoints: readonly EndpointShape[]
}

/** A message of the process: a question, or the whole page, which is its last message. */
export type CheckMessage = { readonly question: Question } | { readonly status: number; readonly page: string }

const UPLOAD_PROBLEMS: { readonly [code: string]: MessageKey } = {
  UPLOAD_MALFORMED: 'verify.serverCutOff',
  UPLOAD_TOO_LARGE: 'verify.serverTooLarge',
  UPLOAD_TOO_MANY: 'verify.serverMany',
}

/** Nobody is left to read the answer. */
process.once('disconnect', () => process.exit())
process.once('message', (job: CheckJob) => run(job))

async function run({ lang, frame, headers, policy, endpoints }: CheckJob): Promise<void> {
  const say = speak(lang)
  const { ledger, chain, take } = createAsker(question => tell({ question }), endpoints)
  process.on('message', (reply: Reply) => take(reply))
  const { status, answer } = await answerForm(say, async () =>
    checkUpload(say, await readUpload(headers, process.stdin), { policy, chain, ledger }),
  )
  tell({ status, page: renderPage({ ...frame, say }, verifiedPage({ ...frame, say }, answer)) })
}

async function answerForm(say: Say, check: () => Promise<FormAnswer>): Promise<{ status: number; answer: FormAnswer }> {
  try {
    return { status: 200, answer: await check() }
  } catch (error) {
    if (!(error instanceof UploadError)) throw error
    const message = say(UPLOAD_PROBLEMS[error.code] ?? 'verify.nothing', { size: UPLOAD_LIMIT, count: MAX_UPLOAD_FILES })
    return { status: error.code === 'UPLOAD_MALFORMED' ? 400 : 413, answer: { message, code: error.code } }
  }
}

function tell(message: CheckMessage): void {
  process.send?.(message)
}
