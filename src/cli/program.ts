/** The commands that there are, and how each is called where it was started. */
import { existsSync, readFileSync } from 'node:fs'

/**
 * `./openseal` in a clone, `openseal` where the package is installed: never a name that npm would
 * look up.
 */
export const COMMAND = existsSync(new URL('../../openseal', import.meta.url)) ? './openseal' : 'openseal'

/** Every command with its arguments and what it does, in the order in which --help lists them. */
export const COMMANDS = {
  serve: ['', 'run the ledger; settings come from the environment (OPENSEAL_PORT, OPENSEAL_DATA, …)'],
  agency: ['', 'register agencies and their API keys (operator)'],
  submit: ['[files...]', 'put documents on the record: hashes, names and dates are sent, never the documents'],
  erase: ['<index>', 'erase a statement, or take the request back; its entry stays in the log (admin key)'],
  receipt: ['[index]', 'fetch a receipt, or complete one that was only sealed'],
  verify: ['<file...>', 'check files: are they on the record, and unchanged since when?'],
  audit: ['', 'check the whole ledger: every entry, tile, root, statement and anchor'],
  evidence: ['<file>', 'check evidence that an audit or a witness kept of a rewritten history'],
  status: ['', "show the ledger's size, key, anchors and health"],
  policy: ['', "print the ledger's policy, or pin it to a file"],
  deploy: ['', 'put the contract on a chain; the key in OPENSEAL_ANCHOR_KEY_FILE (or _KEY, _KEYSTORE, _SIGNER) pays'],
  rotate: ['', 'replace the key that signs the log, or the key that anchors it'],
  close: ['', 'close the log for good at its last good size, on each of its chains (key of the owner)'],
  anchors: ['', 'add chains to a ledger, or retire one, with the settings of the service'],
  doctor: ['', 'examine the data of a stopped ledger: every tile, entry, statement and look-up'],
  backup: ['<folder>', 'copy a running ledger into a new folder (operator)'],
  restore: ['[folder]', 'restore a data folder from a backup, or accept that records are missing'],
  move: ['', 'move a stopped ledger between the data folder and a PostgreSQL database'],
  witness: ['', 'cosign the checkpoints of other ledgers, if each continues the one before'],
  mcp: ['', 'answer an assistant that speaks MCP: checks, records, status; nothing is changed'],
  completion: ['', 'print the script that completes commands and options in bash and zsh'],
} as const satisfies { readonly [name: string]: readonly [args: string, summary: string] }

/** Name of a command. */
export type CommandName = keyof typeof COMMANDS

/** A text with each `openseal verify …` in it as it must be typed here. */
export function withCommand(text: string): string {
  return text.replace(TYPED, `${COMMAND} $1`)
}

const TYPED = new RegExp(`(?<![\\w./-])openseal (${Object.keys(COMMANDS).join('|')})\\b`, 'g')

/** The version of this package. */
export function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
