/** The check of a form, without its process: what is asked of the ledger that serves the page. */
import { deepEqual, ok, rejects } from 'node:assert/strict'
import { createServer } from 'node:http'
import { toUtf8 } from '../../src/core/bytes.ts'
import { formatPolicy } from '../../src/core/policy.ts'
import { parseTrustList } from '../../src/core/trust.ts'
import { speak } from '../../src/messages/language.ts'
import { createFileReader, type ReadFile } from '../../src/verifier/index.ts'
import { checkUpload } from '../../src/web/server-verify.ts'
import { listen, stop } from '../listen.ts'
import { chainWith, createWorld, GENESIS, policyWith, STATEMENT } from '../verifier/world.ts'
import { openWorld } from './world.ts'

function readText(text: string): ReadFile {
  const reader = createFileReader()
  reader.update(toUtf8(text))
  return reader.finish()
}

describe('web/server-verify', function () {
  this.timeout(30_000)

  it('asks its own ledger nothing about a record of another ledger, even if the name is the same', async () => {
    const here = await openWorld()
    try {
      await here.submit('first', 'a record of this ledger')
      await here.submit(STATEMENT.record, 'a record of this ledger under the same name')
      const { ledger } = here
      const other = createWorld([GENESIS, STATEMENT])
      const files = [
        { name: 'r.receipt.json', read: readText(await other.receipt(1)) },
        { name: 'policy.json', read: readText(formatPolicy(policyWith())), isPolicy: true },
      ]
      const means = { policy: here.policy(), chain: [chainWith(other)], ledger: { ...ledger, head: async () => ledger.head() } }
      const answer = await checkUpload(speak('en'), { files }, means)
      const result = 'answers' in answer ? answer.answers[0]?.own[0]?.finding?.result : undefined
      deepEqual([result?.verdict, result?.asked, result?.checks.at(-1)?.status], ['anchored', 'nobody', 'not-run'])
    } finally {
      await here.close()
    }
  })

  it('says that the entry of a file is being erased, and not that the ledger did not answer', async () => {
    const here = await openWorld({ erasureDelayMs: 86_400_000 })
    try {
      const index = Number(await here.submit('r-1', 'a record of this ledger'))
      await here.ledger.requestErasure(index, 'personal-data', { by: 'operator' })
      const files = [{ name: 'f.txt', read: readText('a record of this ledger') }]
      const means = { policy: here.policy(), chain: [], ledger: { ...here.ledger, head: async () => here.ledger.head() } }
      const answer = await checkUpload(speak('en'), { files }, means)
      deepEqual('answers' in answer ? answer.answers[0]?.own.map(({ problem }) => problem) : undefined, ['erasing'])
    } finally {
      await here.close()
    }
  })

  it('waits ten seconds for slow neighbours at most, and answers without them', async () => {
    // It says each time, and late, that there is more under a longer prefix.
    const slow = createServer(({ url = '' }, response) => {
      const digest = url.split('/').at(-1)!.padEnd(64, '0')
      setTimeout(() => response.end(JSON.stringify({ digests: [{ digest, indexes: [] }], truncated: true })), 2500)
    })
    const near = { name: 'Near', ledger: await listen(slow), policy: JSON.parse(formatPolicy(policyWith())) }
    const others = parseTrustList(JSON.stringify({ type: 'openseal/trust@v1', name: 'List', entries: [near] }))
    const here = await openWorld()
    try {
      await here.submit('r-1', 'a record of this ledger')
      const files = [{ name: 'f.txt', read: readText('a record of this ledger') }]
      const means = { policy: here.policy(), others, chain: [], ledger: { ...here.ledger, head: async () => here.ledger.head() } }
      const startedMs = performance.now()
      const answer = await checkUpload(speak('en'), { files }, means)
      ok(performance.now() - startedMs < 13_000)
      const { finding } = ('answers' in answer ? answer.answers[0]?.own[0] : undefined) ?? {}
      deepEqual([finding?.result.index, finding?.lookedUp?.silent], [1, ['Near']])
    } finally {
      stop(slow)
      await here.close()
    }
  })

  it('says which ledgers of a reader’s list it does not ask, and not that there is no record', async () => {
    const here = await openWorld()
    try {
      const ledger = { ...here.ledger, head: async () => here.ledger.head() }
      const entry = (name: string) => ({ name, ledger: 'http://127.0.0.1:9', policy: JSON.parse(formatPolicy(here.policy())) })
      const near = { ...entry('Near'), policy: JSON.parse(formatPolicy(policyWith())) }
      const list = JSON.stringify({ type: 'openseal/trust@v1', name: 'List', entries: [entry('Own'), near] })
      const given = { ...readText(list), json: new TextEncoder().encode(list) }
      const files = [
        { name: 'f.txt', read: readText('nobody has this'), isPolicy: false },
        { name: 'list.json', read: given, isPolicy: true },
      ]
      const answer = await checkUpload(speak('en'), { files }, { policy: here.policy(), chain: [], ledger })
      const [own] = 'answers' in answer ? answer.answers.flatMap(each => each.own) : []
      deepEqual([own?.problem, own?.lookedUp], ['ledger-gone', { answered: ['Own'], silent: [], notAsked: ['Near'] }])
    } finally {
      await here.close()
    }
  })

  it('checks no more files of a report than an archive may hold', async () => {
    const here = await openWorld()
    try {
      const means = { policy: here.policy(), chain: [], ledger: { ...here.ledger, head: async () => here.ledger.head() } }
      const check = (count: number) => {
        const named = Array.from({ length: count }, (_, at) => ({ name: `${at}`, verdict: 'anchored', sha256: `${at}`.padStart(64, '0') }))
        const data = { type: 'openseal/report@v1', time: '2026-11-30T21:05:07Z', version: '1', policy: {}, files: named, receipts: [] }
        const text = `<!doctype html><script type="application/json" id="openseal-report">${JSON.stringify(data)}</script>`
        return checkUpload(speak('en'), { files: [{ name: 'r.html', read: readText(text) }] }, means)
      }
      const answer = await check(2000)
      deepEqual('answers' in answer ? answer.answers.length : undefined, 2000)
      await rejects(check(2001), { code: 'UPLOAD_TOO_MANY' })
    } finally {
      await here.close()
    }
  })
})
