/** A witness over real HTTP, for tests of logs: it checks what it is shown, as C2SP tlog-witness says. */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Hash } from '../src/core/hash.ts'
import { formatSizeAnswer, parseAddCheckpoint, SIZE_TYPE } from '../src/core/tlog/add-checkpoint.ts'
import { parseCheckpoint } from '../src/core/tlog/checkpoint.ts'
import { cosign, createSigner, ED25519_COSIGNATURE, formatVkey, parseNote } from '../src/core/tlog/note.ts'
import { verifyConsistency } from '../src/core/tlog/proof.ts'
import { listen, stop } from './listen.ts'

/** A witness that listens, and the sizes that it was shown. */
export type WitnessServer = {
  readonly vkey: string
  readonly url: string
  readonly shown: readonly number[]
  /** `down`: it answers 503; `silent`: it answers nothing. */
  mood: 'up' | 'down' | 'silent'
  close(): Promise<void>
}

/** Starts one. Different numbers have different keys. */
export async function serveWitness(at = 0, nowMs: () => number = Date.now, name = `witness.example/w${at}`): Promise<WitnessServer> {
  const signer = createSigner(name, new Uint8Array(32).fill(100 + at), ED25519_COSIGNATURE)
  const shown: number[] = []
  let latest: { size: number; root: Hash } | undefined
  const server = createServer(async (request, response) => {
    const { oldSize, proof, note } = parseAddCheckpoint(await text(request))
    const { size, root } = parseCheckpoint(parseNote(note).text)
    shown.push(size)
    if (witness.mood === 'silent') return
    if (witness.mood === 'down') return void response.writeHead(503).end()
    const known = latest?.size ?? 0
    if (oldSize !== known) return void response.writeHead(409, { 'content-type': SIZE_TYPE }).end(formatSizeAnswer(known))
    if (latest !== undefined) verifyConsistency({ from: known, to: size, fromRoot: latest.root, toRoot: root, proof })
    latest = { size, root }
    response.end(cosign(parseNote(note).text, Math.floor(nowMs() / 1000), signer))
  })
  const url = await listen(server)
  const witness: WitnessServer = { vkey: formatVkey(signer.vkey), url, shown, mood: 'up', close: async () => void stop(server) }
  return witness
}
