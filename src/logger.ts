/** Structured log lines for machines: one JSON object a line. */
import { OpenSealError } from './core/errors.ts'

export type LogFields = { readonly [name: string]: unknown }

/**
 * Writes events. Fields hold hashes, indexes and names, never secrets or the contents of records.
 */
export type Log = {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/**
 * Creates a log that passes each finished line, newline included, to `write`. An Error among the
 * fields becomes its name, code, message and stack.
 */
export function createLog({ write, nowMs }: { write: (line: string) => void; nowMs: () => number }): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      const line = { time: new Date(nowMs()).toISOString(), level, event, ...fields }
      write(`${JSON.stringify(line, (_name, value) => plain(value))}\n`)
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** A log that writes nothing. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** The same log, with these fields in each line. */
export function withFields(log: Log, fields: LogFields): Log {
  return {
    info: (event, more) => log.info(event, { ...fields, ...more }),
    warn: (event, more) => log.warn(event, { ...fields, ...more }),
    error: (event, more) => log.error(event, { ...fields, ...more }),
  }
}

/** An expected failure needs no stack: its code says where it comes from. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return withoutSecrets(value)
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  const code = 'code' in value ? value.code : undefined
  return value instanceof OpenSealError ? { code, message, cause } : { name, code, message, stack, cause }
}

/**
 * The last line of defence. Callers log no secrets, but another program's message could contain
 * one.
 */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b(osk_[0-9a-f]{16}_|oso_)[\w-]{8,}/g, '$1…')
    .replace(/\bBearer +\S+/gi, 'Bearer …')
    .replace(/(\w:\/\/)[^\s/@]+@/g, '$1…@')
}
