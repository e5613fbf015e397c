/** The command `openseal`: reads the command line, runs one command, and turns whatever goes wrong into one sentence and an exit code. */
import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Command, CommanderError } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import { visible } from '../core/visible.ts'
import { addAgency } from './agency.ts'
import { addAudit } from './audit.ts'
import { addBackup } from './backup.ts'
import { CommandError, EXIT_USAGE } from './command.ts'
import { addDeploy } from './deploy.ts'
import { addDoctor } from './doctor.ts'
import { addEvidence } from './evidence.ts'
import { printJson, remark } from './output.ts'
import { addPolicy } from './policy.ts'
import { COMMAND, withCommand } from './program.ts'
import { addReceipt } from './receipt.ts'
import { addRotate } from './rotate.ts'
import { addServe } from './serve.ts'
import { addStatus } from './status.ts'
import { addSubmit } from './submit.ts'
import { addVerify } from './verify.ts'

const EXIT_INTERNAL = 1
const EXIT_CODES = `
Exit codes: 0 on the record, 1 it could not be done, 2 wrong usage or something left out, 3 sealed only or a test network,
4 no record of this file, 5 the proof does not fit, or a ledger answered something false, 6 not everything could be checked,
7 not supported by the policy.`

/** Runs the command line; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exit = 0
  const program = new Command(COMMAND)
    .description('A public records ledger that anyone can check without asking its operator.')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(--help shows how it is used)')
    .configureOutput({
      writeOut: text => process.stdout.write(withCommand(text)),
      writeErr: text => process.stderr.write(withCommand(text)),
    })
    .exitOverride()
  for (const add of [
    addServe,
    addAgency,
    addSubmit,
    addReceipt,
    addVerify,
    addAudit,
    addEvidence,
    addStatus,
    addPolicy,
    addDeploy,
    addRotate,
    addDoctor,
    addBackup,
  ]) {
    add(program, code => {
      exit = code
    })
  }
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
    inner.exitOverride().showHelpAfterError('(--help shows how it is used)')
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
  // A reader that goes away (`openseal … | head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT_INTERNAL))
  process.exitCode = await main(args)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await runCommandLine(process.argv.slice(2))
}
