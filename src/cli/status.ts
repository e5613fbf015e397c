/** `openseal status`: how the ledger is doing. */
import type { Command } from 'commander'
import { createClient } from './client.ts'
import { addCommand, withLedger } from './command.ts'
import { print, printJson } from './output.ts'

/** Adds the command. */
export function addStatus(program: Command): void {
  withLedger(
    addCommand(program, 'status', "show the ledger's size, key, anchors and health", 'openseal status --ledger http://localhost:8080'),
  ).action(async (options: { ledger: string; json?: boolean }) => {
    const status = await createClient(options.ledger).readJson('/v1/status')
    if (options.json) printJson(status)
    else print(...flatten(status as object, ''))
  })
}

function flatten(value: object, prefix: string): string[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    return typeof inner === 'object' && inner !== null ? flatten(inner, path) : [`${path.padEnd(28)} ${String(inner)}`]
  })
}
