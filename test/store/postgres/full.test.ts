/** A database whose disk is full: it says so, loses nothing, and goes on when there is room. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemHost } from '../../../src/host.ts'
import { silentLog } from '../../../src/logger.ts'
import type { SharedStore } from '../../../src/store/port/port.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { checkLog } from '../../ledger/check-log.ts'
import { openTestLedger, statementOf } from '../../ledger/fixtures.ts'
import { startPostgres, type TestServer } from './server.ts'

const FULL = /The database does not take writes now\. Its disk is full: make room there\. Nothing is written until it does/

describe('a full database', () => {
  let server: TestServer
  const opened: SharedStore[] = []
  before(async () => {
    server = await startPostgres()
  })
  after(async () => {
    for (const store of opened) await store.close()
    await server.stop()
  })
  const open = async (address: string) => {
    const store = await openPostgresStore(address, systemHost(silentLog))
    opened.push(store)
    return store
  }

  /** Submits until the disk is full, then frees it. */
  const fillAndFree = async (store: SharedStore, fill: () => unknown, free: () => unknown) => {
    const ledger = await openTestLedger(store)
    await ledger.submit(statementOf('before'))
    await fill()
    const kept: string[] = []
    const refusal = await (async () => {
      for (let n = 0; ; n++) {
        try {
          await ledger.submit(statementOf(`r${n}`, 1, { title: 'x'.repeat(500) }))
          kept.push(`r${n}`)
        } catch (error) {
          return error as { code: string; message: string }
        }
      }
    })()
    assert.equal(refusal.code, 'LEDGER_UNSETTLED', refusal.message)
    assert.match(refusal.message, FULL)
    assert.match(refusal.message, /safe to send a record without an answer again/)
    assert.match(ledger.unsettled() ?? '', FULL)
    assert.equal((await store.readHead())?.head.size, kept.length + 2)
    await free()
    assert.equal((await ledger.submit(statementOf(`r${kept.length}`, 1, { title: 'x'.repeat(500) }))).index, kept.length + 2)
    assert.deepEqual([ledger.unsettled(), ledger.stopped()], [undefined, undefined])
    assert.equal(await checkLog(store), kept.length + 3)
  }

  it('refuses and goes on by the server’s own error for a full disk', async () => {
    const address = await server.newDatabase()
    const sql = (text: string) => server.sql(text, new URL(address).pathname.slice(1))
    await fillAndFree(
      await open(address),
      () =>
        sql(`CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
          CREATE TRIGGER full_disk BEFORE INSERT ON openseal.statement EXECUTE FUNCTION public.full()`),
      () => sql('DROP TRIGGER full_disk ON openseal.statement'),
    )
  })

  it('refuses and goes on where its disk really is full, on a machine that lets us make a small one', async function () {
    const disk = join(server.data, '..', 'disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=700,uid=65534,gid=65534', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      // Only root may, and not in every container. The test before this one needs no disk. The
      // summary of the run counts this one as skipped.
      this.skip()
    }
    try {
      const space = join(disk, 'space')
      mkdirSync(space)
      chownSync(space, 65_534, 65_534)
      await server.sql(`CREATE TABLESPACE small LOCATION '${space}'`)
      await server.sql('CREATE DATABASE small OWNER ledger TABLESPACE small')
      const store = await open(`postgres://ledger:ledger@127.0.0.1:${server.port}/small`)
      const ballast = join(disk, 'ballast')
      const fill = () => {
        for (;;)
          try {
            writeFileSync(ballast, new Uint8Array(4096), { flag: 'a' })
          } catch (error) {
            assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
            return
          }
      }
      await fillAndFree(store, fill, () => rmSync(ballast))
    } finally {
      for (const store of opened.splice(0)) await store.close()
      await server.end()
      execFileSync('umount', ['-l', disk])
      await server.start().catch(() => {})
    }
  })
})
