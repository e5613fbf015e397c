/** How a command judges the receipts of a ledger: each by what it carries itself. */
import { deepEqual } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../../src/cli/client.ts'
import { openReceiver } from '../../src/cli/received.ts'
import { stampedReceipt } from '../verifier/stamped.ts'

describe('cli/received', () => {
  it('counts a time stamp only for the receipt that carries it, whatever another one under that checkpoint has', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openseal-received-'))
    try {
      const { receipt, policy } = await stampedReceipt()
      await writeFile(join(folder, 'policy.json'), policy)
      const receiver = await openReceiver(createClient('http://127.0.0.1:9'), { policy: join(folder, 'policy.json'), rpc: [] })
      const { anchors, ...rest } = JSON.parse(receipt)
      const without = JSON.stringify({ ...rest, anchors: [{ ...anchors[0], token: 'AAAA' }] })
      const told = []
      for (const text of [without, receipt, without, receipt])
        told.push([(await receiver.check(text, { index: 1 })).state, (await receiver.standing(text))?.state])
      deepEqual(told, [
        ['sealed', 'sealed'],
        ['anchored', 'anchored'],
        ['sealed', 'sealed'],
        ['anchored', 'anchored'],
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
