/** The languages of the site, and how one is chosen: by URL, otherwise by the browser's header. */
import { ar } from './ar.ts'
import { de } from './de.ts'
import { el } from './el.ts'
import { en, type MessageKey, type Messages } from './en.ts'
import { es } from './es.ts'
import { fr } from './fr.ts'
import { createSay, type Say } from './say.ts'
import { uk } from './uk.ts'

/** Language tags in the order of the menu, with each language's own name. */
export const LANGUAGES = {
  en: 'English',
  fr: 'Français',
  es: 'Español',
  de: 'Deutsch',
  el: 'Ελληνικά',
  ar: 'العربية',
  uk: 'Українська',
} as const

/** A tag that the site has a catalogue for. */
export type Language = keyof typeof LANGUAGES

/** All sentences of all languages. */
export const CATALOGUES: Readonly<Record<Language, Messages>> = { en, fr, es, de, el, ar, uk }

/** The tags, in the order of the menu. */
export const LANGUAGE_TAGS = Object.keys(LANGUAGES) as readonly Language[]

/** Speaks the given language. */
export function speak(language: Language): Say {
  return createSay(language, CATALOGUES[language])
}

/**
 * The language that an Accept-Language header prefers, by its weights; English if it names none of
 * ours.
 */
export function negotiateLanguage(header: string | undefined): Language {
  const wishes = (header ?? '')
    .slice(0, 1000)
    .split(',')
    .map(wish => {
      const [tag = '', ...parameters] = wish.trim().toLowerCase().split(';')
      const weight = Number(
        parameters
          .find(p => p.trim().startsWith('q='))
          ?.trim()
          .slice(2) ?? 1,
      )
      return { tag: tag.split('-')[0] ?? '', weight: Number.isNaN(weight) ? 0 : weight }
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
  return LANGUAGE_TAGS.find(tag => tag === wishes.find(wish => wish.tag in CATALOGUES)?.tag) ?? 'en'
}

/**
 * The sentences that the browser needs to check a file: verdicts, checks, results and the page's
 * own.
 */
export function browserMessages(language: Language): Readonly<Partial<Messages>> {
  const keys = (Object.keys(en) as MessageKey[]).filter(key => BROWSER_KEYS.test(key) && !SERVER_KEYS.test(key))
  return Object.fromEntries(keys.map(key => [key, CATALOGUES[language][key]]))
}

/** For the form without JavaScript. */
const SERVER_KEYS = /^(verify\.(server|again$)|report\.tooLarge$|link\.noScript$)/
const BROWSER_KEYS =
  /^((verdict|mark|next|trust|matched|pdf|check|detail|fault|what|status|result|change|verify|reason|is|unread|sum|report|link|stated|step)\.|record\.(content|title|revision)$|site\.languages$)/
