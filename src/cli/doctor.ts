/**
 * `openseal doctor`: examines a ledger at rest, says what is wrong with it, and restores what can
 * be derived from the rest.
 */
import type { Command } from 'commander'
import { type Diagnosis, examine } from '../care/doctor.ts'
import { OpenSealError } from '../core/errors.ts'
import { systemHost } from '../host.ts'
import { silentLog } from '../logger.ts'
import { defaultMarkFolder } from '../mark.ts'
import { keepFilesPrivate, requireDataFolder, withExample } from './command.ts'
import { openCopy } from './copy.ts'
import { print, printJson, startProgress } from './output.ts'
import { COMMAND } from './program.ts'

type Options = { data: string; repair?: boolean; refill?: string; json?: boolean }

const EXIT_NOT_DONE = 6
const EXAMPLE = 'openseal doctor --data ./data\nopenseal doctor --data ./data --repair --refill https://mirror.example'

/** Fills the command. */
export function addDoctor(command: Command, setExit: (code: number) => void): void {
  withExample(command, EXAMPLE)
    .option('--data <dir>', 'its data folder (or OPENSEAL_DATA)', process.env.OPENSEAL_DATA || './data')
    .option('--repair', 'restore what can be derived from the rest')
    .option('--refill <url>', 'with --repair: fetch missing parts from another copy of the ledger')
    .addHelpText(
      'after',
      '\nExit codes:\n  0  sound or repaired\n  5  something is damaged\n  6  not examined: the service is running, or there is no ledger',
    )
    .action(async (options: Options) => setExit(await run(options)))
}

async function run({ data, repair = false, refill, json }: Options): Promise<number> {
  keepFilesPrivate()
  let bar: ReturnType<typeof startProgress> | undefined
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    bar ??= startProgress('examining', total)
    bar.update(done)
  }
  try {
    requireDataFolder()
    const diagnosis = await examine({
      dataDir: data,
      repair,
      refill: refill === undefined ? undefined : { copy: openCopy(refill), host: systemHost(silentLog) },
      markFolder: process.env.OPENSEAL_MARK || defaultMarkFolder(),
      onProgress,
    }).finally(() => bar?.stop())
    if (json) printJson(diagnosis)
    else print(...describe(diagnosis))
    return diagnosis.exit
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    if (json) printJson({ verdict: 'not-done', exit: EXIT_NOT_DONE, code: error.code, detail: error.message })
    else print(`Not examined: ${error.message} [${error.code}]`)
    return EXIT_NOT_DONE
  }
}

function describe({ verdict, size, restored, complaints }: Diagnosis): string[] {
  const sentence = {
    sound: `The ledger is sound: all of its ${size} entries match the tree.`,
    repaired: `The ledger was damaged and is repaired: all of its ${size} entries match the tree.`,
    damaged: 'The ledger is DAMAGED.',
  }[verdict]
  const lines = complaints.map(
    ({ code, detail, repaired, advice }) => `  - ${detail}${repaired ? ': repaired' : ''} [${code}]${advice ? ` ${advice}` : ''}`,
  )
  return [
    sentence,
    ...(lines.length > 0 ? ['', ...lines] : []),
    ...(restored === undefined ? [] : ['', ...describeRestored(restored, size)]),
  ]
}

/** The decision that the operator of a restored ledger has to make. */
export function describeRestored({ why, signed }: NonNullable<Diagnosis['restored']>, size: number): string[] {
  const lack =
    signed === undefined
      ? 'Records that were acknowledged after that may be missing.'
      : `Its key has signed ${signed} entries: the rest is missing.`
  return [
    `It ${why} and has ${size} entries. ${lack}`,
    'The service accepts nothing until you decide. It shows no record while its mark or its chain says that it is behind.',
    `  - fetch the rest from another copy: ${COMMAND} doctor --repair --refill URL`,
    `  - then confirm that it is complete: ${COMMAND} restore --accept-loss ${size}`,
    'A receipt of a missing record proves that the record was there. Entries that the chain has anchored cannot be left out. If they are lost, only a new ledger helps.',
  ]
}
