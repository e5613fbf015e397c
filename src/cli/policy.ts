/** `openseal policy`: shows the policy that the ledger offers, or keeps a copy of it to verify by from now on. */

import { readFile, rename, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { formatPolicy, parsePolicy } from '../core/policy.ts'
import { extendPolicy } from '../verifier/index.ts'
import { createClient } from './client.ts'
import { addCommand, withLedger } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { writeNew } from './receipt-file.ts'

/** Adds the command. */
export function addPolicy(program: Command): void {
  const example = 'openseal policy --out openseal.policy.json\nopenseal verify decision.pdf --policy openseal.policy.json'
  withLedger(addCommand(program, 'policy', "print the ledger's policy, or pin it to a file", example))
    .option('--out <file>', 'write it to a file; a different one that is there already is never replaced')
    .option('--extend <file>', 'add to a pinned policy the keys that its own keys introduce')
    .action(async (options: { ledger: string; json?: boolean; out?: string; extend?: string }) => {
      if (options.extend !== undefined) return extend(options.extend, options)
      const text = await createClient(options.ledger).readText('/policy.json')
      const policy = parsePolicy(text)
      if (options.out === undefined) return print(...text.trimEnd().split('\n'))
      await writeNew(options.out, text)
      if (options.json) return printJson({ file: options.out, origin: policy.origin })
      print(`The policy of ${policy.origin} is in ${options.out}.`)
      remark("Compare its keys and contracts with what the ledger's operator publishes elsewhere: from now on you trust this file.")
    })
}

/** The new keys into the pinned file, in its place; everything else in it stays as it was pinned. */
async function extend(file: string, { ledger, json }: { ledger: string; json?: boolean }): Promise<void> {
  const pinned = parsePolicy(await readFile(file))
  const { changes } = (await createClient(ledger).readJson('/v1/keys')) as { changes: readonly { receipt: unknown }[] }
  const extended = extendPolicy(
    pinned,
    changes.map(({ receipt }) => JSON.stringify(receipt)),
  )
  const added = extended.logKeys.filter(({ vkey }) => !pinned.logKeys.some(key => key.vkey === vkey)).map(({ vkey }) => vkey)
  if (added.length > 0) {
    await writeFile(`${file}.new`, formatPolicy(extended), { flush: true })
    await rename(`${file}.new`, file)
  }
  if (json) return printJson({ file, added })
  if (added.length === 0) return print(`${file} knows every key of ${pinned.origin} already.`)
  print(`${file} trusts from now on:`, ...added)
  remark(
    "The old key vouches for it. Whoever stole that could do so too: compare the new key with what the ledger's operator publishes elsewhere.",
  )
}
