/**
 * How long a receipt with three cosignatures and a time stamp takes to verify: in Node against its
 * signatures and hashes alone, and in a real Chromium. Then whether rounds hold up submissions.
 * Three and a half minutes. `--write` writes docs/results/vouched.md.
 */
import { createHash, generateKeyPairSync, sign, verify as verifySignature } from 'node:crypto'
import { build } from 'esbuild'
import { writeResults } from '../scripts/results.ts'
import { parsePolicy } from '../src/core/policy.ts'
import { parseReceipt } from '../src/core/receipt.ts'
import { parseVkey, verifyCosignatures, verifyNote } from '../src/core/tlog/note.ts'
import { parseTlogProof } from '../src/core/tlog/tlog-proof.ts'
import { digestsOf } from '../src/documents/digest.ts'
import type * as Verifier from '../src/verifier/index.ts'
import { verify } from '../src/verifier/verify.ts'
import { stampedReceipt } from '../test/verifier/stamped.ts'
import { launchBrowser } from '../test/web/browser.ts'
import { ABOUT_ROUNDS, measureRounds } from './rounds.ts'
import { figureRow, formatTable, median, rateRow } from './rows.ts'

const ROUNDS = 60
/** The token's own signature, its signer's certificate, and the CA's. */
const RSA_SIGNATURES = 3
const MOST_MS = 50

const given = await stampedReceipt('rsa')
const file = digestsOf(given.file)
const { proof } = parseReceipt(given.receipt)
const { note } = parseTlogProof(proof)
const logKeys = given.parsed.logKeys.map(({ vkey }) => parseVkey(vkey))
const witnesses = given.parsed.witnesses.map(parseVkey)
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const signature = sign('sha256', Buffer.from(proof), rsa.privateKey)

const whole: number[] = []
const alone: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  whole.push(await perSecond(verifyWhole))
  alone.push(await perSecond(verifyAlone))
}
const browserMs = await measureBrowser()
const rows = [
  rateRow('verify in Node, receipts a second of processor time : its signatures and hashes alone', whole, alone, 0.5),
  figureRow('verify in Chromium', Math.round(median(browserMs) * 10) / 10, 'ms', MOST_MS),
  await measureRounds(what => console.error(what)),
]
console.log(formatTable(rows))
if (process.argv.includes('--write'))
  writeResults('vouched', {
    title: 'Receipts with witnesses and a time stamp',
    command: 'npm run bench:vouched -- --write',
    about: `Verified: a receipt with three cosignatures and a token of an RSA authority below a CA. Medians of ${ROUNDS} alternating rounds. Each round reads the policy again, so nothing is remembered from the one before.\n\nSubmitted: single records to two ledgers in turn, \`openseal serve\` on Level. Each record is sent at its own time, even if the one before it was not answered yet. ${ABOUT_ROUNDS}`,
    body: formatTable(rows),
  })
process.exit(rows.every(({ holds }) => holds) ? 0 : 1)

/** The whole verification, from the texts to the verdict. */
async function verifyWhole(): Promise<void> {
  const policy = parsePolicy(given.policy)
  const { verdict } = await verify({ file, receipt: given.receipt, policy, chain: [], trust: 'policy' })
  if (verdict !== 'anchored') throw new Error(`the receipt is ${verdict}`)
}

/** What nobody can leave out: one signature of the log, three of witnesses, three of certificates. */
async function verifyAlone(): Promise<void> {
  verifyNote(note, logKeys)
  verifyCosignatures(note, witnesses)
  for (let i = 0; i < RSA_SIGNATURES; i++)
    if (!verifySignature('sha256', Buffer.from(proof), rsa.publicKey, signature)) throw new Error('the signature does not verify')
  createHash('sha256').update(given.receipt).digest()
}

/**
 * How often a second of processor time suffices. WebCrypto works on threads of its own, and waiting
 * for them on a busy machine says nothing about the work.
 */
async function perSecond(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return 1_000_000 / (user + system)
}

/** The times of verifications in a page of Chromium, after a warm-up, in milliseconds. */
async function measureBrowser(): Promise<number[]> {
  const { outputFiles } = await build({
    entryPoints: ['src/verifier/index.ts'],
    ...{ bundle: true, write: false, format: 'iife', globalName: 'verifier', platform: 'browser', target: 'es2022' },
  })
  const browser = await launchBrowser()
  try {
    const tab = await browser.newPage()
    // WebCrypto needs a secure context; this address is one, and nobody is asked.
    await tab.route('https://bench.example/', route => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await tab.goto('https://bench.example/')
    await tab.addScriptTag({ content: outputFiles[0]!.text })
    return await tab.evaluate(
      async ({ receipt, policy, file, rounds }) => {
        const { verify, parsePolicy } = (globalThis as unknown as { verifier: typeof Verifier }).verifier
        const times: number[] = []
        for (let round = 0; round < rounds; round++) {
          const startMs = performance.now()
          const result = await verify({ file, receipt, policy: parsePolicy(policy), chain: [], trust: 'policy' })
          times.push(performance.now() - startMs)
          if (result.verdict !== 'anchored') throw new Error(`the receipt is ${result.verdict}`)
        }
        return times
      },
      { receipt: given.receipt, policy: given.policy, file, rounds: ROUNDS },
    )
  } finally {
    await browser.close()
  }
}
