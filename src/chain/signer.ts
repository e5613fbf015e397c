/**
 * The signer for the publisher's address: a key, or something elsewhere that holds the key and may
 * refuse. Anything that implements the two functions can replace it, such as a key management
 * service.
 */
import { readFile, stat } from 'node:fs/promises'
import { Transaction, Wallet } from 'ethers'
import { ChainError } from './errors.ts'
import { createJsonRpc } from './json-rpc.ts'

/**
 * Signs transactions of one address. Both calls may be remote, take time and fail with a
 * ChainError.
 */
export type TxSigner = {
  /** 0x-hex, lower case. It never changes. */
  address(): Promise<string>
  /** The raw signed transaction, 0x-hex. The caller checks it with `signChecked`. */
  sign(transaction: Transaction): Promise<string>
  close(): void
}

/** How anchors are signed, from the configuration. */
export type SignerOptions =
  | { readonly privateKey: string }
  | { readonly keyFile: string }
  | { readonly keystore: string; readonly passwordFile: string }
  | { readonly signerUrl: string; readonly address?: string }

const SIGN_MS = 20_000

/**
 * Opens the signer of a configuration. Key files are read here; a remote signer is asked when
 * needed.
 * @throws ChainError CHAIN_KEY_…
 */
export async function openSigner(options: SignerOptions): Promise<TxSigner> {
  if ('privateKey' in options) return createKeySigner(options.privateKey)
  if ('keyFile' in options) return createKeySigner(await readKeyFile(options.keyFile))
  if ('keystore' in options) return openKeystore(options.keystore, options.passwordFile)
  return createRemoteSigner({ url: options.signerUrl, timeoutMs: SIGN_MS, ...(options.address && { address: options.address }) })
}

/** A signer that holds the private key, 0x and 64 hex digits, in memory. */
export function createKeySigner(privateKey: string): TxSigner {
  const wallet = new Wallet(privateKey)
  return {
    address: async () => wallet.address.toLowerCase(),
    sign: transaction => wallet.signTransaction(transaction),
    close: () => {},
  }
}

/** Reads the private key in a file: 0x and 64 hex digits, with only white space around them. */
async function readKeyFile(path: string): Promise<string> {
  const text = (await readSecretFile(path, 'OPENSEAL_ANCHOR_KEY_FILE')).trim()
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw new ChainError('CHAIN_KEY_MALFORMED', `${path} does not contain a private key: 0x and 64 hex digits are expected.`)
  return text
}

/**
 * Opens the key of an encrypted JSON keystore (Web3 Secret Storage v3), as geth, clef, cast and
 * ethers write it. A final line break of the password file is ignored.
 */
async function openKeystore(path: string, passwordFile: string): Promise<TxSigner> {
  const json = await readSecretFile(path, 'OPENSEAL_ANCHOR_KEYSTORE')
  const password = (await readSecretFile(passwordFile, 'OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE')).replace(/\r?\n$/, '')
  try {
    return createKeySigner((await Wallet.fromEncryptedJson(json, password)).privateKey)
  } catch (cause) {
    if (/incorrect password/i.test(String(cause)))
      throw new ChainError('CHAIN_KEY_PASSWORD', `The password in ${passwordFile} does not open the keystore ${path}.`)
    throw new ChainError('CHAIN_KEY_MALFORMED', `${path} is not a readable keystore: an encrypted JSON key file, version 3, is expected.`)
  }
}

async function readSecretFile(path: string, setting: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > 1024 * 1024) throw new ChainError('CHAIN_KEY_MALFORMED', `${setting} names ${path}, which is far too large for a key.`)
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof ChainError) throw cause
    const code = (cause as { code?: string }).code
    throw new ChainError('CHAIN_KEY_UNREADABLE', `${setting} names ${path}, which cannot be read (${code}).`, { cause })
  }
}

type RemoteOptions = { readonly url: string; readonly timeoutMs: number; readonly address?: string }

/**
 * A signer behind JSON-RPC: `eth_accounts` and `eth_signTransaction`, as web3signer, clef and geth
 * implement them. The answer is the raw transaction, or an object with it as `raw`. Without a
 * chosen address, the signer must have exactly one account.
 */
export function createRemoteSigner({ url, timeoutMs, address: chosen }: RemoteOptions): TxSigner {
  const { host, send, close } = createJsonRpc(url, timeoutMs, 'The signer')
  let known: string | undefined

  async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const answer = await send(method, params).catch(cause => {
      throw new ChainError('CHAIN_SIGNER_UNREACHABLE', cause instanceof Error ? cause.message : `The signer ${host} does not answer.`, {
        cause,
      })
    })
    if ('result' in answer) return answer.result
    throw new ChainError('CHAIN_SIGNER_REFUSED', `The signer ${host} refuses: ${answer.error.message.slice(0, 200)}`, {
      cause: answer.error,
    })
  }

  async function findAddress(): Promise<string> {
    const accounts = await ask('eth_accounts', [])
    const list = Array.isArray(accounts) ? accounts.map(account => String(account).toLowerCase()) : []
    const own = chosen?.toLowerCase() ?? (list.length === 1 ? list[0] : undefined)
    if (own !== undefined && list.includes(own) && /^0x[0-9a-f]{40}$/.test(own)) return own
    const why = chosen === undefined ? `has ${list.length} accounts: set OPENSEAL_ANCHOR_ADDRESS to one of them` : `does not have ${chosen}`
    throw new ChainError('CHAIN_SIGNER_REFUSED', `The signer ${host} ${why}.`)
  }

  return {
    async address() {
      known ??= await findAddress()
      return known
    },
    async sign(transaction) {
      const { to, data, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas, chainId, value } = transaction
      known ??= await findAddress()
      const hex = (amount: bigint | number | null) => `0x${BigInt(amount ?? 0).toString(16)}`
      const request = {
        from: known,
        ...(to === null ? {} : { to }),
        gas: hex(gasLimit),
        maxFeePerGas: hex(maxFeePerGas),
        maxPriorityFeePerGas: hex(maxPriorityFeePerGas),
        nonce: hex(nonce),
        value: hex(value),
        data,
        chainId: hex(chainId),
      }
      const answer = await ask('eth_signTransaction', [request])
      const raw = typeof answer === 'object' && answer !== null && 'raw' in answer ? answer.raw : answer
      return String(raw)
    },
    close,
  }
}

/**
 * Signs, and compares the result with the request: a remote signer is not trusted with the
 * contents.
 * @throws ChainError
 */
export async function signChecked(signer: TxSigner, transaction: Transaction): Promise<Transaction & { readonly hash: string }> {
  const raw = await signer.sign(transaction)
  const wrong = (cause?: unknown) =>
    new ChainError('CHAIN_SIGNER_WRONG', 'The signer did not return the transaction that it was asked to sign.', { cause })
  let signed: Transaction
  try {
    signed = Transaction.from(raw)
  } catch (cause) {
    throw wrong(cause)
  }
  const isOurs = signed.unsignedSerialized === transaction.unsignedSerialized && signed.from?.toLowerCase() === (await signer.address())
  if (!isOurs || signed.hash === null) throw wrong()
  return signed as Transaction & { readonly hash: string }
}
