/**
 * `openseal submit`: hashes documents on this machine and has the ledger seal a statement about
 * them, about each of many, or about each release in them.
 */

import { type Command, InvalidArgumentError, Option } from 'commander'
import { REASON_CODES } from '../core/statements/statement.ts'
import { STOPPING_WARNINGS } from '../core/statements/warnings.ts'
import { readTime, UsageError, withExample, withLedger } from './command.ts'
import { isFolder } from './folder.ts'
import { withTrust } from './received.ts'
import { submitMany } from './submit-many.ts'
import { submitPackages } from './submit-ocds.ts'
import { submitOne } from './submit-one.ts'
import type { AgencyOptions, SubmitOptions } from './submit-options.ts'

/** Fills the command. */
export function addSubmit(command: Command, setExit: (code: number) => void): void {
  withTrust(withLedger(withExample(command, EXAMPLE)))
    .option('--agency <id>', 'id of the agency that the key in OPENSEAL_API_KEY (or OPENSEAL_API_KEY_FILE) speaks for')
    .option(
      '--ocds',
      'the files are OCDS packages or releases, or OC4IDS projects: one statement for each release or project, and one for the file',
    )
    .option(
      '--manifest <file>',
      'a CSV file with a row for each file to submit: the column "file", then columns such as record, revision and title',
    )
    .addOption(new Option('--record-from <what>', 'for files that state no id: take it from their path in the folder').choices(['path']))
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
    .option(
      '--wait [seconds]',
      'wait until enough others vouch for it, 600 seconds by default, and write the anchored receipt',
      readSeconds,
    )
    .action(async (files: string[], given: Omit<SubmitOptions, 'wait'> & { wait?: number | true }) => {
      const { wait, ...rest } = given
      const options: SubmitOptions = { ...rest, ...(wait === undefined ? {} : { wait: wait === true ? 600 : wait }) }
      setExit(await submitFiles(files, options))
    })
}

async function submitFiles(files: readonly string[], options: SubmitOptions): Promise<number> {
  const { agency, manifest, ocds, recordFrom } = options
  if (manifest !== undefined && (files.length > 0 || ocds)) throw new UsageError('--manifest names all files: give no others beside it')
  if (manifest !== undefined) return submitMany([], options)
  if (agency === undefined)
    throw new UsageError('name the agency with --agency ID: the one that the key in OPENSEAL_API_KEY or OPENSEAL_API_KEY_FILE speaks for')
  const given: AgencyOptions = { ...options, agency }
  if (ocds) return submitPackages(files, readOcdsOptions(files, given))
  if ((await Promise.all(files.map(isFolder))).includes(true)) return submitMany(files, given)
  if (recordFrom !== undefined) throw new UsageError('--record-from goes with a folder or a manifest')
  return submitOne(files, given)
}

function readOcdsOptions(files: readonly string[], options: AgencyOptions): AgencyOptions {
  if (files.length === 0) throw new UsageError('name at least one file')
  const refused = [
    'recordFrom',
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
  if (given !== undefined)
    throw new UsageError(`--${given.replace('T', '-t').replace('F', '-f')} does not go with --ocds: the releases say it themselves`)
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
openseal submit notice.xml --agency transport.gov.example
openseal submit decisions/ --agency transport.gov.example --kind decision
openseal submit --ocds releases.json --agency transport.gov.example`
