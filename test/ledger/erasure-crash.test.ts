/**
 * An erasure that is killed at any of its writes: what the disk holds at that moment is opened
 * again, and finishes. The statement is gone from every file, and nothing else is lost.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { sha256Hex } from '../../src/core/hash.ts'
import { openFinder } from '../../src/finder/finder.ts'
import { silentLog } from '../../src/logger.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { openTestLedger, statementOf } from './fixtures.ts'

const KEY = new Uint8Array(32).fill(9)
const DAY_MS = 86_400_000
const WORD = sha256Hex('a word of the erased statement').slice(0, 20)
const DIGEST = sha256Hex('its document')
const OTHERS = [0, 1, 3, 4]

type AnyFunction = (...args: never[]) => unknown
/** The methods of Level by which a store or a finder changes its files. */
const methods = Level.prototype as unknown as { [name: string]: AnyFunction }

/** Calls `before` ahead of each change of files. Returns the function that ends it. */
function watchWrites(before: (name: string) => void): () => void {
  const originals = ['batch', 'compactRange', 'open', 'close'].map(name => [name, methods[name]!] as const)
  for (const [name, original] of originals)
    methods[name] = function (this: unknown, ...args: never[]) {
      before(name)
      if (name !== 'batch' || args.length > 0) return original.apply(this, args)
      const chained = original.apply(this, args) as { write: AnyFunction }
      const write = chained.write.bind(chained)
      chained.write = (...options: never[]) => {
        before('write')
        return write(...options)
      }
      return chained
    }
  return () => {
    for (const [name, original] of originals) methods[name] = original
  }
}

describe('erasing, killed at any write', function () {
  this.timeout(60_000)
  let folder: string
  let nowMs: number
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-erasure-crash-'))
    nowMs = Date.UTC(2026, 0, 2)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const at = (name: string) => join(folder, name)
  const open = async (name: string) => {
    const store = await openLevelStore(join(at(name), 'store'))
    const ledger = await openTestLedger(store, {
      host: { nowMs: () => nowMs, steadyMs: () => nowMs },
      erasure: { key: KEY, delayMs: DAY_MS, periodMs: 1000 * DAY_MS },
    })
    const finder = await openFinder({ ledger, folder: join(at(name), 'finder'), steadyMs: () => performance.now(), log: silentLog })
    const close = async () => {
      await finder.stop()
      await ledger.close()
    }
    return { store, ledger, finder, close }
  }
  type Open = Awaited<ReturnType<typeof open>>
  const finish = async ({ ledger, finder }: Open) => {
    await ledger.tendErasures()
    await finder.tick()
  }
  const filesWith = (name: string, traces: readonly Buffer[]) =>
    readdirSync(at(name), { recursive: true, encoding: 'utf8' }).filter(file => {
      const path = join(at(name), file)
      return statSync(path).isFile() && traces.some(trace => readFileSync(path).includes(trace))
    })

  it('is finished by the next start, whatever the disk holds by then', async () => {
    const first = await open('data')
    for (const [i, record] of ['a', 'erased', 'c', 'd'].entries()) {
      const changes = record === 'erased' ? { title: WORD, documents: [{ ...statementOf('a').documents[0]!, sha256: DIGEST }] } : {}
      await first.ledger.submit(statementOf(record, i + 1, changes))
    }
    await first.finder.tick()
    const { salt } = JSON.parse((await first.ledger.statement(2))!)
    const traces = [WORD, salt, DIGEST].map(text => Buffer.from(text)).concat(Buffer.from(DIGEST, 'hex').subarray(12))
    ok(filesWith('data', traces).length > 0)
    const others = await Promise.all(OTHERS.map(index => first.ledger.statement(index)))

    const moments: string[] = []
    const take = (name: string) => {
      const moment = `${moments.length}-${name}`
      cpSync(at('data'), at(moment), { recursive: true })
      moments.push(moment)
    }
    const end = watchWrites(take)
    await first.ledger.requestErasure(2, 'personal-data', { by: 'operator' }).finally(end)
    nowMs += DAY_MS
    const endToo = watchWrites(take)
    await finish(first).finally(endToo)
    take('end')
    await first.close()
    ok(moments.length > 15, moments.join())

    let asked = 0
    for (const moment of moments) {
      const again = await open(moment)
      const isAsked = (await again.ledger.erasureDue(2)) !== undefined || (await again.ledger.erasureOf(2)) !== undefined
      await finish(again)
      deepEqual(await Promise.all(OTHERS.map(index => again.ledger.statement(index))), others, moment)
      equal(again.ledger.head().size, isAsked ? 6 : 5, moment)
      equal((await again.ledger.statement(2)) === undefined, isAsked, moment)
      deepEqual([await again.ledger.unfinishedErasures(), await again.finder.isClean()], [false, true], moment)
      if (isAsked) equal((await again.ledger.erasureOf(2))?.tombstone, 5, moment)
      await again.close()
      if (isAsked) deepEqual(filesWith(moment, traces), [], moment)
      if (isAsked) asked++
    }
    // Only the moments before the request was written know nothing of it.
    ok(asked >= moments.length - 3, `${asked} of ${moments.length}`)
  })
})
