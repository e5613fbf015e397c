/**
 * Writes test/timestamp/cases.json: the tokens of cases.ts, and OpenSSL's answer to each. Needs
 * `openssl` 3: `node scripts/run.js test/timestamp/openssl.ts`. The tests need only the file.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { STAMPED_AT } from './authority.ts'
import { DATA, type MadeCase, makeCases } from './cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'openseal-tsa-'))
const openssl = (...options: string[]) => spawnSync('openssl', options, { cwd: folder, encoding: 'utf8' })
const version = openssl('version').stdout.trim()

/** OpenSSL's answer: OK, or the reason of its first refusal. */
function askOpenssl({ token, root, at = STAMPED_AT }: MadeCase): string {
  writeFileSync(join(folder, 'token'), token)
  writeFileSync(join(folder, 'data'), DATA)
  const pem = `-----BEGIN CERTIFICATE-----\n${root.der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`
  writeFileSync(join(folder, 'root.pem'), pem)
  const { status, stdout, stderr } = openssl(
    'ts',
    '-verify',
    '-token_in',
    '-in',
    'token',
    '-data',
    'data',
    '-CAfile',
    'root.pem',
    '-attime',
    String(at),
  )
  if (status === 0 && /Verification: OK/.test(stdout + stderr)) return 'OK'
  const why = /Verify error:(.+)/.exec(stderr)?.[1] ?? /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(stderr)?.[1]
  return why?.trim() ?? 'FAILED'
}

const cases = makeCases().map(made => ({
  name: made.name,
  ours: made.ours,
  openssl: askOpenssl(made),
  root: made.root.der.toString('base64'),
  token: made.token.toString('base64'),
}))
rmSync(folder, { recursive: true })
const lines = cases.map(each => JSON.stringify(each)).join(',\n')
writeFileSync(new URL('cases.json', import.meta.url), `{"openssl":${JSON.stringify(version)},"cases":[\n${lines}\n]}\n`)
process.stdout.write(`${cases.map(({ name, ours, openssl }) => `${name}: ${ours} / ${openssl}`).join('\n')}\n`)
