/**
 * `openseal submit`: hashes documents on this machine and has the ledger seal a statement about
 * them.
 */

import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { OpenSealError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { identityOf, parseStatement, REASON_CODES, STATEMENT, type Statement, statementBody } from '../core/statements/statement.ts'
import { STOPPING_WARNINGS } from '../core/statements/warnings.ts'
import { mediaTypeOf } from '../documents/media-type.ts'
import { waitForAnchor } from './anchor-wait.ts'
import { type Client, createClient, DRY_RUN } from './client.ts'
import { ClientError, isWorthRetrying } from './client-error.ts'
import { CommandError, EXIT_USAGE, readTime, UsageError, withExample, withLedger } from './command.ts'
import { hashFile } from './hash-file.ts'
import { print, printJson, remark, startByteProgress } from './output.ts'
import { COMMAND } from './program.ts'
import { checkReceiptPlace, receiptPath, writeReceiptOfVersion } from './receipt-file.ts'
import { EXIT_BY_STATE, isBetter, NOT_ASKED, OWN_WORD, openReceiver, type Received, type Receiver, withTrust } from './received.ts'
import { readSecret } from './secret.ts'
import { submitPackages } from './submit-ocds.ts'
import type { SubmitOptions } from './submit-options.ts'
import { formatStop, formatWarning, type GivenWarning, readWarnings, stoppingCodes } from './warnings.ts'

/**
 * How often a submission without an answer is sent in all. Sending again is safe, because the
 * ledger recognises it by its identity.
 */
const ATTEMPTS = 3
const RETRY_MS = 500

/** Fills the command. */
export function addSubmit(command: Command, setExit: (code: number) => void): void {
  withTrust(withLedger(withExample(command, EXAMPLE)))
    .requiredOption('--agency <id>', 'id of the agency that the key in OPENSEAL_API_KEY (or OPENSEAL_API_KEY_FILE) speaks for')
    .option(
      '--ocds',
      'the files are OCDS release packages, record packages or releases: one statement for each release and one for the file',
    )
    .option('--record <id>', "the agency's own stable id of the record")
    .addOption(new Option('--kind <kind>', 'the kind of record').choices(['procurement', 'decision']))
    .addOption(new Option('--action <action>', 'what the statement does (default: publish)').choices(['publish', 'amend', 'withdraw']))
    .option('--revision <id>', "the agency's id of this version")
    .option('--target <id>', 'the earlier version that --action amend or withdraw applies to (default: every earlier version)')
    .option('--title <text>', 'title of the record')
    .option('--language <tag>', 'language of the record, such as en or el-GR')
    .option('--published <time>', 'when the agency published it, such as 2026-01-31T23:59:59Z (default: no date)', readTime)
    .option('--identifier <scheme=value>', 'another id of the record; may be repeated', readIdentifier)
    .addOption(new Option('--reason <code>', 'why, for amend and withdraw').choices([...REASON_CODES]))
    .option('--reason-text <text>', 'why, in words')
    .option('--dry-run', 'log nothing, and show what would happen')
    .addOption(
      new Option('--accept <code>', `go on in spite of this warning, one of ${STOPPING_WARNINGS.join(', ')}; may be repeated`).argParser<
        string[]
      >((code, before) => readAccepted(code, before)),
    )
    .option('--wait [seconds]', 'wait until the chain vouches for it, 600 seconds by default, and write the anchored receipt', readSeconds)
    .action(async (files: string[], given: Omit<SubmitOptions, 'wait'> & { wait?: number | true }) => {
      const { wait, ...rest } = given
      const options: SubmitOptions = { ...rest, ...(wait === undefined ? {} : { wait: wait === true ? 600 : wait }) }
      setExit(await (options.ocds ? submitPackages(files, readOcdsOptions(files, options)) : submitDocuments(files, options)))
    })
}

async function submitDocuments(files: readonly string[], options: SubmitOptions): Promise<number> {
  const { record, kind, action = 'publish' } = options
  if (record === undefined || kind === undefined) throw new UsageError('--record and --kind describe the submission; or give --ocds')
  if (files.length === 0 && action !== 'withdraw') throw new UsageError('name at least one file')
  if ((action === 'publish') === (options.reason !== undefined)) {
    throw new UsageError(action === 'publish' ? '--reason goes with --action amend or withdraw' : `--action ${action} needs --reason`)
  }
  const key = await readSecret('OPENSEAL_API_KEY', 'the API key of the agency')
  const client = createClient(options.ledger)
  const documents = await describeAll(files)
  const statement = completeStatement(documents, { ...options, record, kind, action })
  const receiver = await openReceiver(client, options)
  const foreseen = await askDry(client, key, statement)
  const { known, warnings } = foreseen
  const stopped =
    known === undefined
      ? stoppingCodes(
          warnings.map(({ code }) => code),
          options.accept,
        )
      : []
  if (options.dryRun || stopped.length > 0) return tellDry(foreseen, stopped, options)

  const sent = await send(client, key, statement)
  const expected = { index: sent.index, identity: identityOf(statementBody(statement)) }
  const sealed = await receiver.check(sent.receipt, expected)
  const waited = options.wait === undefined ? undefined : await waitForAnchor(receiver, expected, options.wait)
  const received = waited !== undefined && (waited.state === 'anchored' || waited.claimed) ? waited : sealed
  const moved = await writeReceipts(files, received, receiver)
  tell({ ...sent, received, waited, receipts: files.map(receiptPath), moved }, options)
  return waited === undefined ? 0 : EXIT_BY_STATE[waited.state]
}

type DryAnswer = { readonly known?: number; readonly warnings: readonly GivenWarning[] }

function tellDry({ known, warnings }: DryAnswer, stopped: readonly string[], { json, dryRun = false }: SubmitOptions): number {
  if (json) printJson({ dryRun, ...(known !== undefined && { known }), warnings, stopped })
  else {
    print(...warnings.map(formatWarning))
    if (stopped.length > 0) print(formatStop(stopped))
    else
      print(known === undefined ? 'Nothing was logged. It would be sealed.' : `Nothing was logged. It is known already, at index ${known}.`)
  }
  return stopped.length > 0 ? EXIT_USAGE : 0
}

/**
 * All documents of the statement. Throws FILES_LEFT_OUT, exit 2, with the name of each that cannot
 * be read: a statement about the others would claim to be complete.
 */
async function describeAll(files: readonly string[]) {
  const documents = []
  const reasons: string[] = []
  for (const file of files) {
    try {
      await checkReceiptPlace(receiptPath(file))
      documents.push(await describe(file))
    } catch (error) {
      if (!(error instanceof OpenSealError)) throw error
      reasons.push(`${error.message} [${error.code}]`)
      if (files.length === 1) throw error
    }
  }
  if (reasons.length === 0) return documents
  const good = `${documents.length} of ${files.length} files could be read`
  throw new CommandError(
    EXIT_USAGE,
    'FILES_LEFT_OUT',
    `${reasons.join('; ')}. They are documents of one statement, and ${good}: nothing was sent.`,
  )
}

type Told = {
  readonly index: number
  readonly known: boolean
  readonly received: Received
  readonly waited: Received | undefined
  readonly receipts: readonly string[]
  readonly moved: readonly string[]
  readonly warnings: readonly GivenWarning[]
}

function tell({ index, known, received, waited, receipts, moved, warnings }: Told, { json, policy }: SubmitOptions): void {
  if (json) {
    printJson({ index, known, state: received.state, testNetwork: received.isTest, receipts, warnings })
    return
  }
  const anchored = received.state === 'anchored' ? `, and anchored${received.isTest ? ' on a test network' : ''}` : ''
  print(`${known ? 'Known already' : 'Sealed'} at index ${index}${anchored}.`, ...receipts.map(path => `Receipt: ${path}`))
  for (const path of moved) print(`The receipt of the earlier version is now ${path}`)
  if (receipts.length === 0) print(`Fetch its receipt with: ${COMMAND} receipt ${index}`)
  print(...warnings.map(formatWarning))
  if (waited?.state === 'sealed') remark('The chain does not vouch for it yet.')
  if (waited?.state === 'unchecked') remark(NOT_ASKED)
  if (received.state === 'anchored' && policy === undefined) remark(OWN_WORD)
}

async function writeReceipts(files: readonly string[], received: Received, receiver: Receiver): Promise<string[]> {
  try {
    const moved = []
    for (const file of files) moved.push(await writeReceiptOfVersion(file, `${received.text}\n`, old => isBetter(receiver, received, old)))
    return moved.filter(path => path !== undefined)
  } catch (error) {
    const { index } = received
    remark(`The statement is sealed at index ${index}. Its receipt can be fetched at any time: ${COMMAND} receipt ${index}`)
    throw error
  }
}

async function describe(path: string) {
  const progress = startByteProgress(`hashing ${basename(path)}`)
  try {
    const { jcsReason, ...digest } = await hashFile(path, progress.report)
    if (jcsReason !== undefined) remark(`${path}: only its exact bytes are recorded, not its JSON content: ${jcsReason}`)
    return { name: basename(path).normalize('NFC'), mediaType: mediaTypeOf(path), ...digest }
  } finally {
    progress.stop()
  }
}

type Claims = SubmitOptions & { record: string; kind: string; action: string }

/**
 * Only the submitter's claims. A date of our own would be stated in the agency's name, and make two
 * entries of the same command.
 */
function completeStatement(documents: readonly Json[], claims: Claims): Statement {
  const { agency, record, kind, action, revision, target, title, language, identifier, published, reason, reasonText } = claims
  return parseStatement(
    {
      type: STATEMENT,
      agency,
      kind,
      action,
      record,
      ...(revision === undefined ? {} : { revision }),
      ...(target === undefined ? {} : { target }),
      ...(identifier === undefined ? {} : { identifiers: identifier }),
      ...(title === undefined ? {} : { title }),
      ...(language === undefined ? {} : { language }),
      ...(published === undefined ? {} : { published }),
      documents,
      ...(reason === undefined ? {} : { reason: { code: reason, ...(reasonText === undefined ? {} : { text: reasonText }) } }),
    },
    { salted: false },
  )
}

/**
 * Throws ClientError LEDGER_ANSWER if the ledger does not make a dry run: it may have logged the
 * statement.
 */
async function askDry(client: Client, key: string, statement: Statement): Promise<DryAnswer> {
  const { status, value } = await ask<{ known?: unknown; warnings?: unknown }>(client, DRY_RUN, key, statement)
  const { known, warnings } = value ?? {}
  if (status === 200 && Array.isArray(warnings) && (known === undefined || typeof known === 'number'))
    return { warnings: readWarnings(warnings), ...(known !== undefined && { known }) }
  throw new ClientError('LEDGER_ANSWER', `${client.url} was asked for a dry run, and answered something else`)
}

async function send(client: Client, key: string, statement: Statement) {
  const { status, value } = await ask<{ index: number; receipt?: unknown; warnings?: unknown }>(client, '/v1/records', key, statement)
  const { index, receipt, warnings } = value ?? { index: -1 }
  return { index, known: status === 200, receipt: `${JSON.stringify(receipt)}\n`, warnings: readWarnings(warnings) }
}

async function ask<T>(client: Client, path: string, key: string, statement: Statement): Promise<{ status: number; value: T | undefined }> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { status, value } = await client.sendJson('POST', path, key, statement)
      return { status, value: value as T | undefined }
    } catch (error) {
      if (attempt === ATTEMPTS || !isWorthRetrying(error)) throw error
      await sleep(RETRY_MS * attempt)
    }
  }
}

