/** Dates as OCDS publishers write them, converted to a statement's spelling. */

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(Z|z|[+-]\d{2}:?\d{2})?)?$/

/**
 * The time as YYYY-MM-DDTHH:MM:SSZ: offsets converted to UTC, a date alone at midnight, a missing
 * offset read as UTC, fractions cut.
 */
export function normaliseDate(text: string): string | undefined {
  const match = PATTERN.exec(text.trim())
  if (match === null) return undefined
  const [year, month, day, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(part => (part === undefined ? undefined : Number(part)))
  const asUtcMs = Date.UTC(year!, month! - 1, day!, hour, minute, second)
  const written = [year, month, day, hour, minute, second].map(part => String(part).padStart(2, '0'))
  const readBack = new Date(asUtcMs)
  if (Number.isNaN(asUtcMs) || readBack.toISOString().slice(0, 19).replace(/\D/g, '') !== written.join('').padStart(14, '0'))
    return undefined
  const offsetMs = offsetOf(match[7])
  if (offsetMs === undefined) return undefined
  const moment = new Date(asUtcMs - offsetMs).toISOString()
  return moment.length === 24 ? `${moment.slice(0, 19)}Z` : undefined
}

function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 18 || minutes > 59) return undefined
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
