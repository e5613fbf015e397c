/**
 * The audit against servers that misbehave: each ends in a message of its own, within bounds, and
 * never in a finding against the ledger.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { audit } from '../../src/audit/audit.ts'
import type { AuditReport } from '../../src/audit/run.ts'
import { createHttpSource } from '../../src/audit/source.ts'
import { createMemoryState } from '../../src/audit/state.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { signNote } from '../../src/core/tlog/note.ts'
import { ORIGIN, signer } from '../ledger/fixtures.ts'
import { openHostile, policyOf, type Served, serveLedger } from './world.ts'

/** Longer than any test takes: where a time decides, it is said. */
const PATIENT_MS = 120_000
const HURRIED_MS = 200
/** 2 GiB of zeros in 2 MiB: 32 gzip members, each of 64 MiB. */
const bomb = () => {
  const member = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  return Buffer.concat(Array.from({ length: 32 }, () => member))
}

type Answer = (response: ServerResponse) => unknown

const endless =
  (chunk: string, headers = {}): Answer =>
  response =>
    pipeline(Readable.from(repeat(chunk.repeat(1000))), response.writeHead(200, headers)).catch(() => {})
function* repeat(chunk: string) {
  for (;;) yield chunk
}
const text = { 'content-type': 'text/plain' }
const binary = { 'content-type': 'application/octet-stream' }
const ndjson = { 'content-type': 'application/x-ndjson' }

