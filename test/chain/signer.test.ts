/**
 * Signers: a key's file, an encrypted keystore, and a remote signer that may refuse, hang or sign
 * something else.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encryptKeystoreJsonSync, Transaction, Wallet } from 'ethers'
import { createKeySigner, createRemoteSigner, openSigner, signChecked } from '../../src/chain/signer.ts'
import { attemptsOf, openAnchors, openWorld, submit, untilIncluded } from '../anchor/world.ts'
import { CHAINS, type TestChain } from './chains.ts'

const KEY = `0x${'7a'.repeat(32)}`
const ADDRESS = new Wallet(KEY).address.toLowerCase()
const TRANSACTION = Transaction.from({
  type: 2,
  chainId: 31337,
  to: `0x${'12'.repeat(20)}`,
  data: '0x1234',
  nonce: 5,
  gasLimit: 100_000,
  maxFeePerGas: 20n,
  maxPriorityFeePerGas: 3n,
})
const RAW = new Wallet(KEY).signingKey.sign(TRANSACTION.unsignedHash)

/**
 * The example of the Web3 Secret Storage Definition, version 3, of which the key is known: not made
 * by any code of ours.
 */
const PUBLISHED = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: { c: 262144, dklen: 32, prf: 'hmac-sha256', salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd' },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
}
const PUBLISHED_KEY = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'

