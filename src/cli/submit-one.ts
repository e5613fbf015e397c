/** Submits one statement about one file or several. Facts that a file states need not be typed. */

import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpenSealError } from '../core/errors.ts'
import { identityOf, type ReasonCode, type Statement, statementBody } from '../core/statements/statement.ts'
import { documentsOf, FillError, fillMembers, fillStatement, statedTogether } from '../documents/fill.ts'
import { DocumentError, holdsMany, type StatedMembers } from '../documents/reading.ts'
import { waitForAnchor } from './anchor-wait.ts'
import { type Client, createClient, DRY_RUN } from './client.ts'
import { ClientError, isWorthRetrying } from './client-error.ts'
import { CommandError, EXIT_USAGE, UsageError } from './command.ts'
import { type IntakeFile, readIntake } from './intake.ts'
import { print, printJson, remark, startByteProgress } from './output.ts'
import { formatPreview, type Origin, originsOf } from './preview.ts'
import { COMMAND } from './program.ts'
import { checkReceiptPlace, receiptPath, writeReceiptOfVersion } from './receipt-file.ts'
import { DISOWNED, EXIT_BY_STATE, isBetter, NOT_ASKED, OWN_WORD, openReceiver, type Received, type Receiver } from './received.ts'
import { readSecret } from './secret.ts'
import { submitPackages } from './submit-ocds.ts'
import type { AgencyOptions, SubmitOptions } from './submit-options.ts'
import { formatStop, formatWarning, type GivenWarning, readWarnings, stoppingCodes } from './warnings.ts'

/**
 * How often a submission without an answer is sent in all. Sending again is safe, because the
 * ledger recognises it by its identity.
 */
const ATTEMPTS = 3
const RETRY_MS = 500

/** Submits; returns the exit code. */
export async function submitOne(files: readonly string[], options: AgencyOptions): Promise<number> {
  if (files.length === 0 && options.action !== 'withdraw') throw new UsageError('name at least one file')
  const key = await readSecret('OPENSEAL_API_KEY', 'the API key of the agency')
  const client = createClient(options.ledger)
  const documents = await describeAll(files)
  if (documents.length > 0 && options.record === undefined && documents.every(({ reading }) => holdsMany(reading))) {
    remark('Each release or project in these files gets a statement. Name a --record to submit the files as they are.')
    return submitPackages(files, options)
  }
  const { statement, preview, shown } = completed(documents, options)
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
  if (options.dryRun || stopped.length > 0) return tellDry(foreseen, stopped, options, preview, shown)
  if (process.stderr.isTTY && !options.json && isRead(documents)) remark(...shown)

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

function tellDry(
  { known, warnings }: DryAnswer,
  stopped: readonly string[],
  { json, dryRun = false }: SubmitOptions,
  members: readonly Origin[],
  shown: readonly string[],
): number {
  if (json) printJson({ dryRun, ...(known !== undefined && { known }), members, warnings, stopped })
  else {
    print(...shown)
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
async function describeAll(files: readonly string[]): Promise<IntakeFile[]> {
  const documents: IntakeFile[] = []
  const reasons: string[] = []
  for (const file of files) {
    try {
      await checkReceiptPlace(receiptPath(file))
      documents.push(await describe(file))
    } catch (error) {
      if (!(error instanceof OpenSealError)) throw error
      reasons.push(`${error.message} [${error.code}]`)
      if (files.length === 1) throw error instanceof DocumentError ? usageFault(error) : error
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
  if (waited?.state === 'sealed') remark('Not enough others vouch for it yet.')
  if (waited?.state === 'unchecked') remark(NOT_ASKED)
  if (waited?.state === 'disowned') remark(DISOWNED)
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

async function describe(path: string): Promise<IntakeFile> {
  const progress = startByteProgress(`hashing ${basename(path)}`)
  try {
    const file = await readIntake(path, progress.report)
    if (file.jcsReason !== undefined) remark(`${path}: only its exact bytes are recorded, not its JSON content: ${file.jcsReason}`)
    return file
  } finally {
    progress.stop()
  }
}

/** Whether a file states or holds something that its submitter may want to see. */
function isRead(files: readonly IntakeFile[]): boolean {
  return files.some(({ reading }) => reading.format !== undefined || reading.refused !== undefined)
}

/** Like `complete`, but a missing member is wrong usage. */
function completed(files: readonly IntakeFile[], options: AgencyOptions): ReturnType<typeof complete> {
  try {
    return complete(files, options)
  } catch (error) {
    throw error instanceof FillError ? usageFault(error) : error
  }
}

function usageFault(error: OpenSealError): CommandError {
  return new CommandError(EXIT_USAGE, error.code, error.message, { cause: error })
}

/**
 * The statement: what is typed, and what the files state. A date of our own would be stated in the
 * agency's name, and make two entries of the same command.
 */
function complete(files: readonly IntakeFile[], options: AgencyOptions) {
  const reading = statedTogether(files)
  const typed = typedMembers(options, reading?.members ?? {})
  const members = fillMembers(typed, reading?.members ?? {})
  const missing = (['record', 'kind'] as const).filter(name => members[name] === undefined).map(name => `--${name}`)
  if (missing.length > 0 && reading?.format === undefined)
    throw new UsageError(`${files.length === 0 ? '' : 'the file does not state it itself: '}name ${missing.join(' and ')}`)
  if (members.action === 'publish' && options.reason !== undefined) throw new UsageError('--reason goes with --action amend or withdraw')
  if (members.action !== 'publish' && members.reason === undefined)
    throw new UsageError(
      options.action === undefined
        ? 'the file says that it changes an earlier version, but not why: name the --reason'
        : `--action ${members.action} needs --reason`,
    )
  const statement = fillStatement(options.agency, members, documentsOf(files))
  const origins = originsOf(statement, typed, 'the command line', reading)
  return { statement, preview: origins, shown: formatPreview(files.map(({ name }) => name).join(', '), origins, reading) }
}

function typedMembers(options: AgencyOptions, stated: StatedMembers): StatedMembers {
  const {
    record,
    kind,
    action,
    revision,
    target,
    title,
    language,
    identifier,
    published,
    reason = stated.reason?.code,
    reasonText,
  } = options
  const isReason = options.reason !== undefined || (reasonText !== undefined && reason !== undefined)
  const typed = { record, kind, action, revision, target, title, language, identifiers: identifier, published }
  return {
    ...Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined)),
    ...(isReason && { reason: { code: reason as ReasonCode, ...(reasonText !== undefined && { text: reasonText }) } }),
  }
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