describe('audit of a server that misbehaves', () => {
  let served: Served
  let proxy: Awaited<ReturnType<typeof openHostile>>
  before(async () => {
    served = await serveLedger(600)
    proxy = await openHostile(served.url)
  })
  after(async () => {
    proxy.close()
    await served.close()
  })

  async function run(
    path: RegExp,
    answer: Answer | undefined,
    { timeoutMs = PATIENT_MS, retries = 0, times = Number.POSITIVE_INFINITY } = {},
  ) {
    const waits: number[] = []
    let left = times
    proxy.answer = (asked, response) => {
      if (answer === undefined || !path.test(asked) || left-- <= 0) return false
      void answer(response)
      return true
    }
    const sleep = async (ms: number) => void waits.push(ms)
    const source = createHttpSource({ url: proxy.url, fetch, timeoutMs, retries, parallel: 8, sleep })
    const report = await audit({ source, policy: policyOf(served.ledger), chains: [], state: createMemoryState(), parallel: 8 })
    source.close()
    return { report, waits }
  }
  const told = ({ exit, findings, unfinished }: AuditReport) => ({
    exit,
    findings,
    codes: [...new Set(unfinished.map(({ code }) => code))],
  })

  const cases: readonly (readonly [string, RegExp, Answer, string, number?])[] = [
    ['a checkpoint that never ends', /^\/checkpoint/, endless('a', text), 'AUDIT_LEDGER_TOO_LARGE'],
    ['a tile that never ends', /^\/tile\/0\//, endless('a', binary), 'AUDIT_LEDGER_TOO_LARGE'],
    ['a bundle that never ends', /^\/tile\/entries\//, endless('a', binary), 'AUDIT_LEDGER_TOO_LARGE'],
    ['a list of anchors that never ends', /^\/v1\/anchors/, endless(' ', text), 'AUDIT_LEDGER_TOO_LARGE'],
    ['a line of a statement that never ends', /statements/, endless('a', ndjson), 'AUDIT_LEDGER_UNREADABLE'],
    ['statements that never end', /statements/, endless('{"index":0,"erased":true}\n', ndjson), 'AUDIT_LEDGER_UNREADABLE'],
    ['empty lines that never end', /statements/, endless('\n', ndjson), 'AUDIT_LEDGER_TOO_LARGE'],
    ['an answer that never begins', /^\/checkpoint/, () => {}, 'AUDIT_LEDGER_TIMEOUT', HURRIED_MS],
    ['an answer that begins and never goes on', /^\/tile/, r => r.writeHead(200, binary).write('a'), 'AUDIT_LEDGER_TIMEOUT', HURRIED_MS],
    ['a connection that is closed', /^\/checkpoint/, r => r.destroy(), 'AUDIT_LEDGER_UNREACHABLE'],
    [
      'an answer that is shorter than it says',
      /^\/tile\/0\//,
      r => r.writeHead(200, { ...binary, 'content-length': '8192' }).write(Buffer.alloc(100), () => r.destroy()),
      'AUDIT_LEDGER_CUT_OFF',
    ],
    [
      'statements that end too early',
      /statements/,
      r => r.writeHead(200, ndjson).end('{"index":0,"erased":true}\n'),
      'AUDIT_LEDGER_CUT_OFF',
    ],
    ['a page of a hotel', /./, r => r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>Log in'), 'AUDIT_LEDGER_TYPE'],
    ['a redirect', /^\/checkpoint/, r => r.writeHead(302, { location: 'http://192.0.2.1/checkpoint' }).end(), 'AUDIT_LEDGER_REDIRECT'],
    ['a tile that is not there', /^\/tile\/1\//, r => r.writeHead(404).end(), 'AUDIT_LEDGER_MISSING'],
    ['a fault', /^\/tile\/1\//, r => r.writeHead(500).end(), 'AUDIT_LEDGER_FAILED'],
    ['too many requests', /^\/tile/, r => r.writeHead(429, { 'retry-after': '7' }).end(), 'AUDIT_LEDGER_BUSY'],
    ['a checkpoint in another form', /^\/checkpoint/, r => r.writeHead(200, text).end('600\n'), 'AUDIT_LEDGER_UNREADABLE'],
    ['text that is not UTF-8', /^\/checkpoint/, r => r.writeHead(200, text).end(Buffer.of(0xff, 0xfe)), 'AUDIT_LEDGER_UNREADABLE'],
    ['statements that are not UTF-8', /statements/, r => r.writeHead(200, ndjson).end(Buffer.of(0xff, 10)), 'AUDIT_LEDGER_UNREADABLE'],
    ['anchors in another form', /^\/v1\/anchors/, r => r.writeHead(200, text).end('{"final":[7]}'), 'AUDIT_LEDGER_UNREADABLE'],
    [
      'data that is not compressed',
      /^\/checkpoint/,
      r => r.writeHead(200, { ...text, 'content-encoding': 'gzip' }).end('no gzip'),
      'AUDIT_LEDGER_CUT_OFF',
    ],
  ]
  for (const [what, path, answer, code, timeoutMs] of cases) {
    it(`says so of ${what}`, async () => {
      const { report } = await run(path, answer, timeoutMs === undefined ? {} : { timeoutMs })
      deepEqual(told(report), { exit: 6, findings: [], codes: [code] })
    })
  }

  it('does not unfold a gzip bomb', async () => {
    const body = bomb()
    for (const [path, headers, code] of [
      [/^\/checkpoint/, text, 'AUDIT_LEDGER_TOO_LARGE'],
      [/^\/tile\/0\//, binary, 'AUDIT_LEDGER_TOO_LARGE'],
      [/statements/, ndjson, 'AUDIT_LEDGER_UNREADABLE'],
    ] as const) {
      const { report } = await run(path, response => response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end(body))
      deepEqual(told(report), { exit: 6, findings: [], codes: [code] })
    }
  })

  it('does not follow pages of anchors forever', async () => {
    const { report } = await run(/^\/v1\/anchors/, response => response.writeHead(200).end('{"final":[],"after":7}'))
    deepEqual(told(report).codes, ['AUDIT_LEDGER_UNREADABLE'])
    let after = 0
    const empty = await run(/^\/v1\/anchors/, response => response.writeHead(200).end(JSON.stringify({ final: [], after: ++after })))
    deepEqual([told(empty.report).codes, after], [['AUDIT_LEDGER_UNREADABLE'], 1])
  })

  it('ends when its time ends, however the ledger goes on, and says what was not examined', async () => {
    const anchor = { chainId: 1, contract: '0x', logId: '0x', root: '' }
    const onward: readonly (readonly [string, RegExp, Answer])[] = [
      // Each answer is right and comes at once; there is always one more.
      [
        '/v1/anchors?after=19',
        /^\/v1\/anchors/,
        response => response.writeHead(200).end(JSON.stringify({ final: [{ ...anchor, size: asked }], after: asked })),
      ],
      ['/v1/statements/0/600', /^\/v1\/statements/, response => response.writeHead(429, { 'retry-after': '0' }).end()],
      ['/checkpoint', /^\/checkpoint/, () => {}],
    ]
    let asked = 0
    for (const [path, wanted, answer] of onward) {
      asked = 0
      const end = new AbortController()
      const paths: string[] = []
      proxy.answer = (at, response) => {
        if (wanted.test(at)) {
          // A silent ledger gets one question only.
          if (++asked === (path === '/checkpoint' ? 1 : 20)) end.abort()
          void answer(response)
          return true
        }
        paths.push(at)
        return false
      }
      const sleep = () => new Promise(resolve => setImmediate(resolve))
      const options = {
        url: proxy.url,
        fetch,
        timeoutMs: PATIENT_MS,
        retries: Number.POSITIVE_INFINITY,
        parallel: 8,
        ended: end.signal,
        sleep,
      }
      const source = createHttpSource(options)
      const report = await audit({ source, policy: policyOf(served.ledger), chains: [], state: createMemoryState(), parallel: 8 })
      source.close()
      deepEqual(told(report), { exit: 6, findings: [], codes: ['AUDIT_TIME_ENDED'] }, path)
      ok(
        report.unfinished.some(({ values }) => values.path === path),
        JSON.stringify(report.unfinished),
      )
    }
  })

  it('goes on after temporary faults', async () => {
    const troubles: readonly (readonly [Answer, number])[] = [
      [r => r.destroy(), 1],
      [r => r.writeHead(500).end(), 2],
      [r => r.writeHead(200, { ...binary, 'content-length': '8192' }).write('a', () => r.destroy()), 1],
    ]
    for (const [answer, times] of troubles) {
      const { report, waits } = await run(/^\/tile\/0\/000/, answer, { retries: 2, times })
      deepEqual([report.exit, waits.length], [0, times])
    }
  })

  it('waits as long as it is asked to, up to two minutes, and asks for nothing meanwhile', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString()
    for (const [retryAfter, wait] of [
      ['7', 7000],
      [date, 120_000],
      ['99999999999', 120_000],
      ['soon', 250],
      ['0', 250],
    ] as const) {
      const { report, waits } = await run(/^\/checkpoint/, r => r.writeHead(503, { 'retry-after': retryAfter }).end(), {
        retries: 1,
        times: 1,
      })
      deepEqual([report.exit, waits], [0, [wait]])
    }
  })

  it('is patient with a server that serves one request at a time and refuses the others', async () => {
    let turn = 0
    const { report } = await run(/^\/(tile|v1\/statements)/, undefined, {})
    equal(report.exit, 0)
    proxy.answer = (_path, response) => {
      if (turn++ % 3 === 0) return false
      response.writeHead(429, { 'retry-after': '1' }).end()
      return true
    }
    const sleep = () => new Promise(resolve => setImmediate(resolve))
    const source = createHttpSource({ url: proxy.url, fetch, timeoutMs: PATIENT_MS, retries: 3, parallel: 8, sleep })
    const patient = await audit({ source, policy: policyOf(served.ledger), chains: [], state: createMemoryState(), parallel: 8 })
    equal(patient.exit, 0)
  })

  it('makes no more requests at once than it was told', async () => {
    await run(/./, undefined)
    ok(proxy.mostAtOnce > 1 && proxy.mostAtOnce <= 8, String(proxy.mostAtOnce))
  })

  it('finds two checkpoints of one size that are shown by turns', async () => {
    const other = signNote(formatCheckpoint({ origin: ORIGIN, size: 600, root: new Uint8Array(32) }), signer)
    const notes = [served.ledger.head().note, other]
    const { report } = await run(/^\/checkpoint/, response => response.writeHead(200, text).end(notes.shift()))
    deepEqual([report.exit, report.findings.map(({ code }) => code)], [5, ['AUDIT_TWO_CHECKPOINTS']])
  })

  it('finds a checkpoint that shrinks within a run', async () => {
    const notes = [served.ledger.head().note, await served.ledger.checkpointAt(300)]
    const { report } = await run(/^\/checkpoint/, response => response.writeHead(200, text).end(notes.shift()))
    deepEqual([report.exit, report.findings.map(({ code }) => code)], [5, ['AUDIT_TREE_SHRANK']])
  })
})
