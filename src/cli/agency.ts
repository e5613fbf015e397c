/** `openseal agency`: registers agencies and hands out their keys. Only for the operator. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { type Client, createClient } from './client.ts'
import { requireMembers } from './client-error.ts'
import { addCommand, readTime, withLedger } from './command.ts'
import { FileError } from './hash-file.ts'
import { print, printJson } from './output.ts'
import { readSecret } from './secret.ts'

type Options = { ledger: string; json?: boolean; name: string; label?: string; expires?: string; role?: string; keyFile?: string }
type Created = { keyId: string; key: string }
type Kept = { keyId: string; role: string; label?: string; created?: string; expires?: string; revoked?: string }

/** Fills the command with add, list, keys, key and revoke. */
export function addAgency(agency: Command): void {
  withLedger(addCommand(agency, 'add <id>', 'register an agency and make its first key', ADD_EXAMPLE))
    .requiredOption('--name <name>', "the agency's name")
    .option('--key-file <file>', 'keep the key in a new file for you alone, instead of printing it')
    .action(async (id: string, options: Options) => {
      refuseExisting(options.keyFile)
      const key = await operatorKey()
      const client = createClient(options.ledger)
      const { value } = await client.sendJson('POST', '/v1/agencies', key, { id, name: options.name })
      const created = await addKey(client, key, id, { label: 'first key' })
      const lines = await handOut(created, options.keyFile)
      if (options.json) printJson({ agency: value, ...shown(created, options.keyFile) })
      else print(`Registered ${id}.`, ...lines)
    })

  withLedger(addCommand(agency, 'list', 'list the agencies', 'openseal agency list')).action(async (options: Options) => {
    const client = createClient(options.ledger)
    const value = await client.readJson('/v1/agencies')
    const { agencies } = requireMembers<{ agencies: readonly { id: string; name: string }[] }>(client.url, value, { agencies: 'objects' })
    for (const agency of agencies) requireMembers(client.url, agency, { id: 'string', name: 'string' })
    if (options.json) return printJson(value)
    print(...(agencies.length === 0 ? ['No agency is registered yet.'] : agencies.map(({ id, name }) => `${id.padEnd(32)} ${name}`)))
  })

  withLedger(addCommand(agency, 'keys <id>', "list an agency's keys, without the keys themselves", KEYS_EXAMPLE)).action(
    async (id: string, options: Options) => {
      const path = `/v1/agencies/${encodeURIComponent(id)}/keys`
      const client = createClient(options.ledger)
      const value = await client.readJson(path, await operatorKey())
      const { keys } = requireMembers<{ keys: readonly Kept[] }>(client.url, value, { keys: 'objects' })
      for (const key of keys) requireMembers(client.url, key, { keyId: 'string', role: 'string' })
      if (options.json) return printJson(value)
      print(...(keys.length === 0 ? [`${id} has no key yet.`] : keys.map(keyLine)))
    },
  )

  withLedger(addCommand(agency, 'key <id>', 'make another key for an agency', KEY_EXAMPLE))
    .option('--key-file <file>', 'keep the key in a new file for you alone, instead of printing it')
    .option('--label <text>', 'what the key is for')
    .option('--expires <time>', 'when the key expires, such as 2027-01-31T23:59:59Z', readTime)
    .addOption(
      new Option('--role <role>', 'what the key may do: submit (default), or also make and revoke keys').choices(['submit', 'admin']),
    )
    .action(async (id: string, options: Options) => {
      const { label, expires, role } = options
      refuseExisting(options.keyFile)
      const wanted = { ...(label && { label }), ...(expires && { expires }), ...(role && { role }) }
      const created = await addKey(createClient(options.ledger), await operatorKey(), id, wanted)
      const lines = await handOut(created, options.keyFile)
      if (options.json) printJson(shown(created, options.keyFile))
      else print(`Made a key for ${id}.`, ...lines)
    })

  withLedger(addCommand(agency, 'revoke <id> <keyId>', 'end a key at once', REVOKE_EXAMPLE)).action(
    async (id: string, keyId: string, options: Options) => {
      const path = `/v1/agencies/${encodeURIComponent(id)}/keys/${encodeURIComponent(keyId)}`
      await createClient(options.ledger).sendJson('DELETE', path, await operatorKey())
      if (options.json) printJson({ agency: id, keyId, revoked: true })
      else print(`Key ${keyId} of ${id} is revoked.`)
    },
  )
}

async function addKey(client: Client, key: string, id: string, wanted: object): Promise<Created> {
  const { value } = await client.sendJson('POST', `/v1/agencies/${encodeURIComponent(id)}/keys`, key, wanted)
  return requireMembers(client.url, value, { keyId: 'string', key: 'string' })
}

function keyLine({ keyId, role, label, created, expires, revoked }: Kept): string {
  const times = [created && `made ${created}`, expires && `expires ${expires}`, revoked && `revoked ${revoked}`]
  return [keyId, role.padEnd('submit'.length), ...times, label && `"${label}"`].filter(Boolean).join('  ')
}

function operatorKey(): Promise<string> {
  return readSecret('OPENSEAL_OPERATOR_KEY', "the operator's key, in the data folder of the service as keys/operator.key")
}

function refuseExisting(file: string | undefined): void {
  if (file !== undefined && existsSync(file)) throw new FileError('FILE_EXISTS', `${file} already exists: name another file for the key`)
}

/** Writes the key to its file, or returns the lines that show it. It cannot be read again later. */
async function handOut({ keyId, key }: Created, file: string | undefined): Promise<string[]> {
  if (file === undefined) return [`Its key ${keyId} is shown only once:`, '', `export OPENSEAL_API_KEY=${key}`]
  await writeFile(file, `${key}\n`, { mode: 0o600, flag: 'wx' }).catch(error => {
    throw new FileError('FILE_UNWRITABLE', `cannot write ${file} (${error.code}): revoke key ${keyId} and make another one`, {
      cause: error,
    })
  })
  return [`Its key ${keyId} is in ${file}:`, '', `export OPENSEAL_API_KEY_FILE=${file}`]
}

function shown({ keyId, key }: Created, file: string | undefined) {
  return file === undefined ? { keyId, key } : { keyId, keyFile: file }
}

const ADD_EXAMPLE =
  'OPENSEAL_OPERATOR_KEY_FILE=data/keys/operator.key \\\n  openseal agency add transport.gov.example --name "Ministry of Transport"'
const KEYS_EXAMPLE = 'OPENSEAL_OPERATOR_KEY_FILE=data/keys/operator.key openseal agency keys transport.gov.example'
const KEY_EXAMPLE =
  'OPENSEAL_OPERATOR_KEY_FILE=data/keys/operator.key \\\n  openseal agency key transport.gov.example \\\n  --label "night import" --expires 2027-01-31T23:59:59Z'
const REVOKE_EXAMPLE = 'OPENSEAL_OPERATOR_KEY_FILE=data/keys/operator.key \\\n  openseal agency revoke transport.gov.example 3f2a90c1'
