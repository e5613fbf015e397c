/**
 * The configuration: read once from the environment. Every value is checked, and each mistake gets
 * one sentence. Design §6.
 */
import { z } from 'zod'
import type { Finality } from './anchor/chain.ts'
import type { Fees } from './chain/fees.ts'
import type { SignerOptions } from './chain/signer.ts'
import { OpenSealError } from './core/errors.ts'
import { isOrigin } from './core/tlog/checkpoint.ts'
import {
  address,
  duration,
  endpointsOfChains,
  explorerPrefix,
  flag,
  gwei,
  httpUrl,
  isPlainUrl,
  line,
  period,
  port,
  publicUrl,
  rate,
  UNITS,
  urls,
} from './server/setting-values.ts'
import { parseAddress } from './store/postgres/address.ts'

/**
 * The settings of the service. Times are in milliseconds. A comment says what a missing member
 * defaults to.
 */
export type Config = {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Folder of the store, of the embedded chain's state and, without `keysDir`, of the keys. */
  readonly dataDir: string
  /** Folder of the keys, which the nodes of one ledger share; missing: `keys` in the data folder. */
  readonly keysDir?: string
  /** A `postgres://` URL; missing: Level in the data folder. */
  readonly storeUrl?: string
  /** Folder of the mark, outside the data folder; missing: in the user's state folder. */
  readonly markFolder?: string
  readonly origin: string
  /** JSON-RPC endpoints; empty: the embedded chain. */
  readonly rpcUrls: readonly string[]
  /**
   * JSON-RPC endpoints that pages offer to readers' browsers; missing: those of the embedded chain,
   * otherwise none.
   */
  readonly publicRpcUrls?: readonly string[]
  /** A file with a trust list, by which the pages check receipts of other ledgers. */
  readonly trustList?: string
  /** Endpoints for verification only, each with the chain that it is for. Readers' browsers get them too. */
  readonly verifyRpc?: readonly { readonly url: string; readonly serves: number }[]
  /** The beginning of the addresses of the chain's block explorer, for links (EIP-3091). */
  readonly explorer?: string
  readonly chainPort: number
  /**
   * Lower-case address; missing: the one of `contracts/deployments`, or a new one on the embedded
   * chain.
   */
  readonly contract?: string
  /** How anchors are signed; missing: by the embedded chain's first account. */
  readonly anchorSigner?: SignerOptions
  /** The most that an anchor pays per gas, in wei. */
  readonly anchorCeiling: Fees
  /** When a block counts as final on a chain other than the embedded one. */
  readonly finality: Finality
  /** The operator's word that the chain is not a test network, for the served policy. */
  readonly production: boolean
  /** The least time between two rounds, unless the file of `vouchersFile` names one. */
  readonly anchorIntervalMs: number
  /** A JSON file that names chains, witnesses and time-stamp authorities; missing: one chain. */
  readonly vouchersFile?: string
  /** The number of new entries that a round waits for. */
  readonly anchorMinBatch: number
  /** How long a request to erase can be taken back; 0: erases at once. */
  readonly erasureDelayMs: number
  /** How long an erased statement may not come back. */
  readonly suppressionMs: number
  /** Missing: made at the first start and kept in the data folder. */
  readonly operatorKey?: string
  /** Accept submissions although no endpoint of the chain has answered yet. */
  readonly startWithoutChain: boolean
  /**
   * The public address, from which links are made: scheme, host and port only. Missing: where the
   * service listens.
   */
  readonly url?: string
  /**
   * The only address where the operator is answered. Missing: `host` and `port`, from this machine.
   */
  readonly operator?: { readonly host: string; readonly port: number }
  /**
   * The person or office responsible for the ledger, and its e-mail address, URL or telephone
   * number.
   */
  readonly operatorName?: string
  readonly operatorContact?: string
  /** The operator's own pages, to which every page links; missing: `/legal` and `/privacy`. */
  readonly operatorLegalUrl?: string
  readonly operatorPrivacyUrl?: string
  /** A file with the operator's logo: SVG, PNG, JPEG or WebP. */
  readonly operatorLogo?: string
  /**
   * The number of proxies in front of the service. They are trusted for the reader's address and
   * scheme, for limits and HSTS.
   */
  readonly trustedProxies: number
  /**
   * How many requests a second one address may make, and how many submitting requests one key; 0:
   * any number.
   */
  readonly addressRate: number
  readonly keyRate: number
  /** How many entries a second the scrub reads again from the disk; 0: none. */
  readonly scrubRate: number
}

