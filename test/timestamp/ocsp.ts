/**
 * Writes test/timestamp/ocsp.json: the question about a certificate, and answers to it, as OpenSSL
 * writes them and judges them itself. Needs `openssl` 3: `node scripts/run.js test/timestamp/ocsp.ts`. The tests need only
 * the file.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CertificateOptions, FROM, type Issued, issue, issuedBy, TIME_STAMPING } from './authority.ts'

const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
const folder = mkdtempSync(join(tmpdir(), 'openseal-ocsp-'))
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const base64 = (name: string) => readFileSync(join(folder, name)).toString('base64')
const version = openssl('version').trim()
const at = Math.floor(Date.now() / 1000)

function keep(name: string, { der, key }: Issued): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  writeFileSync(join(folder, `${name}.pem`), `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`)
  writeFileSync(join(folder, `${name}.key`), key.export({ type: 'pkcs8', format: 'pem' }))
  return name
}

const root = issue({ name: 'Asked Root', ca: true, usage: 0x06 })
// A serial number whose first bit is set has a byte of zeros before it.
const signer = issuedBy(root, { name: 'Asked TSA', serial: 0xf0000002, purposes: [TIME_STAMPING] })
const delegate = (options: Partial<CertificateOptions>, by = root) =>
  issuedBy(by, { name: 'Responder', serial: 5, purposes: [OCSP_SIGNING], purposesCritical: false, ...options })
const stranger = issue({ name: 'Asked Root', ca: true, usage: 0x06 })
keep('root', root)
keep('signer', signer)
openssl('ocsp', '-issuer', 'root.pem', '-cert', 'signer.pem', '-no_nonce', '-reqout', 'request')

/** The answer of a responder that knows the certificate as told: V is good, R is revoked. */
function answer(status: 'V' | 'R' | undefined, by: Issued, ...options: string[]): string {
  const dates = status === 'R' ? '360101000000Z\t261130000000Z' : '360101000000Z\t'
  writeFileSync(join(folder, 'index.txt'), status === undefined ? '' : `${status}\t${dates}\tF0000002\tunknown\t/CN=Asked TSA\n`)
  keep('by', by)
  const given = ['-reqin', 'request', '-respout', 'response', ...options]
  openssl('ocsp', '-index', 'index.txt', '-CA', 'root.pem', '-rsigner', 'by.pem', '-rkey', 'by.key', '-ndays', '30', ...given)
  return base64('response')
}

/** What OpenSSL takes an answer for. */
function askOpenssl(response: string): string {
  writeFileSync(join(folder, 'response'), Buffer.from(response, 'base64'))
  const given = ['-respin', 'response', '-issuer', 'root.pem', '-cert', 'signer.pem', '-CAfile', 'root.pem', '-no_nonce']
  const { stdout, stderr } = spawnSync('openssl', ['ocsp', ...given], { cwd: folder, encoding: 'utf8' })
  if (!stderr.includes('Response verify OK')) return 'nothing'
  return /signer\.pem: (good|revoked)/.exec(stdout)?.[1] ?? 'nothing'
}

const named = delegate({})
const cases: readonly (readonly [name: string, says: string, response: string])[] = [
  ['good, by the issuer', 'good', answer('V', root, '-resp_no_certs')],
  ['revoked, by the issuer', 'revoked', answer('R', root, '-resp_no_certs')],
  ['unknown, by the issuer', 'nothing', answer(undefined, root)],
  ['good, by a responder that the issuer named', 'good', answer('V', named)],
  ['good, by that responder, by the hash of its key', 'good', answer('V', named, '-resp_key_id')],
  ['good, with another hash', 'good', answer('V', named, '-rmd', 'sha512')],
  ['revoked, by a responder that the issuer named', 'revoked', answer('R', named)],
  ['revoked, by a responder whose key is of another kind', 'revoked', answer('R', delegate({ kind: 'rsa' }))],
  ['good, by that responder without its certificate', 'nothing', answer('V', named, '-resp_no_certs')],
  ['good, by a certificate for another purpose', 'nothing', answer('V', signer)],
  ['good, by a certificate without a purpose', 'nothing', answer('V', issuedBy(root, { name: 'Responder', serial: 5 }))],
  ['good, by a responder whose certificate has ended', 'nothing', answer('V', delegate({ from: FROM, until: FROM + 60 }))],
  ['good, by a responder of another CA with the same name', 'nothing', answer('V', delegate({}, stranger))],
  ['good, by another CA with the same name', 'nothing', answer('V', stranger)],
]
const lines = cases.map(([name, says, response]) => JSON.stringify({ name, says, openssl: askOpenssl(response), response }))
const facts = { openssl: version, at, root: root.der.toString('base64'), signer: signer.der.toString('base64'), request: base64('request') }
rmSync(folder, { recursive: true })
writeFileSync(new URL('ocsp.json', import.meta.url), `${JSON.stringify(facts).slice(0, -1)},"cases":[\n${lines.join(',\n')}\n]}\n`)
process.stdout.write(`${lines.map(line => line.replace(/,"response.*/, '')).join('\n')}\n`)
