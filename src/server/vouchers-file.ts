/** The file of OPENSEAL_VOUCHERS: who vouches for the ledger's rounds. Design §15. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { Finality } from '../anchor/chain.ts'
import type { Fees } from '../chain/fees.ts'
import type { SignerOptions } from '../chain/signer.ts'
import { OpenSealError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import { ED25519_COSIGNATURE, parseVkey } from '../core/tlog/note.ts'
import { ServerError } from './errors.ts'
import { address, duration, explorerPrefix, gwei, httpUrl } from './setting-values.ts'

/** A chain of the file. Paths are absolute, times in milliseconds, fees in wei. */
export type ChainSetting = {
  readonly name: string
  readonly rpc: readonly string[]
  readonly contract?: string
  readonly signer: SignerOptions
  readonly everyRounds: number
  readonly finality: Finality
  readonly ceiling: Fees
  readonly production: boolean
  readonly explorer?: string
  /** Endpoints that pages offer to readers' browsers; missing: none. */
  readonly publicRpc?: readonly string[]
}

/** A time-stamp authority of the file. */
export type AuthoritySetting = {
  readonly name: string
  readonly url: string
  /** Files of X.509 certificates in PEM. */
  readonly certificates: readonly string[]
  readonly policies?: readonly string[]
  readonly production: boolean
}

/** A witness of the file. */
export type WitnessSetting = { readonly vkey: string; readonly url: string }

/** Everything in the file. A missing member is one that the file leaves out. */
export type VoucherSettings = {
  readonly intervalMs?: number
  readonly chains?: readonly ChainSetting[]
  readonly timestamps: readonly AuthoritySetting[]
  readonly witnesses: readonly WitnessSetting[]
  readonly quorum: number
  readonly requireAnchors: number
}

/** Without a file: the chain of the short form. */
export const NO_VOUCHERS: VoucherSettings = { timestamps: [], witnesses: [], quorum: 0, requireAnchors: 1 }

const MOST = 64
const MAX_FILE_BYTES = 256 * 1024

const name = z.string().regex(/^[^\p{Cc}]{1,100}$/u, 'is not a name of one line and at most 100 characters')
const url = z.string().refine(httpUrl, 'is not an http(s) address')
const path = z.string().min(1, 'is not a path')
const count = (least: number) =>
  z.number('is not a number').int('is not a whole number').min(least, `is below ${least}`).max(1_000_000, 'is above 1000000')

const CHAIN = z
  .strictObject({
    name,
    rpc: z.array(url).min(1, 'names no endpoint').max(16, 'names more than 16 endpoints'),
    contract: address("is not a contract's address: 0x and 40 hex digits").optional(),
    keyFile: path.optional(),
    keystore: path.optional(),
    passwordFile: path.optional(),
    signer: url.optional(),
    address: address('is not an address: 0x and 40 hex digits').optional(),
    everyRounds: count(1).default(1),
    finality: z
      .union(
        [z.literal('finalized'), z.strictObject({ confirmations: count(0) })],
        'is neither "finalized" nor { "confirmations": a number }',
      )
      .default('finalized'),
    maxFee: gwei.prefault('200'),
    maxTip: gwei.prefault('20'),
    production: z.boolean('is neither true nor false').default(false),
    explorer: explorerPrefix.optional(),
    publicRpc: z.array(url).max(16, 'names more than 16 endpoints').optional(),
  })
  .superRefine((chain, context) => {
    const signers = [chain.keyFile, chain.keystore, chain.signer].filter(each => each !== undefined)
    if (signers.length !== 1) context.addIssue('needs one of keyFile, keystore and signer: the key that pays for anchors')
    if ((chain.keystore === undefined) !== (chain.passwordFile === undefined))
      context.addIssue('needs passwordFile with keystore, and only then')
    if (chain.address !== undefined && chain.signer === undefined)
      context.addIssue('has an address, which is for signer: a key has its own address')
  })