const EMBEDDED_INTERVAL = '5s'
const INTERVAL = '10m'
const MIN_OPERATOR_KEY = 16

/** `host:port`, with IPv6 addresses in brackets, or the same as a URL. */
const LISTEN_ADDRESS = /^(?:http:\/\/)?(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})\/?$/

/** At most one of these is set. */
const SIGNERS = ['OPENSEAL_ANCHOR_KEY', 'OPENSEAL_ANCHOR_KEY_FILE', 'OPENSEAL_ANCHOR_KEYSTORE', 'OPENSEAL_ANCHOR_SIGNER'] as const

/** The variables about the signer. */
const SIGNER_VARIABLES = z.object({
  OPENSEAL_ANCHOR_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'is not a private key: 0x and 64 hex digits')
    .optional(),
  OPENSEAL_ANCHOR_KEY_FILE: z.string().optional(),
  OPENSEAL_ANCHOR_KEYSTORE: z.string().optional(),
  OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE: z.string().optional(),
  OPENSEAL_ANCHOR_SIGNER: z.string().refine(httpUrl, 'is not the http(s) address of a signer').optional(),
  OPENSEAL_ANCHOR_ADDRESS: address('is not an address: 0x and 40 hex digits').optional(),
})

/** The variables of the service. */
const VARIABLES = z.object({
  OPENSEAL_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'is not a host name or an address')
    .default('127.0.0.1'),
  OPENSEAL_PORT: port('is not a port from 0 to 65535').default(8080),
  OPENSEAL_DATA: z.string().default('./data'),
  OPENSEAL_KEYS: z.string().optional(),
  OPENSEAL_MARK: z.string().optional(),
  OPENSEAL_STORE: z
    .string()
    .superRefine((text, { addIssue }) => {
      try {
        parseAddress(text)
      } catch (error) {
        const message = (error as Error).message.replace(/^OPENSEAL_STORE |\.$/g, '')
        addIssue(`${message}; omit it for Level in the data folder`)
      }
    })
    .optional(),
  OPENSEAL_ORIGIN: z
    .string()
    .refine(isOrigin, 'is not a name such as openseal.example/ledger: it must have no spaces, no plus sign and no line breaks')
    .default('openseal.local/demo'),
  OPENSEAL_RPC: urls.optional(),
  OPENSEAL_PUBLIC_RPC: urls.optional(),
  OPENSEAL_TRUST_LIST: z.string().optional(),
  OPENSEAL_VERIFY_RPC: endpointsOfChains.optional(),
  OPENSEAL_EXPLORER: explorerPrefix.optional(),
  OPENSEAL_CHAIN_PORT: port('is not a port from 0 to 65535').default(8545),
  OPENSEAL_CONTRACT: address("is not a contract's address: 0x and 40 hex digits").optional(),
  ...SIGNER_VARIABLES.shape,
  OPENSEAL_ANCHOR_MAX_FEE: gwei.default(200_000_000_000n),
  OPENSEAL_ANCHOR_MAX_TIP: gwei.default(20_000_000_000n),
  OPENSEAL_FINALITY: z
    .string()
    .regex(/^(finalized|[1-9]\d{0,3})$/, "is neither 'finalized' nor a number of blocks from 1 to 9999")
    .transform((text): Finality => (text === 'finalized' ? text : { confirmations: Number(text) }))
    .default('finalized'),
  OPENSEAL_PRODUCTION: flag,
  OPENSEAL_ANCHOR_INTERVAL: duration.optional(),
  OPENSEAL_VOUCHERS: z.string().optional(),
  OPENSEAL_ANCHOR_MIN_BATCH: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'is not a whole number from 1')
    .transform(Number)
    .default(1),
  OPENSEAL_ERASURE_DELAY: period.refine(ms => ms <= 30 * UNITS.d!, 'is longer than 30d').prefault('24h'),
  OPENSEAL_SUPPRESSION_PERIOD: period.prefault('2y'),
  OPENSEAL_OPERATOR_KEY: z
    .string()
    .regex(new RegExp(`^[\\x21-\\x7e]{${MIN_OPERATOR_KEY},512}$`), `is shorter than ${MIN_OPERATOR_KEY} characters, or contains spaces`)
    .optional(),
  OPENSEAL_START_WITHOUT_CHAIN: flag,
  OPENSEAL_TRUST_PROXY: z
    .string()
    .regex(/^\d$/, 'is not the number of proxies in front of the service, 0 to 9')
    .transform(Number)
    .default(0),
  OPENSEAL_URL: z
    .string()
    .refine(isPlainUrl, 'is not the public address of the ledger, such as https://ledger.example, without a path')
    .transform(text => new URL(text).origin)
    .optional(),
  OPENSEAL_ADMIN: z
    .string()
    .regex(LISTEN_ADDRESS, 'is not an address to listen on such as 127.0.0.1:9090')
    .transform(text => {
      const [, v6, name, digits] = LISTEN_ADDRESS.exec(text)!
      return { host: (v6 ?? name)!, port: Number(digits) }
    })
    .refine(at => at.port <= 65_535, 'has no port from 0 to 65535')
    .optional(),
  OPENSEAL_OPERATOR_NAME: line('is not a name of one line and at most 200 characters').optional(),
  OPENSEAL_OPERATOR_CONTACT: line('is not one line of at most 200 characters: an e-mail address, a web address or a number').optional(),
  OPENSEAL_OPERATOR_LEGAL_URL: publicUrl.optional(),
  OPENSEAL_OPERATOR_PRIVACY_URL: publicUrl.optional(),
  OPENSEAL_OPERATOR_LOGO: z.string().optional(),
  OPENSEAL_RATE_ADDRESS: rate.default(200),
  OPENSEAL_RATE_KEY: rate.default(1000),
  OPENSEAL_SCRUB_RATE: z
    .string()
    .regex(/^\d{1,6}$/, 'is not a number of entries a second, or 0 to read nothing again')
    .transform(Number)
    .default(500),
})

