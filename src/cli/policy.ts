/**
 * `openseal policy`: shows the policy that the ledger offers, or keeps a copy for later
 * verifications.
 */

import type { Command } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import { formatPolicy, type Policy } from '../core/policy.ts'
import { ExtendError, extendPolicy } from '../verifier/index.ts'
import { openChainReaders } from './chain-readers.ts'
import { type Client, createClient } from './client.ts'
import { ClientError } from './client-error.ts'
import { CommandError, collect, EXIT_INVALID, EXIT_SEALED, EXIT_UNCHECKED, withExample, withLedger } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { readPinnedPolicy, readServedPolicy } from './policy-file.ts'
import { replaceFile, writeNew } from './receipt-file.ts'

type Options = { ledger: string; json?: boolean; out?: string; extend?: string; rpc?: string[] }

/** Fills the command. */
export function addPolicy(command: Command): void {
  const example = 'openseal policy --out openseal.policy.json\nopenseal verify decision.pdf --policy openseal.policy.json'
  withLedger(withExample(command, example))
    .option('--out <file>', 'write it to a file; a different existing file is never replaced')
    .option('--extend <file>', "add the log's next key to a pinned policy, if the old key and the chain vouch for the change")
    .option('--rpc <url>', 'with --extend: an endpoint of the chain; may be repeated (or OPENSEAL_RPC, separated by commas)', collect)
    .action(async (options: Options) => {
      if (options.extend !== undefined) return extend(options.extend, options)
      const { policy, text } = await readServedPolicy(createClient(options.ledger))
      if (options.out === undefined) return print(...text.trimEnd().split('\n'))
      await writeNew(options.out, text)
      if (options.json) return printJson({ file: options.out, origin: policy.origin })
      print(`The policy of ${policy.origin} is in ${options.out}.`)
      remark("Compare its keys and contracts with those that the ledger's operator publishes elsewhere: from now on you trust this file.")
    })
}

/** Adds the new keys to the pinned file in place. Everything else in it stays as it was pinned. */
async function extend(file: string, { ledger, json, rpc }: Options): Promise<void> {
  const pinned = await readPinnedPolicy(file)
  const client = createClient(ledger)
  const extended = await follow(client, pinned, await readKeyChanges(client), rpc)
  const added = extended.logKeys.filter(({ vkey }) => !pinned.logKeys.some(key => key.vkey === vkey)).map(({ vkey }) => vkey)
  if (added.length > 0) await replaceFile(file, formatPolicy(extended))
  if (json) return printJson({ file, added })
  // A mirror may withhold a change, which nobody can notice here.
  if (added.length === 0) return print(`${client.url} reports no key that is missing in ${file}. The file is unchanged.`)
  print(`${file} trusts from now on:`, ...added)
  remark(
    'The old key signed the change, and the chain of your policy vouches for it.',
    "An attacker on the operator's machine could have done both: compare the new key with the one that the operator publishes elsewhere.",
  )
}

/** The receipts of the changes that the ledger reports, not checked yet. */
export async function readKeyChanges(client: Client): Promise<string[]> {
  const { changes } = (await client.readJson('/v1/keys')) as { changes?: readonly { receipt?: unknown }[] }
  if (!Array.isArray(changes)) throw new ClientError('LEDGER_ANSWER', `${client.url} does not say which keys signed its log`)
  return changes.map(change => JSON.stringify(change?.receipt ?? null))
}

/** Writes nothing if one change cannot be believed. The error names the source. */
async function follow(client: Client, pinned: Policy, receipts: readonly string[], rpc: string[] | undefined): Promise<Policy> {
  try {
    return await extendPolicy(pinned, receipts, openChainReaders(rpc, pinned))
  } catch (cause) {
    if (!(cause instanceof OpenSealError) || cause instanceof CommandError) throw cause
    const code = cause instanceof ExtendError ? cause.code : 'EXTEND_UNPROVEN'
    const what = cause instanceof ExtendError ? cause.message : `the change of keys is not proven: ${cause.message}`
    throw new CommandError(EXITS[code] ?? EXIT_INVALID, code, `${client.url} reports a new key. It was not added: ${what}`, {
      cause,
    })
  }
}

const EXITS: { readonly [code: string]: number } = { EXTEND_NOT_ANCHORED: EXIT_SEALED, EXTEND_UNCHECKED: EXIT_UNCHECKED }
