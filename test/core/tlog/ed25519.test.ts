import { deepEqual, equal, ok } from 'node:assert/strict'
import { createPublicKey, verify as nodeVerify, webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import fc from 'fast-check'
import { fromHex, toHex } from '../../../src/core/bytes.ts'
import { ed25519PublicKey, isEd25519Key, signEd25519, verifyEd25519 } from '../../../src/core/tlog/ed25519.ts'
import { launchBrowser } from '../../web/browser.ts'
import { Point, signByOwner, TORSION, VECTORS, type Vector } from './ed25519-vectors.ts'

const SEED = new Uint8Array(32).fill(7)
const MESSAGE = new TextEncoder().encode('log.example\n3\n')
const signWith = (r: bigint, point: Point) => toVector(MESSAGE, signByOwner(SEED, MESSAGE, r, point))

const CRAFTED: readonly Vector[] = [
  { what: 'R of the owner is the neutral element', ...signWith(0n, Point.ZERO), holds: false, small: true },
  { what: 'R of the owner is of order 8', ...signWith(0n, TORSION), holds: false, small: true },
  { what: 'R of the owner with a part of small order', ...signWith(5n, Point.BASE.multiply(5n).add(TORSION)), holds: false, small: false },
  { what: 'R that the owner chose', ...signWith(5n, Point.BASE.multiply(5n)), holds: true, small: false },
]
const ALL = [...VECTORS, ...CRAFTED]

describe('Ed25519', () => {
  it('gives the same answer as node:crypto and WebCrypto in Node for signatures on which implementations differ', async () => {
    for (const vector of ALL) {
      equal(ours(vector), vector.holds, vector.what)
      equal(inNode(vector), vector.holds, `node:crypto: ${vector.what}`)
      equal(await inWebCrypto(vector), vector.holds, `WebCrypto: ${vector.what}`)
    }
  })

  it('gives the same answer in a browser, whose own WebCrypto differs only for points of small order', async () => {
    const entry = fileURLToPath(new URL('../../../src/core/tlog/ed25519.ts', import.meta.url))
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false })
    const server = createServer(({ url }, response) => {
      response.setHeader('content-type', url === '/' ? 'text/html' : 'text/javascript')
      response.end(url === '/' ? '<!doctype html>' : outputFiles[0]!.text)
    }).listen(0, '127.0.0.1')
    const browser = await launchBrowser()
    try {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      const answers = await page.evaluate(async vectors => {
        const bytes = (hex: string) => Uint8Array.from(hex.match(/../g)!.map(byte => Number.parseInt(byte, 16)))
        const url = '/ed25519.js'
        const { verifyEd25519: verify } = await import(url)
        const native = async ({ key, signature, message }: (typeof vectors)[number]) => {
          const imported = await crypto.subtle.importKey('raw', bytes(key), 'Ed25519', false, ['verify'])
          return crypto.subtle.verify('Ed25519', imported, bytes(signature), bytes(message))
        }
        return Promise.all(
          vectors.map(async vector => ({
            ours: verify(bytes(vector.signature), bytes(vector.message), bytes(vector.key)) as boolean,
            native: await native(vector).catch(() => false),
          })),
        )
      }, ALL)
      deepEqual(
        answers.map(answer => answer.ours),
        ALL.map(({ holds }) => holds),
      )
      for (const [at, { small, holds, what }] of ALL.entries()) if (!small) equal(answers[at]!.native, holds, `Chromium: ${what}`)
    } finally {
      await browser.close()
      server.close()
    }
  })

  it('refuses keys of small order and keys in another spelling than their canonical one', () => {
    const small = Array.from({ length: 8 }, (_, times) => (times === 0 ? Point.ZERO : TORSION.multiplyUnsafe(BigInt(times))).toHex())
    equal(new Set(small).size, 8)
    for (const key of small) ok(!isEd25519Key(fromHex(key)), key)
    // y and the prime added to it, for each y below 19; and the sign of an x that is 0.
    for (let y = 0; y < 19; y++) ok(!isEd25519Key(Uint8Array.of(0xed + y, ...new Uint8Array(30).fill(0xff), 0x7f)), `p + ${y}`)
    ok(!isEd25519Key(Uint8Array.of(1, ...new Uint8Array(30), 0x80)))
    for (const length of [0, 31, 33, 64]) ok(!isEd25519Key(new Uint8Array(length).fill(9)))
    ok(isEd25519Key(ed25519PublicKey(SEED)))
  })

  it('verifies what it signs, and no other bytes', () => {
    const key = ed25519PublicKey(SEED)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(511), (message, bit) => {
        const signature = signEd25519(message, SEED)
        ok(verifyEd25519(signature, message, key))
        const damaged = signature.slice()
        damaged[Math.floor(bit / 8)]! ^= 1 << (bit % 8)
        equal(verifyEd25519(damaged, message, key), false)
        equal(verifyEd25519(signature, Uint8Array.of(...message, 0), key), false)
      }),
      { numRuns: 50 },
    )
    for (const length of [0, 63, 65]) equal(verifyEd25519(new Uint8Array(length), MESSAGE, key), false)
  })
})

function ours({ signature, message, key }: Vector): boolean {
  return verifyEd25519(fromHex(signature), fromHex(message), fromHex(key))
}

function inNode({ signature, message, key }: Vector): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key, 'hex').toString('base64url') }
  return nodeVerify(null, fromHex(message), createPublicKey({ key: jwk, format: 'jwk' }), fromHex(signature))
}

async function inWebCrypto({ signature, message, key }: Vector): Promise<boolean> {
  const imported = await webcrypto.subtle.importKey('raw', Buffer.from(key, 'hex'), 'Ed25519', false, ['verify'])
  return webcrypto.subtle.verify('Ed25519', imported, Buffer.from(signature, 'hex'), Buffer.from(message, 'hex'))
}

function toVector(
  message: Uint8Array,
  { key, signature }: { key: Uint8Array; signature: Uint8Array },
): Omit<Vector, 'what' | 'holds' | 'small'> {
  return { key: toHex(key), message: toHex(message), signature: toHex(signature) }
}
