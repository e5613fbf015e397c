/** Structured log lines: one JSON object a line, for machines first. */

export type LogFields = { readonly [name: string]: unknown }

/** Writes events. Fields hold hashes, indexes and names, never secrets and never the contents of records. */
export type Log = {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/** A log that hands each finished line, newline included, to `write`. An Error among the fields becomes its name, code, message and stack. */
export function createLog({ write, nowMs }: { write: (line: string) => void; nowMs: () => number }): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      const line = { time: new Date(nowMs()).toISOString(), level, event, ...fields }
      write(`${JSON.stringify(line, (_name, value) => plain(value))}\n`)
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** A log that keeps nothing. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  const code = 'code' in value ? value.code : undefined
  return { name, code, message, stack, cause }
}
