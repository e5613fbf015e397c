/** E-mails as files (RFC 5322). Their headers are the sender's claim. */
import PostalMime, { type Email } from 'postal-mime'
import { toUtf8 } from '../core/bytes.ts'
import { innerDocument } from './inner.ts'
import { readMailDate } from './instant.ts'
import { DocumentError, type DocumentReading, draftReading } from './reading.ts'

const LIMITS = { maxNestingDepth: 32, maxHeadersSize: 1024 * 1024, maxRfc822NestingDepth: 0, forceRfc822Attachments: true }
const MESSAGE_ID = /^<([^<>\s]+)>$/

/**
 * Reads a mail: `record` is its Message-ID, and its attachments are the inner documents. Throws
 * DocumentError MAIL_REFUSED.
 */
export async function readMail(bytes: Uint8Array): Promise<DocumentReading> {
  const mail = await parse(bytes)
  const draft = draftReading('mail')
  const header = (key: string) => mail.headers.find(header => header.key === key)?.value
  const id = MESSAGE_ID.exec(header('message-id')?.trim() ?? '')?.[1]
  draft.id('record', id, 'Message-ID')
  draft.identifier('message-id', id, 'Message-ID')
  draft.title(mail.subject, 'Subject')
  draft.language(header('content-language')?.split(',')[0]?.trim(), 'Content-Language')
  const date = header('date')
  draft.published(date === undefined ? undefined : readMailDate(date), date, 'Date')
  draft.hint(mail.from?.name || mail.from?.address)
  for (const [at, { filename, mimeType, content }] of mail.attachments.entries()) {
    const part = typeof content === 'string' ? toUtf8(content) : new Uint8Array(content)
    draft.inner(innerDocument(filename ?? `part-${at + 1}`, at, part, mimeType))
  }
  return draft.finish()
}

async function parse(bytes: Uint8Array): Promise<Email> {
  try {
    return await PostalMime.parse(bytes, { ...LIMITS, attachmentEncoding: 'arraybuffer' })
  } catch (cause) {
    throw new DocumentError('MAIL_REFUSED', 'the mail is nested too deeply, has too many headers, or is damaged', { cause })
  }
}
