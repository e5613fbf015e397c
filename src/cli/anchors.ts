/** `openseal anchors`: adds chains to a ledger, or retires one. */
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import type { AnchorsChanged, AnchorsPlan, NamedAnchor } from '../server/anchors.ts'
import { addCommand, CommandError, EXIT_USAGE, keepFilesPrivate } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { ask } from './policy-add.ts'
import { COMMAND } from './program.ts'
import { warningLog } from './warning-log.ts'

type Options = { readonly json?: boolean; readonly yes?: boolean }
type Change = (
  config: Config,
  options: { confirm(plan: AnchorsPlan): Promise<void>; log: typeof warningLog },
) => Promise<AnchorsChanged | undefined>

/** Fills the command with add and retire. */
export function addAnchorsCommand(anchors: Command): void {
  const add =
    'add the new chains in the file of OPENSEAL_VOUCHERS to the log; with a name, add a retired chain again; if the log is in the data folder, stop it first'
  addCommand(anchors, 'add [name]', add, EXAMPLE('add'))
    .option('--yes', 'write without asking')
    .action(async (name: string | undefined, options: Options) => {
      const { addAgain, addAnchors } = await import('../server/anchors.ts')
      if (name === undefined) await change(addAnchors, options, 'The log has, or once had, every chain of the file. Nothing was written.')
      else await change((config, given) => addAgain(config, name, given), options, `The log has ${name} already. Nothing was written.`)
    })

  const retire = 'log that a chain, by its name in the file of OPENSEAL_VOUCHERS, ends now; if the log is in the data folder, stop it first'
  addCommand(anchors, 'retire <name>', retire, EXAMPLE('retire rollup'))
    .option('--yes', 'write without asking')
    .action(async (name: string, options: Options) => {
      const { retireAnchor } = await import('../server/anchors.ts')
      await change((config, given) => retireAnchor(config, name, given), options, `${name} was retired before. Nothing was written.`)
    })
}

async function change(act: Change, { json, yes }: Options, nothing: string): Promise<void> {
  keepFilesPrivate()
  const { readConfig } = await import('../config.ts')
  const config = readConfig(process.env)
  const confirm = async (plan: AnchorsPlan) => {
    remark(...shown(config.origin, plan))
    if (!yes && !/^y(?:es)?$/i.test(await ask('Write this to the log, forever? [y/N] ', '--yes')))
      throw new CommandError(EXIT_USAGE, 'NOT_CONFIRMED', 'nothing was written')
  }
  const done = await act(config, { confirm, log: warningLog })
  if (json) return printJson(done === undefined ? { added: [], retired: [] } : done)
  if (done === undefined) return print(nothing)
  const { index, added, retired } = done
  print(
    `Entry ${index} changes the chains of the log.`,
    ...added.map(({ name }) => `${name} counts for tree sizes from ${index + 2} on.`),
    ...retired.map(({ name }) => `${name} counts for tree sizes up to ${index + 1}. Leave it in the file, for older receipts.`),
    config.storeUrl === undefined ? 'Start the service again.' : 'Restart every node: a node reads its chains when it starts.',
    `Publish the change where you published your policy, and tell readers who pinned one: ${COMMAND} policy --extend FILE --accept-anchors`,
  )
}

function shown(origin: string, { added, retired, anchors, opens }: AnchorsPlan): string[] {
  const describe = ({ name, chainId, contract, codeSha256, logId }: NamedAnchor) => [
    `  ${name}: chain ${chainId}`,
    `    contract ${contract}`,
    `    code SHA-256 ${codeSha256}`,
    `    log ${logId}${opens.includes(name) ? ', which a transaction opens first' : ''}`,
  ]
  return [
    `The next entry of ${origin} lists ${anchors.length === 1 ? 'one chain' : `${anchors.length} chains`} from then on.`,
    ...(added.length > 0 ? ['Added:', ...added.flatMap(describe)] : []),
    ...(retired.length > 0 ? ['Retired:', ...retired.flatMap(describe)] : []),
  ]
}

const EXAMPLE = (words: string) => `export OPENSEAL_DATA=/srv/openseal OPENSEAL_VOUCHERS=vouchers.json
openseal anchors ${words}`
