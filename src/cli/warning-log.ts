/** The log of commands that do the work of the service: for a person, on stderr. */
import type { Log, LogFields } from '../logger.ts'
import { remark } from './output.ts'

/** Nothing but warnings, with what they are about. */
export const warningLog: Log = { info: () => {}, warn, error: warn }

function warn(event: string, fields: LogFields = {}): void {
  const about = Object.entries(fields).map(([name, value]) => `${name} ${value instanceof Error ? value.message : String(value)}`)
  remark(`Warning: ${event}${about.length > 0 ? ` (${about.join(', ')})` : ''}`)
}