/** Variables of the command line and of the test run, which the service ignores. */
const OTHERS = [
  'OPENSEAL_API_KEY',
  'OPENSEAL_API_KEY_FILE',
  'OPENSEAL_OPERATOR_KEY_FILE',
  'OPENSEAL_LEDGER',
  'OPENSEAL_DEBUG',
  'OPENSEAL_TEST_COUNTS',
]
const SECRETS = ['OPENSEAL_ANCHOR_KEY', 'OPENSEAL_ANCHOR_SIGNER', 'OPENSEAL_OPERATOR_KEY', 'OPENSEAL_STORE', 'OPENSEAL_RPC']

/**
 * Reads the configuration from an environment. An empty variable counts as missing. Throws
 * ConfigError with a sentence for each mistake.
 */
export function readConfig(env: { readonly [name: string]: string | undefined }): Config {
  const set = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith('OPENSEAL_') && value !== '' && value !== undefined),
  )
  refuseUnknown(Object.keys(set))
  const parsed = VARIABLES.safeParse(set)
  if (!parsed.success) throw new ConfigError('CONFIG_MALFORMED', parsed.error.issues.map(issue => sentence(issue, set)).join('\n'))
  const v = parsed.data
  const anchorSigner = readSigner(v)
  const rpcUrls = v.OPENSEAL_RPC ?? []
  if (rpcUrls.length > 0 && anchorSigner === undefined)
    throw new ConfigError(
      'CONFIG_INCOMPLETE',
      'OPENSEAL_RPC needs a key that pays for anchors: OPENSEAL_ANCHOR_KEY, OPENSEAL_ANCHOR_KEY_FILE, OPENSEAL_ANCHOR_KEYSTORE or OPENSEAL_ANCHOR_SIGNER.',
    )
  if (v.OPENSEAL_PRODUCTION === 'true' && rpcUrls.length === 0)
    throw new ConfigError('CONFIG_INCOMPLETE', 'OPENSEAL_PRODUCTION needs OPENSEAL_RPC: a chain on this machine is no evidence for anyone.')
  return {
    host: v.OPENSEAL_HOST,
    port: v.OPENSEAL_PORT,
    dataDir: v.OPENSEAL_DATA,
    origin: v.OPENSEAL_ORIGIN,
    rpcUrls,
    chainPort: v.OPENSEAL_CHAIN_PORT,
    erasureDelayMs: v.OPENSEAL_ERASURE_DELAY,
    suppressionMs: v.OPENSEAL_SUPPRESSION_PERIOD,
    anchorIntervalMs: v.OPENSEAL_ANCHOR_INTERVAL ?? duration.parse(rpcUrls.length > 0 ? INTERVAL : EMBEDDED_INTERVAL),
    anchorMinBatch: v.OPENSEAL_ANCHOR_MIN_BATCH,
    anchorCeiling: { maxFeePerGas: v.OPENSEAL_ANCHOR_MAX_FEE, maxPriorityFeePerGas: v.OPENSEAL_ANCHOR_MAX_TIP },
    finality: v.OPENSEAL_FINALITY,
    production: v.OPENSEAL_PRODUCTION === 'true',
    startWithoutChain: v.OPENSEAL_START_WITHOUT_CHAIN === 'true',
    trustedProxies: v.OPENSEAL_TRUST_PROXY,
    ...(v.OPENSEAL_URL && { url: v.OPENSEAL_URL }),
    ...(v.OPENSEAL_ADMIN && { operator: v.OPENSEAL_ADMIN }),
    ...(v.OPENSEAL_OPERATOR_NAME && { operatorName: v.OPENSEAL_OPERATOR_NAME }),
    ...(v.OPENSEAL_OPERATOR_CONTACT && { operatorContact: v.OPENSEAL_OPERATOR_CONTACT }),
    ...(v.OPENSEAL_OPERATOR_LEGAL_URL && { operatorLegalUrl: v.OPENSEAL_OPERATOR_LEGAL_URL }),
    ...(v.OPENSEAL_OPERATOR_PRIVACY_URL && { operatorPrivacyUrl: v.OPENSEAL_OPERATOR_PRIVACY_URL }),
    ...(v.OPENSEAL_OPERATOR_LOGO && { operatorLogo: v.OPENSEAL_OPERATOR_LOGO }),
    addressRate: v.OPENSEAL_RATE_ADDRESS,
    keyRate: v.OPENSEAL_RATE_KEY,
    scrubRate: v.OPENSEAL_SCRUB_RATE,
    ...(v.OPENSEAL_VERIFY_RPC && { verifyRpc: v.OPENSEAL_VERIFY_RPC }),
    ...(v.OPENSEAL_TRUST_LIST && { trustList: v.OPENSEAL_TRUST_LIST }),
    ...(v.OPENSEAL_EXPLORER && { explorer: v.OPENSEAL_EXPLORER }),
    ...(v.OPENSEAL_PUBLIC_RPC && { publicRpcUrls: v.OPENSEAL_PUBLIC_RPC }),
    ...(v.OPENSEAL_KEYS && { keysDir: v.OPENSEAL_KEYS }),
    ...(v.OPENSEAL_MARK && { markFolder: v.OPENSEAL_MARK }),
    ...(v.OPENSEAL_STORE && { storeUrl: v.OPENSEAL_STORE }),
    ...(v.OPENSEAL_VOUCHERS && { vouchersFile: v.OPENSEAL_VOUCHERS }),
    ...(v.OPENSEAL_CONTRACT && { contract: v.OPENSEAL_CONTRACT }),
    ...(anchorSigner && { anchorSigner }),
    ...(v.OPENSEAL_OPERATOR_KEY && { operatorKey: v.OPENSEAL_OPERATOR_KEY }),
  }
}

