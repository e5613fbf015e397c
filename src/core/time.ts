/** Times as text: exactly `YYYY-MM-DDTHH:MM:SSZ`, in UTC. */

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/

/** Whether the text is `YYYY-MM-DDTHH:MM:SSZ` and a date of the calendar: no 30 February, no hour 24, no leap second. */
export function isTime(text: string): boolean {
  if (!TIME.test(text)) return false
  const ms = Date.parse(text)
  return Number.isFinite(ms) && formatTime(ms) === text
}

/** The time of Unix milliseconds, rounded down to the second, in the years 0000 to 9999. */
export function formatTime(ms: number): string {
  const iso = new Date(Math.floor(ms / 1000) * 1000).toISOString()
  if (iso.length !== 24) throw new Error(`bug: the time ${ms} is outside of the years 0000 to 9999`)
  return `${iso.slice(0, 19)}Z`
}
