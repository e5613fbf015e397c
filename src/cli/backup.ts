/**
 * `openseal backup` and `openseal restore`: a copy of a running ledger, and a ledger from that
 * copy.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { acceptLoss, restoreBackup, takeBackup } from '../care/backup.ts'
import { systemHost } from '../host.ts'
import { silentLog } from '../logger.ts'
import { defaultMarkFolder } from '../mark.ts'
import { createClient } from './client.ts'
import { keepFilesPrivate, requireDataFolder, UsageError, withExample, withLedger } from './command.ts'
import { describeRestored } from './doctor.ts'
import { print, printJson } from './output.ts'
import { COMMAND } from './program.ts'
import { readSecret } from './secret.ts'

type BackupOptions = { ledger: string; data: string; json?: boolean }
type RestoreOptions = { data: string; acceptLoss?: number; json?: boolean }

const BACKUP_EXAMPLE = 'OPENSEAL_OPERATOR_KEY_FILE=data/keys/operator.key \\\n  openseal backup /backups/2026-11-24'
const RESTORE_EXAMPLE = 'openseal restore /backups/2026-11-24 --data ./data\nopenseal restore --data ./data --accept-loss 1234'
const dataOption = () => ['--data <dir>', 'the data folder (or OPENSEAL_DATA)', process.env.OPENSEAL_DATA || './data'] as const

/** Fills the command. */
export function addBackup(command: Command): void {
  withLedger(withExample(command, BACKUP_EXAMPLE))
    .option(...dataOption())
    .action(async (folder: string, options: BackupOptions) => backup(folder, options))
}

/** Fills the command. */
export function addRestore(command: Command, setExit: (code: number) => void): void {
  withExample(command, RESTORE_EXAMPLE)
    .option(...dataOption())
    .option(
      '--accept-loss <size>',
      'confirm that the ledger is complete with this many entries: after a restore, a copied folder or a lost mark',
      readSize,
    )
    .action(async (folder: string | undefined, options: RestoreOptions) => setExit(await restore(folder, options)))
}

async function backup(folder: string, { ledger, data, json }: BackupOptions): Promise<void> {
  keepFilesPrivate()
  const client = createClient(ledger)
  const key = await readSecret('OPENSEAL_OPERATOR_KEY', "the operator's key, in the data folder of the service as keys/operator.key")
  const taken = await takeBackup(await client.readStream('/v1/backup', key), folder, data)
  if (json) return printJson({ folder, ...taken })
  print(
    `The backup is in ${folder}: ${taken.rows} rows of ${taken.header.origin} as of ${taken.header.time}, read back and whole.`,
    taken.withKeys
      ? 'The private keys are in it: keep it where only you can read it.'
      : `The private keys are NOT in it: ${data} is not where they are. Copy the folder keys of the service's data folder yourself.`,
  )
}

async function restore(folder: string | undefined, { data, acceptLoss: size, json }: RestoreOptions): Promise<number> {
  keepFilesPrivate()
  if ((folder === undefined) === (size === undefined)) throw new UsageError('give either the folder of a backup, or --accept-loss SIZE')
  if (size !== undefined) {
    const { OPENSEAL_STORE: storeUrl, OPENSEAL_MARK: mark } = process.env
    await acceptLoss(data, size, mark || defaultMarkFolder(), storeUrl ? { url: storeUrl, host: systemHost(silentLog) } : undefined)
    if (json) printJson({ data, size, accepted: true })
    else print(`The ledger in ${storeUrl ? 'the database' : data} continues with its ${size} entries when the service starts.`)
    return 0
  }
  requireDataFolder()
  const { header, diagnosis } = await restoreBackup(folder!, data, process.env.OPENSEAL_MARK || defaultMarkFolder())
  if (json) printJson({ data, header, ...diagnosis })
  else {
    const how = diagnosis.verdict === 'sound' ? 'All of it was read again and matches its tree.' : `It is DAMAGED: see ${COMMAND} doctor.`
    print(`${header.origin} is restored in ${data}. ${how}`)
    if (diagnosis.restored) print('', ...describeRestored(diagnosis.restored, diagnosis.size))
  }
  return diagnosis.exit
}

function readSize(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.')
  return Number(text)
}
