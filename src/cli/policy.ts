/**
 * `openseal policy`: shows the policy that the ledger offers, keeps a copy for later verifications,
 * or collects copies in a trust list.
 */

import { type Command, InvalidArgumentError } from 'commander'
import { formatPolicy } from '../core/policy.ts'
import type { AnchorTerms } from '../verifier/index.ts'
import { createClient } from './client.ts'
import { collect, UsageError, withExample, withLedger } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { addToList } from './policy-add.ts'
import { describePolicy } from './policy-differences.ts'
import { extendFile } from './policy-extend.ts'
import { readPinnedPolicy, readServedPolicy } from './policy-file.ts'
import { describeGivenUp, withoutChains } from './policy-offline.ts'
import { writeNew } from './receipt-file.ts'

type Options = {
  readonly ledger: string
  readonly json?: boolean
  readonly out?: string
  readonly offline?: boolean
  readonly extend?: string
  readonly rpc?: readonly string[]
  readonly acceptAnchors?: boolean
  readonly production?: boolean
  readonly finality?: AnchorTerms['finality']
  readonly add?: string
  readonly from?: string
  readonly name?: string
  readonly listName?: string
  readonly yes?: boolean
}

/** Fills the command. */
export function addPolicy(command: Command, setExit: (code: number) => void): void {
  withLedger(withExample(command, EXAMPLE))
    .option('--out <file>', 'write it to a file; a different existing file is never replaced')
    .option('--offline', 'leave the chains out, so that witnesses and time stamps are enough; says what is given up')
    .option(
      '--extend <file>',
      "add the log's next key to a pinned policy, or to each policy of a trust list, if the old key and the chain vouch for the change; shows how else the ledger's policy differs",
    )
    .option('--rpc <url>', 'with --extend: an endpoint of the chain; may be repeated (or OPENSEAL_RPC, separated by commas)', collect)
    .option('--accept-anchors', 'with --extend: adopt changes of the chains, too')
    .option('--production', 'with --accept-anchors: the added chains are not test networks')
    .option('--finality <rule>', "with --accept-anchors: 'finalized', or a number of blocks", readFinality)
    .option('--add <list>', 'add it to a trust list, a file that is made if it is missing')
    .option('--from <file>', "with --add or --offline: take this copy instead of the ledger's own policy")
    .option('--name <name>', 'with --add: what the list calls the ledger')
    .option('--list-name <name>', 'with --add: the name of a new list')
    .option('--yes', 'with --add: write without asking')
    .action(async (options: Options) => {
      const { ledger, json, out } = options
      if (options.offline && (options.extend ?? options.add) !== undefined)
        throw new UsageError('give --offline alone: extend the copy first, or add the new one to a list with --from')
      if (options.extend !== undefined) return setExit(await extendFile(options.extend, options))
      const isNamed = command.getOptionValueSource('ledger') !== 'default'
      if (options.add !== undefined)
        return addToList(options.add, { ...options, ledger: isNamed || options.from === undefined ? ledger : undefined })
      if (options.offline) return writeOffline(options)
      const { policy, text } = await readServedPolicy(createClient(ledger))
      if (out === undefined) return print(...text.trimEnd().split('\n'))
      await writeNew(out, text)
      if (json) return printJson({ file: out, origin: policy.origin })
      print(`The policy of ${policy.origin} is in ${out}. It names:`, ...describePolicy(policy))
      remark(PUBLISHED_ELSEWHERE)
    })
}

/** Says what is given up where a reader sees it, also if the policy is printed. */
async function writeOffline({ ledger, from, out, json }: Options): Promise<void> {
  const before = from === undefined ? (await readServedPolicy(createClient(ledger))).policy : await readPinnedPolicy(from)
  const { policy, givenUp } = withoutChains(before)
  const text = formatPolicy(policy)
  if (out !== undefined) await writeNew(out, text)
  if (out === undefined) print(...text.trimEnd().split('\n'))
  else if (json) return printJson({ file: out, origin: policy.origin, givenUp })
  else print(`The policy of ${policy.origin} for checks without a network is in ${out}. It names:`, ...describePolicy(policy))
  remark('', 'What you give up:', ...describeGivenUp(policy, givenUp).map(line => `  ${line}`))
  if (from === undefined) remark('', PUBLISHED_ELSEWHERE)
}

const PUBLISHED_ELSEWHERE = "Compare them with those that the ledger's operator publishes elsewhere: from now on you trust this file."

function readFinality(text: string): AnchorTerms['finality'] {
  if (text === 'finalized') return text
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError("It is 'finalized', or a number of blocks up to 9999.")
  return { confirmations: Number(text) }
}

const EXAMPLE = `openseal policy --out openseal.policy.json
openseal verify decision.pdf --policy openseal.policy.json
openseal policy --offline --from openseal.policy.json --out offline.json
openseal policy --add neighbours.json --ledger https://ledger.example \\
  --name "Ruritania"
openseal policy --extend neighbours.json --rpc https://rpc.example`
