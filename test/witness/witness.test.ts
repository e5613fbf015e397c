/** A witness over HTTP: C2SP tlog-witness, status by status, and logs that misbehave. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { checkEvidence } from '../../src/audit/evidence.ts'
import { toBase64 } from '../../src/core/bytes.ts'
import { EMPTY_ROOT } from '../../src/core/hash.ts'
import { formatAddCheckpoint } from '../../src/core/tlog/add-checkpoint.ts'
import {
  cosign,
  createSigner,
  formatVkey,
  parseNote,
  parseVkey,
  signNote,
  verifyCosignatures,
  verifyNote,
} from '../../src/core/tlog/note.ts'
import { createTestLog, NOW, type Started, useWitnesses } from './world.ts'

const log = createTestLog('log.example/1')
/** The same from entry 5 on another one, under the same key. */
const fork = createTestLog('log.example/1', 5)
const PATH = `/${createHash('sha256').update('log.example/1').digest('hex')}/checkpoint`

describe('witness', () => {
  const { start, newFolder } = useWitnesses()
  const policies = [log.policy()]

  const linesOf = (witness: Started, note: string) => verifyCosignatures(note, [parseVkey(witness.vkey)])
  /** Brings a witness to a size. */
  async function startAt(size: number, data = newFolder(), nowSeconds = () => NOW): Promise<Started> {
    const witness = await start({ policies, data, nowSeconds })
    assert.equal((await witness.add(log.request(0, size))).status, 200)
    return witness
  }
  const refused = async (witness: Started, body: string, status: number, code?: string) => {
    const answer = await witness.add(body)
    assert.deepEqual([answer.status, answer.text.includes(`"code":"${code}"`)], [status, code !== undefined], answer.text)
    if (status !== 409) assert.equal(answer.type, 'application/problem+json')
    return answer
  }
  const sizeOf = async (witness: Started) => (await witness.add(log.request(0, 1))).text

  it('answers 200 with one line in its own name, over the checkpoint as it was sent', async () => {
    const witness = await start({ policies })
    const { status, text } = await witness.add(log.request(0, 3))
    assert.equal(status, 200)
    assert.match(text, /^— openseal\.local\/witness\/[0-9a-f]{8} \S+\n$/)
    assert.deepEqual(linesOf(witness, log.note(3) + text), [{ vkey: parseVkey(witness.vkey), timeSeconds: NOW }])
  })

  it('cosigns each step of a log that grows, for its own client', async () => {
    const steps = [1, 2, 3, 4, 7, 8].flatMap(from =>
      [from, from + 1, 33].map(to => ({ from, to, each: createTestLog(`log.example/${from}-${to}`) })),
    )
    const witness = await start({ policies: steps.map(({ each }) => each.policy()) })
    for (const { from, to, each } of steps) {
      const prove = async (_from: number, _to: number) => each.proof(_from, _to)
      await witness.client.cosign({ note: each.note(from), size: from }, 0, prove)
      const { line, time } = await witness.client.cosign({ note: each.note(to), size: to }, from, prove)
      assert.deepEqual([linesOf(witness, `${each.note(to)}${line}\n`).length, time], [1, NOW])
    }
  })

  it('tells a client without state where to begin', async () => {
    const witness = await startAt(3)
    const { time } = await witness.client.cosign({ note: log.note(9), size: 9 }, 0, async (from, to) => log.proof(from, to))
    assert.equal(time, NOW)
    await assert.rejects(
      witness.client.cosign({ note: log.note(8), size: 8 }, 0, async (from, to) => log.proof(from, to)),
      { code: 'WITNESS_AHEAD', size: 9 },
    )
    await assert.rejects(
      witness.client.cosign({ note: fork.note(9), size: 9 }, 0, async (from, to) => log.proof(from, to)),
      { code: 'WITNESS_CONTRADICTED' },
    )
    const other = createTestLog('other.example')
    await assert.rejects(
      witness.client.cosign({ note: other.note(9), size: 9 }, 0, async (from, to) => other.proof(from, to)),
      { code: 'WITNESS_UNKNOWN_LOG' },
    )
  })

  it('cosigns the same checkpoint again, and the empty tree first', async () => {
    const witness = await start({ policies })
    for (const [from, to] of [
      [0, 0],
      [0, 0],
      [0, 5],
      [5, 5],
      [5, 6],
    ] as const)
      assert.equal((await witness.add(log.request(from, to))).status, 200, `${from} ${to}`)
  })

  it('answers 404 for a log that no policy names, before it looks at the rest', async () => {
    const witness = await startAt(3)
    const other = createTestLog('other.example')
    await refused(witness, other.request(0, 3), 404, 'LOG_UNKNOWN')
    await refused(witness, other.request(3, 3).replace('\n3\n', '\nmany\n'), 404, 'LOG_UNKNOWN')
    await refused(witness, other.request(9, 3), 404, 'LOG_UNKNOWN')
  })

  it('answers 403 without a valid signature by a key of the policy', async () => {
    const witness = await startAt(3)
    const stranger = createSigner('log.example/1', new Uint8Array(32).fill(7))
    const named = createSigner('other.example', new Uint8Array(32).fill(7))
    const proof = log.proof(3, 4)
    const ask = (note: string) => formatAddCheckpoint({ oldSize: 3, proof, note })
    const [text = ''] = log.note(4).split('\n\n')
    const forged = signNote(`${text}\n`, stranger).replace(/ \S+\n$/, line => {
      const ours = Buffer.from(log.note(4).trimEnd().split(' ').at(-1)!, 'base64')
      return ` ${toBase64(Buffer.concat([ours.subarray(0, 4), Buffer.from(line.trim(), 'base64').subarray(4)]))}\n`
    })
    await refused(witness, ask(log.note(4, [stranger])), 403, 'SIGNATURE_INVALID')
    await refused(witness, ask(log.note(4, [named])), 403, 'SIGNATURE_INVALID')
    await refused(witness, ask(forged), 403, 'SIGNATURE_INVALID')
    // C2SP: a line in a known key's name that is not by it makes the note malformed.
    await refused(witness, ask(forged + log.note(4).split('\n\n')[1]!), 403, 'SIGNATURE_INVALID')
    await refused(witness, ask(log.note(4).replace('\n4\n', '\n5\n')), 403, 'SIGNATURE_INVALID')
    assert.equal(await sizeOf(witness), '3\n')
    // Lines of unknown keys are ignored, also of other types: with 16 of 5 kB, the most that a note must be able to have.
    assert.equal((await witness.add(ask(log.note(4, [stranger, named, log.signer])))).status, 200)
    const long = Buffer.alloc(5_000, 6).toString('base64')
    const lines = Array.from({ length: 15 }, (_, at) => `— log.example/${at} ${long}\n`).join('')
    const note = log.note(5)
    assert.equal((await witness.add(formatAddCheckpoint({ oldSize: 4, proof: log.proof(4, 5), note: note + lines }))).status, 200)
    assert.equal((await witness.get(PATH)).text.startsWith(`${note}— openseal.local/witness/`), true)
  })

  it('answers 400 if the checkpoint is smaller than the old size, and for everything that it cannot read', async () => {
    const witness = await startAt(3)
    await refused(witness, formatAddCheckpoint({ oldSize: 5, proof: [], note: log.note(4) }), 400, 'SIZE_SMALLER')
    const good = log.request(3, 4)
    const bad = [
      '',
      '\n',
      'hello',
      good.slice(0, -1),
      good.replace('old 3', 'old 03'),
      good.replace('old 3', 'old -3'),
      good.replace('old 3', 'Old 3'),
      good.replace('old 3', 'old 3 '),
      good.replaceAll('\n', '\r\n'),
      ` ${good}`,
      good.replace('\n4\n', '\n04\n'),
      good.replace('\n4\n', '\n4.0\n'),
      good.replace('\n4\n', '\n4e0\n'),
      good.replace('\n4\n', '\n4 \n'),
      formatAddCheckpoint({ oldSize: 3, proof: [], note: `${log.note(4)}\n` }),
      formatAddCheckpoint({ oldSize: 3, proof: Array(64).fill(EMPTY_ROOT), note: log.note(4) }),
      // An extension line: the text that is signed would say more than was checked.
      formatAddCheckpoint({ oldSize: 3, proof: log.proof(3, 4), note: signNote(`${parseNote(log.note(4)).text}more\n`, log.signer) }),
      formatAddCheckpoint({ oldSize: 3, proof: log.proof(3, 4), note: signNote(`${parseNote(log.note(4)).text}\nmore\n`, log.signer) }),
    ]
    for (const body of bad) await refused(witness, body, 400, 'REQUEST_MALFORMED')
    for (const bytes of [Buffer.from(`\ufeff${good}`), Buffer.from(good).fill(0xff, 0, 1), Buffer.from(good, 'utf16le')])
      assert.equal((await witness.add(bytes)).status, 400)
    assert.equal(await sizeOf(witness), '3\n')
    assert.equal((await witness.add(good)).status, 200)
  })

  it('answers 409 with the size that it cosigned last, of its media type', async () => {
    const witness = await start({ policies })
    for (const [body, size] of [
      [log.request(1, 3), 0],
      [log.request(3, 3), 0],
    ] as const)
      assert.deepEqual(await witness.add(body), { status: 409, type: 'text/x.tlog.size', text: `${size}\n` })
    await witness.add(log.request(0, 6))
    for (const body of [log.request(0, 7), log.request(5, 7), log.request(7, 7), log.request(0, 3), log.request(3, 3), fork.request(0, 6)])
      assert.deepEqual(await witness.add(body), { status: 409, type: 'text/x.tlog.size', text: '6\n' })
  })

  it('answers 422 for a proof that does not fit, a second root of one size, and an empty tree that is none', async () => {
    const witness = await start({ policies })
    const wrongEmpty = signNote(`log.example/1\n0\n${toBase64(log.root(1))}\n`, log.signer)
    await refused(witness, formatAddCheckpoint({ oldSize: 0, proof: [], note: wrongEmpty }), 422, 'PROOF_INVALID')
    await refused(witness, formatAddCheckpoint({ oldSize: 0, proof: [log.root(1)], note: log.note(3) }), 422, 'PROOF_INVALID')
    await witness.add(log.request(0, 6))
    const proof = log.proof(6, 9)
    const ask = (hashes: readonly Uint8Array[]) => formatAddCheckpoint({ oldSize: 6, proof: hashes, note: log.note(9) })
    for (const hashes of [[], proof.slice(1), [...proof, proof[0]!], [...proof].reverse(), proof.with(0, log.root(1)), log.proof(5, 9)])
      await refused(witness, ask(hashes), 422, 'PROOF_INVALID')
    await refused(witness, fork.request(6, 9), 422, 'PROOF_INVALID')
    await refused(witness, fork.request(6, 6), 422, 'PROOF_INVALID')
    await refused(witness, formatAddCheckpoint({ oldSize: 6, proof: [log.root(1)], note: log.note(6) }), 422, 'PROOF_INVALID')
    assert.equal((await witness.add(ask(proof))).status, 200)
  })

  it('never cosigns two roots of one size, however the requests of a fork and of the log cross', async () => {
    const witness = await start({ policies })
    const bodies = [log, fork].flatMap(each => [6, 7, 8].flatMap(to => [each.request(0, to), each.request(6, to), each.request(7, to)]))
    const answers = await Promise.all([...bodies, ...bodies].map(body => witness.add(body)))
    const good = new Set(answers.filter(({ status }) => status === 200).map(({ text }) => text))
    const cosignedBy = (each: typeof log) =>
      [6, 7, 8].filter(size =>
        [...good].some(line => {
          try {
            return linesOf(witness, each.note(size) + line).length === 1
          } catch {
            return false
          }
        }),
      )
    assert.ok(good.size > 0)
    assert.deepEqual([cosignedBy(log).length > 0, cosignedBy(fork).length > 0].filter(Boolean).length, 1)
    // Nothing fails: each request has its turn. Which of these each gets depends on the order.
    assert.deepEqual(
      answers.filter(({ status }) => ![200, 400, 409, 422].includes(status)),
      [],
    )
  })

  it('serves the newest cosigned checkpoint of each log for monitors, with the lines that it has verified alone', async () => {
    let now = NOW
    const witness = await start({ policies, nowSeconds: () => now })
    assert.equal((await witness.get(PATH)).status, 404)
    const stranger = createSigner('log.example/1', new Uint8Array(32).fill(7))
    const note = log.note(3, [stranger, log.signer])
    const { text: line } = await witness.add(formatAddCheckpoint({ oldSize: 0, proof: [], note }))
    const { status, type, text } = await witness.get(PATH)
    assert.deepEqual([status, type, text], [200, 'text/plain; charset=utf-8', log.note(3) + line])
    assert.deepEqual([verifyNote(text, [log.signer.vkey]).length, linesOf(witness, text).length], [1, 1])
    // The same checkpoint, cosigned again: the newest cosignature that was given is shown.
    now++
    const { text: again } = await witness.add(log.request(3, 3))
    assert.notEqual(again, line)
    assert.equal((await witness.get(PATH)).text, log.note(3) + again)
    for (const path of [PATH.toUpperCase(), `${PATH}/`, `/${'0'.repeat(64)}/checkpoint`, '/checkpoint', '/', `${PATH}?a`, '/../etc/passwd'])
      assert.equal((await witness.get(path)).status, 404, path)
  })

  it('dates no cosignature before an earlier one of the log, if its clock goes back', async () => {
    let now = NOW
    const data = newFolder()
    let witness = await start({ policies, data, nowSeconds: () => now })
    const times: number[] = []
    for (const [at, from, to] of [
      [NOW, 0, 3],
      [NOW - 100, 3, 4],
      [NOW - 200, 4, 4],
      [NOW + 5, 4, 4],
      [NOW - 300, 4, 5],
      [NOW + 6, 5, 5],
    ] as const) {
      now = at
      const { text } = await witness.add(log.request(from, to))
      times.push(linesOf(witness, log.note(to) + text)[0]!.timeSeconds)
    }
    assert.deepEqual(times, [NOW, NOW, NOW, NOW + 5, NOW + 5, NOW + 6])
    // Nor after a restart.
    await witness.stop()
    now = NOW
    witness = await start({ policies, data, nowSeconds: () => now })
    const { text } = await witness.add(log.request(5, 6))
    assert.equal(linesOf(witness, log.note(6) + text)[0]!.timeSeconds, NOW + 6)
  })

  it('keeps a fork that was shown to it as evidence, whatever the old size, and no more than 16 of a log', async () => {
    const data = newFolder()
    let now = NOW
    const witness = await startAt(6, data, () => now)
    await witness.add(log.request(6, 7))
    const folder = join(data, 'evidence', PATH.split('/')[1]!)
    const kept = () => {
      try {
        return readdirSync(folder)
      } catch {
        return []
      }
    }
    // Nothing proves itself: a request from an older state, garbage beside a true signature.
    await witness.add(log.request(0, 6))
    await witness.add(formatAddCheckpoint({ oldSize: 7, proof: [log.root(3)], note: log.note(9) }))
    await witness.add(formatAddCheckpoint({ oldSize: 7, proof: [...log.proof(7, 9)].reverse(), note: log.note(9) }))
    assert.deepEqual(kept(), [])
    // Another root at the newest size, at an earlier one, and a larger tree of another history.
    assert.equal((await witness.add(fork.request(7, 7))).status, 422)
    // The same two checkpoints are kept once, also after a newer cosignature of the first.
    now++
    assert.equal((await witness.add(log.request(7, 7))).status, 200)
    assert.equal((await witness.add(fork.request(7, 7))).status, 422)
    assert.equal((await witness.add(fork.request(0, 6))).status, 409)
    assert.equal((await witness.add(fork.request(7, 12))).status, 422)
    assert.equal((await witness.add(fork.request(6, 13))).status, 409)
    assert.equal((await witness.add(fork.request(5, 14))).status, 409)
    const proven = kept().map(name => {
      const files = readdirSync(join(folder, name)).sort()
      assert.deepEqual(files, ['README.txt', 'earlier.checkpoint', 'evidence.json', 'later.checkpoint'])
      assert.match(readFileSync(join(folder, name, 'README.txt'), 'utf8'), /kept by "openseal witness"/)
      return checkEvidence(readFileSync(join(folder, name, 'evidence.json')), log.policy()).proven
    })
    assert.deepEqual(proven.sort(), ['rewritten', 'rewritten', 'two-checkpoints', 'two-checkpoints'])
    for (let at = 0; at < 20; at++)
      await witness.add(createTestLog('log.example/1', 5 - (at % 5)).request(at % 2 === 0 ? 7 : 0, at % 2 === 0 ? 13 + at : 6))
    assert.equal(kept().length, 16)
    // It goes on with the log itself.
    assert.equal((await witness.add(log.request(7, 8))).status, 200)
  })

  it('accepts either key of a log within the sizes that its policy names', async () => {
    const next = createSigner('log.example/1', new Uint8Array(32).fill(8))
    const logKeys = [
      { vkey: formatVkey(log.signer.vkey), toSize: 5 },
      { vkey: formatVkey(next.vkey), fromSize: 6 },
    ]
    const extended = [log.policy({ logKeys })]
    const ask = (from: number, to: number, signers = [log.signer]) =>
      formatAddCheckpoint({ oldSize: from, proof: log.proof(from, to), note: log.note(to, signers) })
    // A witness with the policy from before accepts what both keys have signed.
    const old = await startAt(5)
    assert.equal((await old.add(ask(5, 6, [next, log.signer]))).status, 200)
    await refused(old, ask(6, 7, [next]), 403, 'SIGNATURE_INVALID')
    const newer = await start({ policies: extended })
    await refused(newer, ask(0, 5, [next]), 403, 'SIGNATURE_INVALID')
    assert.equal((await newer.add(ask(0, 5))).status, 200)
    await refused(newer, ask(5, 6), 403, 'SIGNATURE_INVALID')
    assert.equal((await newer.add(ask(5, 6, [log.signer, next]))).status, 200)
    assert.equal((await newer.add(ask(6, 7, [next]))).status, 200)
    const { text } = await newer.get(PATH)
    assert.equal(verifyNote(text, [next.vkey]).length, 1)
  })

  it('witnesses many logs beside each other', async () => {
    const logs = Array.from({ length: 20 }, (_, at) => createTestLog(`log.example/${at}`))
    const data = newFolder()
    const witness = await start({ policies: logs.map(each => each.policy()), data })
    const answers = await Promise.all(logs.map(each => witness.add(each.request(0, 5))))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    await witness.stop()
    const again = await start({ policies: logs.map(each => each.policy()), data })
    const next = await Promise.all(logs.map(each => again.add(each.request(5, 9))))
    assert.deepEqual(new Set(next.map(({ status }) => status)), new Set([200]))
    const { text } = await again.get('/metrics')
    assert.match(text, /^openseal_witness_size\{log="log\.example\/19"\} 9$/m)
    assert.match(text, /^openseal_witness_requests_total\{outcome="COSIGNED"\} 20$/m)
    assert.match(text, /^openseal_witness_stopped 0$/m)
    assert.equal((await again.get('/healthz')).text, 'ok\n')
  })

  it('bounds each request in size and time, and goes on', async () => {
    const witness = await start({ policies })
    const hasty = await start({ policies, times: { request: 400, idle: 60_000, check: 50, drain: 1_000 } })
    const talk = (send: (write: (text: string) => void) => void, { url } = witness) =>
      new Promise<string>(resolve => {
        let heard = ''
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => send(text => void socket.write(text)))
        socket.on('data', chunk => {
          heard += chunk
        })
        socket.on('error', () => {}).on('close', () => resolve(heard))
      })
    const head = 'POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n'
    const long = await talk(write => write(`${head}Content-Length: 999999999\r\n\r\nold 0\n`))
    assert.match(long, /^HTTP\/1\.1 413 /)
    const endless = await talk(write => {
      write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
      for (let at = 0; at < 40; at++) write(`1000\r\n${'a'.repeat(4096)}\r\n`)
    })
    assert.match(endless, /^HTTP\/1\.1 413 /)
    const slow = [head, `${head}Content-Length: 10\r\n\r\nold`, 'P'].map(text => talk(write => write(text), hasty))
    for (const answer of await Promise.all(slow)) assert.match(answer, /^(HTTP\/1\.1 (408|400) |$)/)
    const cut = await talk(write => write('NOT HTTP\r\n\r\n'))
    assert.match(cut, /^HTTP\/1\.1 400 /)
    for (const each of [witness, hasty]) assert.equal((await each.add(log.request(0, 3))).status, 200)
    const methods = ['PUT', 'DELETE', 'PATCH'].map(method => fetch(`${witness.url}/add-checkpoint`, { method }))
    assert.deepEqual(
      (await Promise.all(methods)).map(({ status }) => status),
      [405, 405, 405],
    )
    assert.equal((await witness.get('/add-checkpoint')).status, 405)
  })

  it('answers a log while a hundred strangers send their requests byte by byte', async () => {
    const witness = await start({ policies })
    const port = Number(new URL(witness.url).port)
    const open = () =>
      new Promise<Socket>((connected, failed) => {
        const socket = connect(port, '127.0.0.1', () => {
          // The server answers 100 as it hands the request on, so that the witness is reading it by then.
          socket.write('POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\no')
        })
        socket.once('data', () => connected(socket)).on('error', failed)
      })
    const strangers = await Promise.all(Array.from({ length: 100 }, open))
    try {
      assert.equal((await witness.add(log.request(0, 3))).status, 200)
    } finally {
      for (const socket of strangers) socket.destroy()
    }
  })

  it('answers several requests on one connection, one after the other', async () => {
    const witness = await start({ policies })
    const bodies = [log.request(0, 2), log.request(0, 2), log.request(2, 3)]
    const statuses = await new Promise<string[]>(resolve => {
      let text = ''
      const found = () => [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status!)
      const next = () => {
        const body = bodies[found().length]
        if (body === undefined) socket.end()
        else socket.write(`POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
      }
      const socket = connect(Number(new URL(witness.url).port), '127.0.0.1', next)
      socket.on('data', chunk => {
        text += chunk
        // Each answer of this witness ends with a newline, and none of its heads does.
        if (/\r\n\r\n[^\r]*\n$/.test(text)) next()
      })
      socket.on('close', () => resolve(found()))
    })
    assert.deepEqual(statuses, ['200', '409', '200'])
  })

  it('has the cosignature of C2SP verified by the same code that makes its own', async () => {
    // C2SP tlog-cosignature, the example of "Format" and of "Ed25519 signed message".
    const note = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`
    const { signatures, text } = parseNote(note)
    const { name, id, signature } = signatures[1]!
    assert.deepEqual([name, id, signature.length], ['witness.example.com/w1', '8d66cf3f', 72])
    assert.equal(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0), 1679315147n)
    // Our line of the same checkpoint, name and time differs only where the key does.
    const signer = createSigner('witness.example.com/w1', new Uint8Array(32).fill(1), 4)
    const ours = parseNote(`${text}\n${cosign(text, 1679315147, signer)}`).signatures[0]!
    assert.deepEqual([ours.signature.length, ours.signature.subarray(0, 8)], [72, signature.subarray(0, 8)])
  })
})