describe('chain/signer', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-signer-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }

  it('reads a key out of a file, and says what is wrong with any other', async () => {
    const keyFile = await file('key', `${KEY}\n`)
    assert.equal(await (await openSigner({ keyFile })).address(), ADDRESS)
    for (const [text, code] of [
      ['', 'CHAIN_KEY_MALFORMED'],
      [KEY.slice(2), 'CHAIN_KEY_MALFORMED'],
      [`${KEY}${KEY.slice(2)}`, 'CHAIN_KEY_MALFORMED'],
      ['x'.repeat(2_000_000), 'CHAIN_KEY_MALFORMED'],
    ] as const)
      await assert.rejects(openSigner({ keyFile: await file('wrong', text) }), { code })
    await assert.rejects(openSigner({ keyFile: join(folder, 'none') }), {
      code: 'CHAIN_KEY_UNREADABLE',
      message: /OPENSEAL_ANCHOR_KEY_FILE names .*ENOENT/,
    })
    await assert.rejects(openSigner({ keyFile: folder }), { code: 'CHAIN_KEY_UNREADABLE' })
  })

  it('never repeats what a key file holds', async () => {
    await assert.rejects(openSigner({ keyFile: await file('secret', 'hunter2') }), error => !String(error).includes('hunter2'))
  })

  it('opens keystores with their password: the published example, and one that ethers wrote', async () => {
    const passwordFile = await file('password', 'testpassword\n')
    const keystore = await file('published.json', JSON.stringify(PUBLISHED))
    assert.equal(await (await openSigner({ keystore, passwordFile })).address(), new Wallet(PUBLISHED_KEY).address.toLowerCase())
    const own = await file(
      'own.json',
      encryptKeystoreJsonSync({ address: ADDRESS, privateKey: KEY }, 'testpassword', { scrypt: { N: 1024 } }),
    )
    assert.equal(await (await openSigner({ keystore: own, passwordFile })).address(), ADDRESS)
  })

  it('distinguishes a wrong password, a file that is not a keystore, and a missing file', async () => {
    const keystore = await file('published.json', JSON.stringify(PUBLISHED))
    const wrong = await file('wrong-password', 'testpasswor')
    await assert.rejects(openSigner({ keystore, passwordFile: wrong }), { code: 'CHAIN_KEY_PASSWORD' })
    const passwordFile = await file('password', 'testpassword')
    const torn = await file('torn.json', JSON.stringify(PUBLISHED).slice(0, 300))
    await assert.rejects(openSigner({ keystore: torn, passwordFile }), { code: 'CHAIN_KEY_MALFORMED' })
    await assert.rejects(openSigner({ keystore: join(folder, 'none'), passwordFile }), {
      code: 'CHAIN_KEY_UNREADABLE',
      message: /_KEYSTORE names/,
    })
    await assert.rejects(openSigner({ keystore, passwordFile: join(folder, 'none') }), {
      code: 'CHAIN_KEY_UNREADABLE',
      message: /_PASSWORD_FILE names/,
    })
  })

  it('compares the signed transaction with the one that the signer was asked to sign', async () => {
    const signed = TRANSACTION.clone()
    signed.signature = RAW
    assert.equal((await signChecked(createKeySigner(KEY), TRANSACTION)).serialized, signed.serialized)
    const changed = Transaction.from({ ...TRANSACTION.toJSON(), to: `0x${'13'.repeat(20)}`, from: null })
    const others = [
      await new Wallet(KEY).signTransaction(changed),
      await new Wallet(`0x${'01'.repeat(32)}`).signTransaction(TRANSACTION),
      TRANSACTION.unsignedSerialized,
      '0x',
      'null',
    ]
    for (const raw of others)
      await assert.rejects(signChecked({ address: async () => ADDRESS, sign: async () => raw, close: () => {} }, TRANSACTION), {
        code: 'CHAIN_SIGNER_WRONG',
      })
  })

  for (const [name, start] of CHAINS) {
    describe(`a remote signer, anchors on ${name}`, () => {
      let at: TestChain
      before(async function () {
        this.timeout(60_000)
        at = await start()
      })
      after(() => at.close())

      /**
       * A world whose publisher's key is held by a signer over HTTP, which does what `behave` says.
       */
      async function signedWorld() {
        const world = await openWorld(at)
        const signing = await startSigner(world.key)
        const signer = createRemoteSigner({ url: signing.url, timeoutMs: 20_000 })
        const chain = world.open({ signer })
        await submit(world.ledger, 1)
        const close = async () => {
          world.close()
          await signing.close()
        }
        return { ...world, signing, chain, anchorer: world.anchorerOn(chain), close }
      }

      it('signs anchors that this process has no key for', async () => {
        const { anchorer, signing, close, ledger } = await signedWorld()
        await untilIncluded(anchorer, ledger.head().size)
        assert.deepEqual(signing.seen, ['eth_accounts', 'eth_signTransaction'])
        await close()
      })

      it('takes the raw transaction also in an object, as geth and clef hand it over', async () => {
        const { anchorer, signing, close } = await signedWorld()
        signing.behave = raw => ({ raw, tx: {} })
        await untilIncluded(anchorer, 2)
        await close()
      })

      it('loses nothing when it refuses: the alarm says why, sealing goes on, the newest round is anchored when it signs', async () => {
        const { anchorer, signing, ledger, store, passMs, close } = await signedWorld()
        signing.behave = () => {
          throw new Error('request denied by the officer')
        }
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_SIGNER_REFUSED' })
        assert.match(anchorer.lag().alarm ?? '', /^The signer 127\.0\.0\.1:\d+ refuses: request denied by the officer$/)
        assert.deepEqual(await store.listDocuments('anchors'), [])
        await submit(ledger, 2)
        signing.behave = undefined
        passMs(5_000)
        await untilIncluded(anchorer, 4)
        assert.equal(anchorer.lag().alarm, undefined)
        await close()
      })

      it('waits for it for a limited time when it hangs or is gone', async () => {
        const { anchorer, anchorerOn, open, signing, ledger, close } = await signedWorld()
        signing.behave = () => new Promise(() => {})
        const hasty = createRemoteSigner({ url: signing.url, timeoutMs: 200 })
        const round = anchorerOn(open({ signer: hasty })).tick()
        const ended = round.catch(error => error.code)
        await submit(ledger, 1)
        assert.equal(await ended, 'CHAIN_SIGNER_UNREACHABLE')
        signing.behave = undefined
        await untilIncluded(anchorer, 3)
        await close()
        const gone = createRemoteSigner({ url: signing.url, timeoutMs: 20_000 })
        await assert.rejects(gone.address(), {
          code: 'CHAIN_SIGNER_UNREACHABLE',
          message: /^The signer 127\.0\.0\.1:\d+ does not answer\.$/,
        })
      })

      it('sends nothing that it was not asked to sign', async () => {
        const { anchorer, signing, key, chain, store, close } = await signedWorld()
        const nonce = await chain.nextNonce()
        signing.behave = () =>
          new Wallet(key).signTransaction({
            type: 2,
            chainId: 31337,
            to: ADDRESS,
            value: 10n ** 18n,
            nonce,
            gasLimit: 21_000,
            maxFeePerGas: 10n ** 11n,
          })
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_SIGNER_WRONG' })
        assert.equal(await chain.nextNonce(), nonce)
        assert.deepEqual(await store.listDocuments('anchors'), [])
        await close()
      })

      it('sends the bid before again when it refuses to sign a higher one', async () => {
        const { anchorer, signing, passMs, close } = await signedWorld()
        await at.mining(false)
        await anchorer.tick()
        const [first] = attemptsOf(anchorer)
        await at.drop(first!.hash)
        signing.behave = () => {
          throw new Error('over the limit')
        }
        passMs(60_000)
        await anchorer.tick()
        assert.deepEqual(attemptsOf(anchorer), [first])
        assert.equal(await at.knows(first!.hash), true)
        assert.match(anchorer.lag().alarm ?? '', /over the limit/)
        await at.mine()
        await untilIncluded(anchorer, 2)
        assert.equal(openAnchors(anchorer)[0]?.transaction, first?.hash)
        await at.mining(true)
        await close()
      })
    })
  }

  it('needs one account, or to be told which', async () => {
    const signing = await startSigner(KEY, [ADDRESS, `0x${'55'.repeat(20)}`])
    const { url } = signing
    await assert.rejects(createRemoteSigner({ url, timeoutMs: 20_000 }).address(), {
      code: 'CHAIN_SIGNER_REFUSED',
      message: /has 2 accounts: set OPENSEAL_ANCHOR_ADDRESS/,
    })
    assert.equal(await createRemoteSigner({ url, timeoutMs: 20_000, address: ADDRESS }).address(), ADDRESS)
    const other = `0x${'66'.repeat(20)}`
    await assert.rejects(createRemoteSigner({ url, timeoutMs: 20_000, address: other }).address(), {
      code: 'CHAIN_SIGNER_REFUSED',
      message: /does not have 0x66/,
    })
    await signing.close()
  })
})

type Signing = { url: string; seen: string[]; behave: ((raw: string) => unknown) | undefined; close(): Promise<void> }

/**
 * A signer over JSON-RPC that holds a key and really signs, unless the test changes the signed
 * transaction.
 */
async function startSigner(key: string, accounts: readonly string[] = [new Wallet(key).address]): Promise<Signing> {
  const wallet = new Wallet(key)
  const signing: Signing = { url: '', seen: [], behave: undefined, close: async () => {} }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const { id, method, params } = JSON.parse(text)
    signing.seen.push(method)
    const answer = async () => {
      if (method === 'eth_accounts') return accounts
      const { gas: gasLimit, from: _from, ...fields } = params[0]
      const raw = await wallet.signTransaction({ type: 2, ...fields, gasLimit, nonce: Number(fields.nonce) })
      return signing.behave === undefined ? raw : signing.behave(raw)
    }
    const body = await answer().then(
      result => ({ jsonrpc: '2.0', id, result }),
      (error: Error) => ({ jsonrpc: '2.0', id, error: { code: -32000, message: error.message } }),
    )
    response.end(JSON.stringify(body))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  signing.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  signing.close = async () => {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
  }
  return signing
}
