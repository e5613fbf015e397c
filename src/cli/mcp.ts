/**
 * `openseal mcp`: the tools for assistants, over standard input and output. It checks with the
 * reader's own policy and chain, and reads files only in the folders that were named.
 */
import { realpath } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import type { Command } from 'commander'
import { type Answerer, notReceipts, type WantedRecords } from '../mcp/answerer.ts'
import { type Answers, type GivenFile, type GivenReceipt, planChecks, readGivenText } from '../verifier/index.ts'
import { type CheckOptions, type CheckSetting, openCheckMeans, readCheckSetting, withCheckOptions } from './check-setting.ts'
import { createClient } from './client.ts'
import { collect, LOCAL_LEDGER, UsageError } from './command.ts'
import { readArgument, receiptsOf } from './given-files.ts'
import { FileError } from './hash-file.ts'
import { remark } from './output.ts'
import { readVersion } from './program.ts'
import { receiptPath, receiptsPath } from './receipt-file.ts'

type Options = CheckOptions & { readonly root?: readonly string[] }

/** For one question of an assistant, which waits for the answer. */
const DEADLINE_SECONDS = 30

/** Fills the command. */
export function addMcp(command: Command): void {
  withCheckOptions(command, { deadlineSeconds: DEADLINE_SECONDS })
    .option('--root <folder>', 'a folder in which files may be read; may be repeated (default: none)', collect)
    .addHelpText('after', MORE)
    .action(async (options: Options) => {
      const roots = await Promise.all((options.root ?? []).map(readRoot))
      const setting = await readCheckSetting(options)
      // Loaded only now, because no other command needs them.
      const [{ serveStdio }, { createAssistantServer }] = await Promise.all([
        import('@modelcontextprotocol/server/stdio'),
        import('../mcp/server.ts'),
      ])
      const answerer = createAnswerer(options, setting, roots)
      const closed = new Promise<void>(done => process.stdin.once('close', done))
      const onerror = (error: Error) => remark(`openseal: ${error.message}`)
      const onFault = (error: unknown) => remark(`openseal: ${error instanceof Error ? error.message : String(error)}`)
      const handle = serveStdio(() => createAssistantServer(answerer, readVersion(), onFault), { onerror })
      await closed
      await handle.close()
    })
}

function createAnswerer({ timeout }: Options, setting: CheckSetting, roots: readonly string[]): Answerer {
  const client = createClient(setting.url ?? LOCAL_LEDGER)
  const run = async (files: readonly GivenFile[], receipts: readonly GivenReceipt[]): Promise<Answers[]> => {
    const answers: Answers[] = []
    for (const task of planChecks(files, receipts, { ...setting, ...openCheckMeans(setting, timeout) })) answers.push(await task.run())
    return answers
  }
  /** The receipts beside a file that are not in the folders: a link may lead out of them. */
  const outside = async (name: string) => {
    const paths = [receiptPath(name), receiptsPath(name)]
    const found = await Promise.all(paths.map(path => findIn(roots, path).catch(() => undefined)))
    return paths.filter((_, at) => found[at] === undefined)
  }
  const checkFile = async (path: string) => {
    const file = await findIn(roots, path)
    const argument = await readArgument(file)
    if ('code' in argument) throw new FileError(argument.code, argument.detail)
    const beside = await Promise.all(argument.files.map(async each => receiptsOf(each, undefined, [file, ...(await outside(each.name))])))
    return run(argument.files, [...argument.receipts, ...beside.flat()])
  }
  return {
    url: client.url,
    async check(asked) {
      const given = readGivenText(asked)
      if (given === undefined) throw notReceipts()
      return run(given.files, given.receipts)
    },
    ...(roots.length > 0 && { checkFile }),
    find: wanted => client.readJson(`/v1/records?${queryOf(wanted)}`),
    record: index => client.readJson(`/v1/records/${index}`),
    status: () => client.readJson('/v1/status'),
  }
}

async function readRoot(folder: string): Promise<string> {
  return realpath(folder).catch(cause => {
    throw new UsageError(`there is no folder ${folder}`, { cause })
  })
}

/**
 * The path of a file in one of the folders, by its real place: a link in a folder may lead out of
 * it. Whether another file exists is not told.
 */
async function findIn(roots: readonly string[], path: string): Promise<string> {
  for (const root of roots) {
    const found = await realpath(resolve(root, path)).catch(() => undefined)
    if (found === undefined) continue
    const way = relative(root, found)
    if (way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && resolve(root, way) === found) return found
  }
  throw new FileError('FILE_NOT_FOUND', 'there is no such file in the folders that may be read')
}

function queryOf(wanted: WantedRecords): string {
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(given).toString()
}

const MORE = `
For assistants that speak the Model Context Protocol. Put this into their
settings:
  {"mcpServers": {"openseal": {"command": "openseal",
    "args": ["mcp", "--ledger", "https://ledger.example", "--trust-ledger"]}}}
Nothing can be submitted or changed through it.`
