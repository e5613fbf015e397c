/**
 * `openseal evidence`: checks the evidence of an audit or a witness that a ledger contradicts
 * itself, without the ledger and without the one that kept it.
 */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { checkEvidence, evidenceOrigin } from '../audit/evidence.ts'
import { toHex } from '../core/bytes.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { speakAudit } from '../messages/audit/speak.ts'
import { UsageError, withExample } from './command.ts'
import { FileError } from './hash-file.ts'
import { chooseLanguage, withLanguage } from './locale.ts'
import { print, printJson } from './output.ts'
import { readPinnedPolicy } from './policy-file.ts'

type Options = { json?: boolean; policy?: string; lang?: string }

const EXIT_PROVEN = 5
const EXIT_NOTHING = 6

/** Fills the command. */
export function addEvidence(command: Command, setExit: (code: number) => void): void {
  withLanguage(withExample(command, EXAMPLE))
    .option('--policy <file>', 'the policy of the ledger, from a source that you trust')
    .addHelpText('after', '\nExit codes: 5 the contradiction is proven, 6 nothing is proven.')
    .action(async (file: string, options: Options) => setExit(await runEvidence(file, options)))
}

async function runEvidence(file: string, options: Options): Promise<number> {
  const say = speakAudit(chooseLanguage(options.lang))
  if (options.policy === undefined) throw new UsageError('--policy FILE is required: its keys must have signed the checkpoints')
  const text = await read(file)
  const policy = await readPinnedPolicy(options.policy, () => evidenceOrigin(text))
  const { proven, earlier, later } = checkEvidence(text, policy)
  const inWords = ({ size, root }: Checkpoint) => say('proof.checkpoint', { size, root: toHex(root) })
  const inJson = ({ size, root }: Checkpoint) => ({ size, root: toHex(root) })
  const sentence = say(`proof.${proven}`)
  if (options.json) printJson({ proven, sentence, origin: policy.origin, earlier: inJson(earlier), later: inJson(later) })
  else
    print(
      sentence,
      '',
      `  ${say('fact.ledger')}: ${policy.origin}`,
      `  ${say('proof.earlier')}: ${inWords(earlier)}`,
      `  ${say('proof.later')}: ${inWords(later)}`,
    )
  return proven === 'nothing' ? EXIT_NOTHING : EXIT_PROVEN
}

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch(cause => {
    throw new FileError('FILE_NOT_FOUND', `${file} cannot be read (${cause.code})`, { cause })
  })
}

const EXAMPLE = 'openseal evidence audit-state/evidence/0123456789abcdef/evidence.json \\\n  --policy openseal.policy.json'
