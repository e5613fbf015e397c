/** `openseal doctor`: looks at a ledger at rest, says what is wrong with it, and puts back what can be derived from the rest. */
import type { Command } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, parseJson } from '../core/json.ts'
import { canonicalStatement, parseAnyStatement } from '../core/statement.ts'
import { type Diagnosis, examine } from '../upkeep/doctor.ts'
import { createClient } from './client.ts'
import { addCommand } from './command.ts'
import { print, printJson, startProgress } from './output.ts'

type Options = { data: string; repair?: boolean; refill?: string; json?: boolean }

const EXIT_NOT_DONE = 6
const EXAMPLE = 'openseal doctor --data ./data\nopenseal doctor --data ./data --repair --refill https://mirror.example'

/** Adds the command. */
export function addDoctor(program: Command, setExit: (code: number) => void): void {
  addCommand(program, 'doctor', 'look at the data of a stopped ledger: every tile, entry, statement and look-up', EXAMPLE)
    .option('--data <dir>', 'its data folder (or OPENSEAL_DATA)', process.env.OPENSEAL_DATA || './data')
    .option('--repair', 'put back what can be derived from the rest')
    .option('--refill <url>', 'with --repair: fetch statements that are not here any more from another copy of the ledger')
    .addHelpText(
      'after',
      '\nExit codes: 0 sound or repaired, 5 something is damaged, 6 it could not be looked at (the service is running, no ledger is there).',
    )
    .action(async (options: Options) => setExit(await run(options)))
}

async function run({ data, repair = false, refill, json }: Options): Promise<number> {
  let bar: ReturnType<typeof startProgress> | undefined
  const readElsewhere = refill === undefined ? undefined : readStatementsOf(refill)
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    bar ??= startProgress('looking', total)
    bar.update(done)
  }
  try {
    const diagnosis = await examine({ dataDir: data, repair, readElsewhere, onProgress }).finally(() => bar?.stop())
    if (json) printJson(diagnosis)
    else print(...describe(diagnosis))
    return diagnosis.exit
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    if (json) printJson({ verdict: 'not-done', exit: EXIT_NOT_DONE, code: error.code, detail: error.message })
    else print(`It could not be looked at: ${error.message} [${error.code}]`)
    return EXIT_NOT_DONE
  }
}

function describe({ verdict, size, complaints }: Diagnosis): string[] {
  const sentence = {
    sound: `The ledger is sound: all of its ${size} entries fit the tree.`,
    repaired: `The ledger was damaged and is repaired: all of its ${size} entries fit the tree.`,
    damaged: 'The ledger is DAMAGED.',
  }[verdict]
  const lines = complaints.map(
    ({ code, detail, repaired, advice }) => `  - ${detail}${repaired ? ': repaired' : ''} [${code}]${advice ? ` ${advice}` : ''}`,
  )
  return [sentence, ...(lines.length > 0 ? ['', ...lines] : [])]
}

/** Statements of another copy, in canonical form; undefined where it has none either. */
function readStatementsOf(url: string): (index: number) => Promise<Uint8Array | undefined> {
  const client = createClient(url)
  return async index => {
    const line = parseJson((await client.readText(`/v1/statements/${index}/${index + 1}`)).trim())
    const statement = isJsonObject(line) ? line.statement : undefined
    return statement === undefined ? undefined : new TextEncoder().encode(canonicalStatement(parseAnyStatement(statement)))
  }
}
