/** `openseal erase`: asks a ledger to erase a statement, or takes the request back. */
import { type Command, Option } from 'commander'
import { ERASURE_REASONS } from '../core/statements/erasure.ts'
import { createClient } from './client.ts'
import { requireMembers } from './client-error.ts'
import { UsageError, withExample, withLedger } from './command.ts'
import { print, printJson } from './output.ts'
import { readSecret } from './secret.ts'

type Options = { ledger: string; json?: boolean; reason?: string; undo?: boolean; operator?: boolean }
type Answer = { readonly index: number; readonly due?: string; readonly erasure?: number }

/** Fills the command. */
export function addErase(command: Command): void {
  withLedger(withExample(command, 'openseal erase 17 --reason personal-data\nopenseal erase 17 --undo'))
    .addOption(new Option('--reason <code>', 'why it is erased').choices([...ERASURE_REASONS]))
    .option('--undo', 'take the request back, until it is due')
    .option('--operator', 'ask with the operator key instead of an admin key of the agency')
    .action(async (text: string, { ledger, json, reason, undo, operator }: Options) => {
      const index = readIndex(text)
      if ((reason === undefined) === (undo === undefined))
        throw new UsageError('give --reason with a code, or --undo to take the request back')
      const key = await (operator ? readSecret('OPENSEAL_OPERATOR_KEY', "the operator's key") : readSecret('OPENSEAL_API_KEY', ADMIN_KEY))
      const client = createClient(ledger)
      const path = `/v1/records/${index}/erasure`
      if (undo) {
        await client.sendJson('DELETE', path, key)
        if (json) return printJson({ index, undone: true })
        return print(`The statement of record ${index} is shown again.`)
      }
      const { value } = await client.sendJson('POST', path, key, { reason: { code: reason } })
      const isDone = typeof value === 'object' && value !== null && 'erasure' in value
      const answer = requireMembers<Answer>(client.url, value, { index: 'number', ...(isDone ? { erasure: 'number' } : { due: 'string' }) })
      if (json) return printJson(answer)
      const { due, erasure } = answer
      if (erasure !== undefined) print(`The statement of record ${index} is erased. Entry ${erasure} says so.`)
      else print(`The statement of record ${index} is hidden now, and will be erased after ${due}. Until then, --undo takes this back.`)
    })
}

const ADMIN_KEY = 'an API key of the agency with the role admin'

function readIndex(text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text)
  throw new UsageError(`${JSON.stringify(text)} is not the index of a record`)
}
