/** Shared by all commands: common options, and how arguments are read. */
import { type Command, InvalidArgumentError } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import { isTime } from '../core/time.ts'

/**
 * Exit codes of design §8: wrong usage; sealed only; the input does not match; not everything could
 * be checked; an unsupported kind.
 */
export const EXIT_USAGE = 2
export const EXIT_SEALED = 3
export const EXIT_INVALID = 5
export const EXIT_UNCHECKED = 6
export const EXIT_UNSUPPORTED = 7
const EXIT_FORCED = 130

/** Adds a command to a group of them, with --json, and an example in its --help. */
export function addCommand(group: Command, nameAndArguments: string, summary: string, example: string): Command {
  return withExample(group.command(nameAndArguments).description(summary), example)
}

/** Gives a command --json, and an example in its --help. */
export function withExample(command: Command, example: string): Command {
  return command.option('--json', 'print the answer as JSON').addHelpText('after', `\nExample:\n${example.replace(/^/gm, '  ')}`)
}

/** The ledger of `npm start`, which is asked if the reader names no other. */
export const LOCAL_LEDGER = 'http://localhost:8080'

/** Adds --ledger URL. */
export function withLedger(command: Command): Command {
  return command.option('--ledger <url>', 'address of the ledger (or OPENSEAL_LEDGER)', namedLedger() ?? LOCAL_LEDGER)
}

/** The ledger that the environment names. */
export function namedLedger(): string | undefined {
  return process.env.OPENSEAL_LEDGER || undefined
}

/** An index in its canonical spelling; undefined for anything else. */
export function parseIndex(text: string): number | undefined {
  const index = Number(text)
  return Number.isSafeInteger(index) && index >= 0 && String(index) === text ? index : undefined
}

/** Reads a time from the command line. */
export function readTime(text: string): string {
  if (!isTime(text)) throw new InvalidArgumentError('A time is written as 2026-01-31T23:59:59Z.')
  return text
}

/** Reads a number of seconds from the command line. */
export function readSeconds(text: string): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 86_400)) throw new InvalidArgumentError('It must be a number of seconds, at most 86400.')
  return seconds
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

/** An expected failure with its own exit code. */
export class CommandError extends OpenSealError {
  readonly exit: number
  constructor(exit: number, code: string, message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.exit = exit
  }
}

/** USAGE_WRONG: exit 2. */
export class UsageError extends CommandError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT_USAGE, 'USAGE_WRONG', message, options)
  }
}

/**
 * For commands that write into a data folder: only this user may read the files that they and their
 * libraries make.
 */
export function keepFilesPrivate(): void {
  process.umask(0o077)
}

/**
 * For commands that work on the store in a data folder.
 * @throws CommandError STORE_IN_DATABASE
 */
export function requireDataFolder(): void {
  if (!process.env.OPENSEAL_STORE) return
  throw new CommandError(
    EXIT_UNCHECKED,
    'STORE_IN_DATABASE',
    "OPENSEAL_STORE keeps this ledger in a database: back it up, examine it and restore it with the database's own tools, and check it with openseal audit.",
  )
}

/** Resolves at the first Ctrl-C or SIGTERM; the next one ends the process at once. */
export function waitForSignal(): Promise<void> {
  return new Promise(resolve => {
    let isStopping = false
    const stop = () => {
      if (isStopping) process.exit(EXIT_FORCED)
      isStopping = true
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  })
}
