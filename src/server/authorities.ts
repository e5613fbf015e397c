/** The time-stamp authorities of a service: their certificates, and how each is asked. */
import { readFile } from 'node:fs/promises'
import type { TimestampClient } from '../anchor/timestamp.ts'
import { fromBase64 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { PolicyAuthority } from '../core/policy-anchors.ts'
import type { Host } from '../host.ts'
import { createTimestampClient } from '../timestamps/client.ts'
import { ServerError } from './errors.ts'
import type { AuthoritySetting } from './vouchers-file.ts'

/** An authority as the policy names it, and its client. */
export type OpenAuthority = { readonly anchor: PolicyAuthority; readonly client: TimestampClient }

const REQUEST_MS = 20_000
const NONCE_BYTES = 16
const CERTIFICATE = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

/**
 * Opens the authorities. Asks none of them yet.
 * @throws ServerError SERVER_VOUCHERS if a certificate cannot be read
 */
export function openAuthorities(settings: readonly AuthoritySetting[], host: Host): Promise<readonly OpenAuthority[]> {
  return Promise.all(settings.map(setting => openAuthority(setting, host)))
}

async function openAuthority(
  { name, url, certificates: files, policies, production }: AuthoritySetting,
  host: Host,
): Promise<OpenAuthority> {
  const certificates = (await Promise.all(files.map(file => readCertificates(file, name)))).flat()
  const shared = { name, ...(policies && { policies }) }
  try {
    const client = createTimestampClient({
      ...shared,
      url,
      certificates: certificates.map(text => fromBase64(text)),
      fetch,
      timeoutMs: REQUEST_MS,
      nowMs: host.nowMs,
      newNonce: () => host.randomBytes(NONCE_BYTES),
    })
    return { anchor: { type: 'rfc3161', ...shared, certificates, production, fromSize: 0 }, client }
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw unreadable(files.join(', '), name, cause.message, cause)
  }
}

/** The certificates of a PEM file, as base64 of their DER. */
async function readCertificates(file: string, name: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(file, name, `${cause.code}`, cause)
  })
  const found = [...text.matchAll(CERTIFICATE)].map(([, body]) => body!.replace(/\s/g, ''))
  if (found.length === 0) throw unreadable(file, name, 'it has no certificate in PEM')
  return found
}

function unreadable(file: string, name: string, why: string, cause?: unknown): ServerError {
  return new ServerError('SERVER_VOUCHERS', `The certificates of ${name} in OPENSEAL_VOUCHERS cannot be read from ${file}: ${why}.`, {
    cause,
  })
}