const FILE = z.strictObject({
  interval: duration.optional(),
  chains: z.array(CHAIN).min(1, 'is empty: omit it for the chain of OPENSEAL_RPC').max(MOST, `has more than ${MOST} items`).optional(),
  timestamps: z
    .array(
      z.strictObject({
        name,
        url,
        certificates: z.array(path).min(1, 'names no certificate').max(8, 'names more than 8 certificates'),
        policies: z
          .array(z.string().regex(/^\d+(\.\d+)+$/, 'is not an object identifier'))
          .min(1, 'is empty: omit it for any')
          .optional(),
        production: z.boolean('is neither true nor false').default(false),
      }),
    )
    .max(MOST, `has more than ${MOST} items`)
    .default([]),
  witnesses: z
    .array(z.strictObject({ vkey: z.string().refine(isWitnessKey, 'is not the key of a witness: name+hash+key'), url }))
    .max(MOST, `has more than ${MOST} items`)
    .default([]),
  quorum: count(0).default(0),
  requireAnchors: count(1).default(1),
})

/**
 * Reads the file. Paths in it are relative to its folder.
 * @throws ServerError SERVER_VOUCHERS with one sentence a line
 */
export async function readVouchers(file: string): Promise<VoucherSettings> {
  const parsed = FILE.safeParse(await readJson(file))
  if (!parsed.success) throw refused(file, parsed.error.issues.map(sentenceOf).join('\n'))
  const { interval, chains, timestamps, witnesses, quorum, requireAnchors } = parsed.data
  const at = (path: string) => resolve(dirname(file), path)
  const names = [...(chains ?? []), ...timestamps].map(each => each.name)
  const twice = names.find((each, index) => names.indexOf(each) !== index)
  if (twice !== undefined) throw refused(file, `Two chains or authorities are named ${JSON.stringify(twice)}: each needs its own name.`)
  if (quorum > witnesses.length)
    throw refused(
      file,
      `quorum is ${quorum}, but the file names ${witnesses.length === 1 ? 'only one witness' : `${witnesses.length} witnesses`}.`,
    )
  return {
    ...(interval !== undefined && { intervalMs: interval }),
    ...(chains && { chains: chains.map(chain => chainOf(chain, at)) }),
    timestamps: timestamps.map(({ policies, ...authority }) => ({
      ...authority,
      certificates: authority.certificates.map(at),
      ...(policies && { policies }),
    })),
    witnesses,
    quorum,
    requireAnchors,
  }
}

function chainOf(chain: z.infer<typeof CHAIN>, at: (path: string) => string): ChainSetting {
  const { keyFile, keystore, passwordFile, signer, address, maxFee, maxTip, contract, explorer, publicRpc, ...others } = chain
  return {
    ...others,
    signer:
      keyFile !== undefined
        ? { keyFile: at(keyFile) }
        : keystore !== undefined
          ? { keystore: at(keystore), passwordFile: at(passwordFile!) }
          : { signerUrl: signer!, ...(address !== undefined && { address }) },
    ceiling: { maxFeePerGas: maxFee, maxPriorityFeePerGas: maxTip },
    ...(contract !== undefined && { contract }),
    ...(explorer !== undefined && { explorer }),
    ...(publicRpc && { publicRpc }),
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    const text = await readFile(file)
    if (text.length > MAX_FILE_BYTES) throw refused(file, `It is larger than ${MAX_FILE_BYTES} bytes.`)
    return parseJson(text)
  } catch (cause) {
    if (cause instanceof ServerError) throw cause
    const isJson = cause instanceof OpenSealError
    throw new ServerError(
      'SERVER_VOUCHERS',
      isJson
        ? `The file of OPENSEAL_VOUCHERS, ${file}, is not JSON: ${cause.message}.`
        : `The file of OPENSEAL_VOUCHERS, ${file}, cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
      { cause },
    )
  }
}

/** `chains[0].rpc is not …`, without the value, which may be a secret. */
function sentenceOf({ path, message, code, ...issue }: z.core.$ZodIssue): string {
  const at = path.map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  const what = at === '' ? 'The file' : at.replace(/^\./, '')
  if (code === 'unrecognized_keys' && 'keys' in issue) return `${what} has members that are not known: ${issue.keys.join(', ')}.`
  const missing = code === 'invalid_type' && /undefined/.test(message)
  return `${what} ${missing ? 'is missing' : message.startsWith('Invalid') ? `is not as it must be (${message})` : message}.`
}

function refused(file: string, why: string): ServerError {
  return new ServerError('SERVER_VOUCHERS', `OPENSEAL_VOUCHERS ${file} cannot be used. ${why}`)
}

function isWitnessKey(text: string): boolean {
  try {
    return parseVkey(text).type === ED25519_COSIGNATURE
  } catch {
    return false
  }
}
