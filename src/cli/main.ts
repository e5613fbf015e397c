/**
 * The command `openseal`: reads the command line, runs one command, and turns each failure into one
 * sentence and an exit code.
 */
import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Command, CommanderError } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import { visible } from '../core/visible.ts'
import { CommandError, EXIT_USAGE } from './command.ts'
import { printJson, remark } from './output.ts'
import { COMMAND, COMMANDS, type CommandName, readVersion, withCommand } from './program.ts'

/** Fills a command with its options and its action. `setExit` is for an exit code other than 0. */
type Fill = (command: Command, setExit: (code: number) => void) => void

/**
 * The file of each command, loaded when it is asked for: no command waits for the imports of
 * another.
 */
const LOADS: { readonly [name in CommandName]: () => Promise<Fill> } = {
  serve: async () => (await import('./serve.ts')).addServe,
  agency: async () => (await import('./agency.ts')).addAgency,
  submit: async () => (await import('./submit.ts')).addSubmit,
  erase: async () => (await import('./erase.ts')).addErase,
  receipt: async () => (await import('./receipt.ts')).addReceipt,
  verify: async () => (await import('./verify.ts')).addVerify,
  audit: async () => (await import('./audit.ts')).addAudit,
  evidence: async () => (await import('./evidence.ts')).addEvidence,
  status: async () => (await import('./status.ts')).addStatus,
  policy: async () => (await import('./policy.ts')).addPolicy,
  deploy: async () => (await import('./deploy.ts')).addDeploy,
  rotate: async () => (await import('./rotate.ts')).addRotate,
  close: async () => (await import('./close.ts')).addClose,
  anchors: async () => (await import('./anchors.ts')).addAnchorsCommand,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  backup: async () => (await import('./backup.ts')).addBackup,
  restore: async () => (await import('./backup.ts')).addRestore,
  move: async () => (await import('./move.ts')).addMove,
  witness: async () => (await import('./witness.ts')).addWitness,
  mcp: async () => (await import('./mcp.ts')).addMcp,
  completion: async () => (await import('./completion.ts')).addCompletion,
}

const EXIT_INTERNAL = 1
const EXIT_CODES = `
Exit codes:
  0  on the record, or done
  1  it could not be done
  2  wrong usage, or something was left out
  3  only sealed, or on a test network
  4  no record of this file
  5  the proof does not fit, or a ledger gave a false answer
  6  not everything could be checked
  7  not supported by the policy, or disowned
  8  withdrawn, replaced, or changed without a new version`

/** Runs the command line; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exit = 0
  const program = new Command(COMMAND)
    .description('A public records ledger that anyone can check without asking its operator.')
    .version(`openseal ${readVersion()}`, '--version', 'print the version')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(see --help)')
    .configureOutput({
      writeOut: text => process.stdout.write(withCommand(text)),
      writeErr: text => process.stderr.write(withCommand(text)),
    })
    .exitOverride()
  for (const [name, [args, summary]] of Object.entries(COMMANDS)) program.command(`${name} ${args}`.trim()).description(summary)
  await Promise.all(
    program.commands
      // Words of the command line that are a command's name: more than the command itself at most,
      // as in `openseal help verify`.
      .filter(command => args.includes(command.name()) || args[0] === 'completion')
      .map(async command =>
        (await LOADS[command.name() as CommandName]())(command, code => {
          exit = code
        }),
      ),
  )
  inheritExitOverride(program)
  try {
    await program.parseAsync(args, { from: 'user' })
    return exit
  } catch (error) {
    return report(error, args.includes('--json'))
  }
}

function inheritExitOverride(command: Command): void {
  for (const inner of command.commands) {
    inner.exitOverride().showHelpAfterError('(see --help)')
    inheritExitOverride(inner)
  }
}

function report(error: unknown, asJson: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0 && asJson) printJson({ code: 'USAGE_WRONG', detail: error.message })
    return error.exitCode === 0 ? 0 : EXIT_USAGE
  }
  const isExpected = error instanceof OpenSealError
  const code = isExpected ? error.code : 'INTERNAL'
  const detail = withCommand(error instanceof Error ? error.message : String(error))
  if (asJson) printJson({ code, detail })
  remark(isExpected ? `openseal: ${detail} [${code}]` : `openseal: internal error: ${detail}`)
  if (process.env.OPENSEAL_DEBUG === '1') process.stderr.write(visible(`${error instanceof Error ? stacks(error) : ''}\n`))
  else if (!isExpected) remark('openseal: OPENSEAL_DEBUG=1 shows where')
  return error instanceof CommandError ? error.exit : EXIT_INTERNAL
}

function stacks(error: Error): string {
  return error.cause instanceof Error ? `${error.stack}\ncaused by ${stacks(error.cause)}` : (error.stack ?? error.message)
}

/** Runs the command line of this process. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  // A reader that stops reading (`openseal … | head`) is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT_INTERNAL))
  process.exitCode = await main(args)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await runCommandLine(process.argv.slice(2))
}
