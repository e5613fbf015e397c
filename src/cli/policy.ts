/** `openseal policy`: shows the policy that the ledger offers, or keeps a copy of it to verify by from now on. */
import type { Command } from 'commander'
import { parsePolicy } from '../core/policy.ts'
import { createClient } from './client.ts'
import { addCommand, withLedger } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { writeNew } from './receipt-file.ts'

/** Adds the command. */
export function addPolicy(program: Command): void {
  const example = 'openseal policy --out openseal.policy.json\nopenseal verify decision.pdf --policy openseal.policy.json'
  withLedger(addCommand(program, 'policy', "print the ledger's policy, or pin it to a file", example))
    .option('--out <file>', 'write it to a file; a different one that is there already is never replaced')
    .action(async (options: { ledger: string; json?: boolean; out?: string }) => {
      const text = await createClient(options.ledger).readText('/policy.json')
      const policy = parsePolicy(text)
      if (options.out === undefined) return print(...text.trimEnd().split('\n'))
      await writeNew(options.out, text)
      if (options.json) return printJson({ file: options.out, origin: policy.origin })
      print(`The policy of ${policy.origin} is in ${options.out}.`)
      remark("Compare its keys and contracts with what the ledger's operator publishes elsewhere: from now on you trust this file.")
    })
}