function readOcdsOptions(files: readonly string[], options: SubmitOptions): SubmitOptions {
  if (files.length === 0) throw new UsageError('name at least one file')
  const refused = [
    'record',
    'kind',
    'action',
    'revision',
    'target',
    'title',
    'language',
    'published',
    'identifier',
    'reason',
    'reasonText',
  ] as const
  const given = refused.find(name => options[name] !== undefined)
  if (given !== undefined) throw new UsageError(`--${given.replace('T', '-t')} does not go with --ocds: the releases say it themselves`)
  return options
}

function readIdentifier(text: string, before: { scheme: string; value: string }[] | undefined) {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('An identifier is written scheme=value, like ecli=ECLI:XX:2026:1.')
  return [...(before ?? []), { scheme: text.slice(0, at), value: text.slice(at + 1) }]
}

function readAccepted(code: string, before: string[] | undefined): string[] {
  if (!STOPPING_WARNINGS.some(stopping => stopping === code))
    throw new InvalidArgumentError(`The warnings that can be accepted are ${STOPPING_WARNINGS.join(', ')}.`)
  return [...(before ?? []), code]
}

function readSeconds(text: string): number {
  const seconds = Number(text)
  if (!(seconds >= 0)) throw new InvalidArgumentError('It must be a number of seconds.')
  return seconds
}

const EXAMPLE = `export OPENSEAL_API_KEY_FILE=agency.key
openseal submit decision.pdf --agency transport.gov.example \\
  --kind decision --record 2026/117
openseal submit --ocds releases.json --agency transport.gov.example`
