/** The check that our server makes for a reader without JavaScript. */

import { parseJson } from '../core/json.ts'
import { parseAnyStatement } from '../core/statement.ts'
import type { Say } from '../messages/say.ts'
import { type CurrencyReader, verify } from '../verifier/index.ts'
import type { SiteDeps, SiteLedger } from './deps.ts'
import type { Finding } from './result.ts'
import { MAX_UPLOAD_BYTES, type Upload } from './upload.ts'

/** The largest file that is taken, in words. */
export const UPLOAD_LIMIT = `${MAX_UPLOAD_BYTES / 1024 / 1024} MB`

/** The answer to a form: a finding, or a sentence that says what is missing. */
export type FormAnswer = { readonly finding: Finding; readonly fileSent: boolean } | { readonly message: string }

/** Checks what was sent. Without a receipt the ledger's own is taken. */
export async function checkUpload(say: Say, base: string, upload: Upload, deps: SiteDeps): Promise<FormAnswer> {
  const { ledger, policy, chain } = deps
  const { file, receipt } = upload
  const pasted = upload.sha256?.toLowerCase().replace(/^(0x|sha256:)/, '')
  if (file === undefined && pasted !== undefined && !/^[0-9a-f]{64}$/.test(pasted)) return { message: hashAdvice(say, pasted) }
  const digest = file?.digest ?? (pasted === undefined ? undefined : { bytes: 0, sha256: pasted })
  if (digest === undefined && receipt === undefined) return { message: say('verify.serverNothing') }
  const found = receipt === undefined && digest !== undefined ? await findReceipt(ledger, digest) : undefined
  const result = await verify({
    file: digest,
    receipt: receipt?.bytes ?? found,
    policy: policy(),
    chain,
    trust: 'ledger',
    currency: currencyOf(ledger),
  })
  const onRecord = result.index !== undefined && result.origin === ledger.origin && result.verdict !== 'invalid'
  return {
    fileSent: file !== undefined || receipt !== undefined,
    finding: {
      result,
      fileName: file?.name ?? pasted,
      digest: file?.digest,
      signedPdf: file?.signedPdf ?? false,
      receiptName: receipt?.name,
      note: digest === undefined ? say('result.nofile') : undefined,
      recordHref: onRecord ? `${base}/records/${result.index}` : undefined,
    },
  }
}

async function findReceipt(ledger: SiteLedger, { sha256, jcs }: { sha256: string; jcs?: string }): Promise<string | undefined> {
  for (const hash of jcs === undefined ? [sha256] : [sha256, jcs]) {
    const index = Math.max(-1, ...(await ledger.findByDigest(hash, 1000)))
    if (index >= 0) return ledger.receipt(index)
  }
  return undefined
}

/** Later statements straight from our own ledger; the verifier checks each receipt all the same. */
function currencyOf(ledger: SiteLedger): CurrencyReader {
  return async (statement, index) => {
    const indexes = (await ledger.findByRecord(statement.agency, statement.record, 1000)).filter(candidate => candidate > index)
    const readable = await Promise.all(indexes.map(async at => ({ at, text: await ledger.statement(at) })))
    const kept = readable.filter(({ text }) => text !== undefined && parseAnyStatement(parseJson(text)).type === 'openseal/statement@v1')
    return Promise.all(kept.map(async ({ at }) => ({ index: at, receiptText: await ledger.receipt(at) })))
  }
}

function hashAdvice(say: Say, pasted: string): string {
  const kind = /^[0-9a-f]+$/.test(pasted) ? { 32: 'MD5', 40: 'SHA-1', 96: 'SHA-384', 128: 'SHA-512' }[pasted.length] : undefined
  return kind === undefined ? say('verify.serverNothing') : say('verify.otherHash', { kind })
}
