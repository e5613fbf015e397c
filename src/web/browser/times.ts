/**
 * Adds the reader's own time, with the name of its zone, and how long ago it was, beside every time
 * of a page. The page itself says UTC, so without this script nothing is missing. Certificates keep
 * UTC alone.
 */
import { clockLocale } from '../../messages/clock.ts'

const { lang } = document.documentElement
// As on the pages, with Western digits in every language.
const tag = new Intl.Locale(clockLocale(lang), { numberingSystem: 'latn' })
const clock = { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' } as const
const times = new Intl.DateTimeFormat(tag, clock)
const days = new Intl.DateTimeFormat(tag, { day: 'numeric', month: 'long', ...clock })
const lengths = new Intl.RelativeTimeFormat(tag)
const UNITS = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const
const REPEAT_MS = 60_000

function sayLocal(date: Date): string {
  const seconds = (date.getTime() - Date.now()) / 1000
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size * 2) ?? UNITS[5]
  const ago = lengths.format(Math.round(seconds / size), unit)
  // Nothing is to be added where the reader's clock shows UTC.
  if (date.getTimezoneOffset() === 0) return ` (${ago})`
  return ` (${(date.getDate() === date.getUTCDate() ? times : days).format(date)} · ${ago})`
}

const shown = [...document.querySelectorAll<HTMLTimeElement>('time[datetime]')]
  .filter(time => time.closest('.sheet') === null)
  .map(time => ({ date: new Date(time.dateTime), place: document.createElement('span'), time }))
  .filter(({ date }) => !Number.isNaN(date.getTime()))
for (const { time, place } of shown) {
  place.className = 'local'
  time.after(place)
}
const showAll = () => {
  for (const { date, place } of shown) place.textContent = sayLocal(date)
}
showAll()
setInterval(showAll, REPEAT_MS)
