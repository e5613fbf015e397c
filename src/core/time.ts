/** Times as text: exactly `YYYY-MM-DDTHH:MM:SSZ`, in UTC. */

const TIME = /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Whether the text is `YYYY-MM-DDTHH:MM:SSZ` and a real date: no 30 February, no hour 24, no leap
 * second.
 */
export function isTime(text: string): boolean {
  const [, year, month, day] = TIME.exec(text) ?? []
  return year !== undefined && Number(day) >= 1 && Number(day) <= daysOf(Number(year), Number(month))
}

/** The number of days in a Gregorian month; 0 if there is no such month. */
function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && isLeap ? 29 : (MONTH_DAYS[month - 1] ?? 0)
}

/** Formats Unix milliseconds, rounded down to the second, in the years 0000 to 9999. */
export function formatTime(ms: number): string {
  const iso = new Date(Math.floor(ms / 1000) * 1000).toISOString()
  if (iso.length !== 24) throw new Error(`bug: the time ${ms} is outside the years 0000 to 9999`)
  return `${iso.slice(0, 19)}Z`
}
