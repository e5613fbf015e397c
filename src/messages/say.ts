/** Saying things in a language: sentences with their placeholders filled, times, numbers and durations. Runs in the browser too. */
import type { MessageKey, Messages } from './en.ts'

/** Values for the placeholders of a sentence. */
export type Values = { readonly [name: string]: string | number }

/** What a renderer needs to speak one language. */
export type Say = {
  readonly lang: string
  readonly dir: 'ltr' | 'rtl'
  (key: MessageKey, values?: Values): string
}

/** Makes a speaker. `messages` may be a part of the catalogue; a key outside it is a bug. */
export function createSay(lang: string, messages: Readonly<Partial<Messages>>): Say {
  const say = (key: MessageKey, values: Values = {}): string => {
    const sentence = messages[key]
    if (sentence === undefined) throw new Error(`bug: no sentence ${key} in ${lang}`)
    return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
  }
  return Object.assign(say, { lang, dir: lang === 'ar' ? ('rtl' as const) : ('ltr' as const) })
}

/** A time in the words of the language, always UTC: `12 March 2026, 10:05 UTC`. Takes unix milliseconds or `YYYY-MM-DDTHH:MM:SSZ`. */
export function sayTime(say: Say, time: string | number): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return String(time)
  return `${new Intl.DateTimeFormat(say.lang === 'en' ? 'en-GB' : say.lang, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(date)} UTC`
}

/** A whole number with the language's separators. */
export function sayNumber(say: Say, value: number): string {
  return new Intl.NumberFormat(say.lang).format(value)
}

/** A length of time in its largest sensible unit: `4 minutes`. */
export function sayDuration(say: Say, seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size * 2) ?? (['second', 1] as const)
  return new Intl.NumberFormat(say.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.round(seconds / size))
}

const UNITS = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
] as const