/**
 * The signer in an environment; undefined if it has none. For commands that need no other setting.
 */
export function readSignerConfig(env: { readonly [name: string]: string | undefined }): SignerOptions | undefined {
  const set = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => SIGNER_VARIABLES.keyof().options.includes(name as never) && value),
  )
  const parsed = SIGNER_VARIABLES.safeParse(set)
  if (!parsed.success) throw new ConfigError('CONFIG_MALFORMED', parsed.error.issues.map(issue => sentence(issue, set)).join('\n'))
  return readSigner(parsed.data)
}

function readSigner(v: z.infer<typeof SIGNER_VARIABLES>): SignerOptions | undefined {
  const given = SIGNERS.filter(name => v[name] !== undefined)
  if (given.length > 1) throw new ConfigError('CONFIG_INCOMPLETE', `Set ${given.join(' or ')}, not both.`)
  const { OPENSEAL_ANCHOR_KEYSTORE: keystore, OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE: passwordFile } = v
  const { OPENSEAL_ANCHOR_SIGNER: signerUrl, OPENSEAL_ANCHOR_ADDRESS: address } = v
  if ((keystore === undefined) !== (passwordFile === undefined))
    throw new ConfigError(
      'CONFIG_INCOMPLETE',
      'OPENSEAL_ANCHOR_KEYSTORE and OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE belong together: set both.',
    )
  if (address !== undefined && signerUrl === undefined)
    throw new ConfigError('CONFIG_INCOMPLETE', 'OPENSEAL_ANCHOR_ADDRESS is for OPENSEAL_ANCHOR_SIGNER: a key has its own address.')
  if (v.OPENSEAL_ANCHOR_KEY) return { privateKey: v.OPENSEAL_ANCHOR_KEY.toLowerCase() }
  if (v.OPENSEAL_ANCHOR_KEY_FILE) return { keyFile: v.OPENSEAL_ANCHOR_KEY_FILE }
  if (keystore && passwordFile) return { keystore, passwordFile }
  return signerUrl ? { signerUrl, ...(address && { address }) } : undefined
}

function refuseUnknown(names: readonly string[]): void {
  const known = [...Object.keys(VARIABLES.shape), ...OTHERS]
  const sentences = names
    .filter(name => !known.includes(name))
    .map(name => {
      const [nearest] = known.map(other => ({ other, distance: editDistance(name, other) })).sort((a, b) => a.distance - b.distance)
      const hint = nearest && nearest.distance <= 4 ? `Did you mean ${nearest.other}?` : `Known are ${known.join(', ')}.`
      return `${name} is not a setting of OpenSeal. ${hint}`
    })
  if (sentences.length > 0) throw new ConfigError('CONFIG_UNKNOWN', sentences.join('\n'))
}

function sentence(issue: z.core.$ZodIssue, set: { readonly [name: string]: string | undefined }): string {
  const name = String(issue.path[0])
  const value = SECRETS.includes(name) ? '' : ` ${JSON.stringify(set[name]?.slice(0, 100))}`
  return `${name}${value} ${issue.message}.`
}

/** The Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/** CONFIG_UNKNOWN, CONFIG_MALFORMED, CONFIG_INCOMPLETE. The message has one sentence a line. */
export class ConfigError extends OpenSealError {}
