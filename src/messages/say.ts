/**
 * Says things in a language: sentences with their placeholders filled, times, numbers and
 * durations. Runs in the browser too.
 */
import { visible } from '../core/visible.ts'
import { fillIn } from '../verifier/remarks.ts'
import { clockLocale } from './clock.ts'
import type { MessageKey } from './en.ts'

/** Values for the placeholders of a sentence. The number of a plural is given as a number. */
export type Values = { readonly [name: string]: string | number }

/** A language: its tag, and the direction of its writing. */
export type Tongue = { readonly lang: string; readonly dir: 'ltr' | 'rtl' }

/** Says the sentences of one catalogue in one language. */
export type Speaker<Key extends string> = Tongue & ((key: Key, values?: Values) => string)

/** The speaker that page renderers need for one language. */
export type Say = Speaker<MessageKey>

/** Makes a speaker. `messages` may be part of the catalogue; a key outside it is a bug. */
export function createSay<Key extends string = MessageKey>(lang: string, messages: Readonly<Partial<Record<Key, string>>>): Speaker<Key> {
  const say = (key: Key, values: Values = {}): string => {
    const sentence = messages[key]
    if (sentence === undefined) throw new Error(`bug: no sentence ${key} in ${lang}`)
    return fillIn(chooseForms(lang === 'fr' ? bindMarks(sentence) : sentence, values, lang), values)
  }
  return Object.assign(say, { lang, dir: lang === 'ar' ? ('rtl' as const) : ('ltr' as const) })
}

/**
 * French has a space before `: ; ! ? »` and after `«`. Here it becomes one at which no line breaks,
 * so that the catalogue can be written with plain spaces.
 */
function bindMarks(sentence: string): string {
  return sentence.replace(/ ([:;!?»])/g, '\u202f$1').replace(/« /g, '«\u202f')
}

/**
 * Chooses the plural form of a sentence: of `{count, plural, one {# entry} other {# entries}}`, as
 * ICU writes it, keeps the form that the language needs, with the number in place of `#`.
 */
function chooseForms(sentence: string, values: Values, lang: string): string {
  return sentence.replace(PLURAL, (_, name: string, forms: string) => {
    const value = values[name]
    if (typeof value !== 'number') throw new Error(`bug: ${name} is not a number in ${JSON.stringify(sentence)}`)
    const category = pluralsOf(lang).select(value)
    const form = Object.fromEntries([...forms.matchAll(FORM)].map(([, key, text]) => [key, text]))
    return (form[category] ?? form.other ?? '').replace('#', numbersOf(lang).format(value))
  })
}

const PLURAL = /\{(\w+), plural,((?:\s*\w+\s*\{[^{}]*\})+)\s*\}/g
const FORM = /(\w+)\s*\{([^{}]*)\}/g

/**
 * Isolates a text of its own direction, such as a name, so that it cannot change the order of the
 * sentence around it (Unicode isolates). Its own controls become visible marks.
 */
export function isolate(text: string): string {
  return `\u2068${visible(text)}\u2069`
}

/**
 * A time in the words of the language, always UTC: `12 March 2026, 10:05 UTC`. Takes unix
 * milliseconds or `YYYY-MM-DDTHH:MM:SSZ`.
 */
export function sayTime(say: Tongue, time: string | number): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return String(time)
  return `${timesOf(clockLocale(say.lang)).format(date)} UTC`
}

/** A whole number with the language's separators. */
export function sayNumber(say: Tongue, value: number): string {
  return numbersOf(say.lang).format(value)
}

/** A part of the whole: 0.125 is `12.5%`. */
export function sayShare(say: Tongue, share: number): string {
  return sharesOf(say.lang).format(share)
}

/** A length of time in its largest sensible unit: `4 minutes`. */
export function sayDuration(say: Tongue, seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size * 2) ?? (['second', 1] as const)
  return lengthsOf(say.lang)[unit].format(Math.round(seconds / size))
}

const UNITS = [
  ['year', 31_557_600],
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
] as const

// Formats are made once for each language: making one takes longer than everything else on a page.
const timesOf = perLanguage(lang => new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }))
const numbersOf = perLanguage(lang => new Intl.NumberFormat(lang))
const sharesOf = perLanguage(lang => new Intl.NumberFormat(lang, { style: 'percent', maximumFractionDigits: 1 }))
const pluralsOf = perLanguage(lang => new Intl.PluralRules(lang))
const lengthsOf = perLanguage(lang => {
  const of = (unit: string) => new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long' })
  return { year: of('year'), day: of('day'), hour: of('hour'), minute: of('minute'), second: of('second') }
})

function perLanguage<T>(make: (lang: string) => T): (lang: string) => T {
  const made = new Map<string, T>()
  return lang => {
    const known = made.get(lang) ?? make(lang)
    made.set(lang, known)
    return known
  }
}
