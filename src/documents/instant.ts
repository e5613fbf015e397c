/** Moments as files write them, converted to a statement's spelling. */

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(Z|z|[+-]\d{2}(?::?\d{2})?)$/
const MAIL_PATTERN =
  /^(?:[A-Za-z]{3},\s*)?(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d{2}):(\d{2})(?::(\d{2}))?\s+([+-]\d{4}|GMT|UT|UTC|Z)(?:\s*\(.*\))?$/
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** Conversion tools write such years for missing dates. */
const PLACEHOLDER_YEARS = { before: 1970, from: 9999 }

/**
 * The moment as YYYY-MM-DDTHH:MM:SSZ, fractions cut. undefined for a date without a time of day or
 * without a time zone, because any moment for it would be a guess, for an impossible date, and for
 * a tool's placeholder.
 */
export function readInstant(text: string): string | undefined {
  const match = PATTERN.exec(text.trim())
  return match === null ? undefined : toUtc(match.slice(1, 7), match[7]!)
}

/** The moment of a mail's `Date` (RFC 5322 §3.3), as `readInstant` gives it. */
export function readMailDate(text: string): string | undefined {
  const [, day = '', month = '', year, hour, minute, second, zone = ''] = MAIL_PATTERN.exec(text.trim()) ?? []
  const number = MONTHS.indexOf(month.toLowerCase()) + 1
  if (number === 0) return undefined
  return toUtc([year, String(number), day, hour, minute, second], /^[+-]/.test(zone) ? zone : 'Z')
}

/** The moment of Unix milliseconds, as `readInstant` gives it. */
export function readUnixMs(ms: unknown): string | undefined {
  return typeof ms === 'number' && Number.isSafeInteger(ms) ? spell(ms) : undefined
}

function toUtc(parts: readonly (string | undefined)[], zone: string): string | undefined {
  const numbers = parts.map(part => Number(part ?? 0))
  const [year, month, day, hour, minute, second] = numbers
  const asUtcMs = Date.UTC(year!, month! - 1, day!, hour, minute, second)
  if (Number.isNaN(asUtcMs) || year! < PLACEHOLDER_YEARS.before) return undefined
  const readBack = new Date(asUtcMs).toISOString().slice(0, 19).split(/\D/).map(Number)
  const offsetMs = offsetOf(zone)
  return offsetMs === undefined || readBack.some((number, at) => number !== numbers[at]) ? undefined : spell(asUtcMs - offsetMs)
}

function spell(ms: number): string | undefined {
  const moment = new Date(ms)
  if (Number.isNaN(moment.getTime())) return undefined
  const year = moment.getUTCFullYear()
  if (year < PLACEHOLDER_YEARS.before || year >= PLACEHOLDER_YEARS.from) return undefined
  return `${moment.toISOString().slice(0, 19)}Z`
}

function offsetOf(zone: string): number | undefined {
  if (zone.toUpperCase() === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || 0)
  if (hours > 18 || minutes > 59) return undefined
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
