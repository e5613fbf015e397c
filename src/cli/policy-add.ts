/** `openseal policy --add`: collects policies in a trust list. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { decodeText } from '../core/encoding.ts'
import type { Json } from '../core/json.ts'
import { fingerprintOf, formatTrustList, isTrustList, parseTrustList, type TrustList } from '../core/trust.ts'
import { createClient } from './client.ts'
import { CommandError, EXIT_USAGE, UsageError } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { readPinnedPolicy, readServedPolicy, readTrustFile } from './policy-file.ts'
import { replaceFile, writeNew } from './receipt-file.ts'

type Options = {
  /** Missing: the entry names no ledger. */
  readonly ledger: string | undefined
  readonly json?: boolean
  readonly from?: string
  readonly name?: string
  readonly listName?: string
  readonly yes?: boolean
}

/**
 * Adds a policy to the list in a file, after showing what the list then trusts. An entry that is
 * there is never replaced.
 */
export async function addToList(file: string, options: Options): Promise<void> {
  const before = await readList(file)
  const { policy, ledger } = await readWanted(options)
  const known = before?.entries.find(({ origin }) => origin === policy.origin)
  if (known !== undefined && known.sha256 !== fingerprintOf(policy))
    throw new CommandError(
      EXIT_USAGE,
      'TRUST_ORIGIN_KNOWN',
      `${file} has another policy for ${policy.origin} (${known.sha256}), which was not replaced. To follow its changes: openseal policy --extend ${file}`,
    )
  if (before !== undefined && known !== undefined) return tell(file, before, { ...options, isNew: false })
  const name = options.name ?? (await ask(`What do you call the ledger ${policy.origin}? `, '--name'))
  const listName = before?.name ?? options.listName ?? (await ask('What do you call the list? ', '--list-name'))
  const entries = [...((before?.json.entries ?? []) as readonly Json[]), { name, ...(ledger !== undefined && { ledger }), policy }]
  const list = parseTrustList({ ...(before?.json ?? { type: 'openseal/trust@v1', name: listName }), entries })
  remark(...shown(list))
  if (!options.yes && !/^y(?:es)?$/i.test(await ask(`Write ${file}, which then trusts all of these? [y/N] `, '--yes')))
    throw new CommandError(EXIT_USAGE, 'NOT_CONFIRMED', `nothing was written to ${file}`)
  await (before === undefined ? writeNew(file, formatTrustList(list)) : replaceFile(file, formatTrustList(list)))
  tell(file, list, { ...options, isNew: true })
}

async function readList(file: string): Promise<TrustList | undefined> {
  const isThere = await readFile(file).then(
    () => true,
    error => error.code !== 'ENOENT',
  )
  if (!isThere) return undefined
  const given = await readTrustFile(file)
  if (!isTrustList(given)) throw new UsageError(`${file} is a policy, not a trust list: name another file, and this one with --from`)
  return given
}

/** The policy as it was written: its fingerprint is over that, not over its meaning. */
async function readWanted({ ledger, from }: Options) {
  const client = ledger === undefined ? undefined : createClient(ledger)
  if (from !== undefined) {
    const { origin } = await readPinnedPolicy(from)
    return {
      policy: { ...(JSON.parse(decodeText(await readFile(from))) as { [member: string]: Json }), origin },
      ledger: client?.url,
    }
  }
  if (client === undefined) throw new Error('bug: neither a ledger nor a file')
  const { policy, text } = await readServedPolicy(client)
  return { policy: { ...(JSON.parse(text) as { [member: string]: Json }), origin: policy.origin }, ledger: client.url }
}

function shown({ name, sha256, entries }: TrustList): string[] {
  return [`The list “${name}”, SHA-256 ${sha256}:`, ...entries.map(entry => `  ${entry.name} (${entry.origin}), SHA-256 ${entry.sha256}`)]
}

function tell(file: string, list: TrustList, { json, isNew }: { readonly json?: boolean | undefined; readonly isNew: boolean }): void {
  const entries = list.entries.map(({ name, origin, sha256, ledger }) => ({
    name,
    origin,
    sha256,
    ...(ledger !== undefined && { ledger }),
  }))
  if (json) {
    printJson({ file, name: list.name, sha256: list.sha256, added: isNew, entries })
    return
  }
  print(
    isNew
      ? `${file} trusts ${entries.length === 1 ? 'one ledger' : `${entries.length} ledgers`} from now on.`
      : `${file} has this policy already.`,
  )
  if (isNew) remark("Compare each fingerprint with the one that the ledger's operator publishes elsewhere.")
}

/** Asks the person at the terminal. A script must have said it by an option. */
export async function ask(question: string, option: string): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError(`nobody is here to ask: give ${option}`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await terminal.question(question)).trim()
  } finally {
    terminal.close()
  }
}
