/** Speaks the sentences of the desk and of the operator's page. */
import type { Language } from '../language.ts'
import { createSay, type Speaker } from '../say.ts'
import { deskAr } from './ar.ts'
import { deskDe } from './de.ts'
import { deskEl } from './el.ts'
import { type DeskMessageKey, type DeskMessages, deskEn } from './en.ts'
import { deskEs } from './es.ts'
import { deskFr } from './fr.ts'
import { deskUk } from './uk.ts'

/** The desk's sentences in one language. */
export type SayDesk = Speaker<DeskMessageKey>

/** All of them. */
export const DESK_CATALOGUES: Readonly<Record<Language, DeskMessages>> = {
  en: deskEn,
  fr: deskFr,
  es: deskEs,
  de: deskDe,
  el: deskEl,
  ar: deskAr,
  uk: deskUk,
}

/** Speaks the given language. */
export function speakDesk(language: Language): SayDesk {
  return createSay<DeskMessageKey>(language, DESK_CATALOGUES[language])
}

/** The sentences that the browser needs on the page for folders and where files are chosen. */
export function browserDeskMessages(language: Language): Readonly<Partial<DeskMessages>> {
  const keys = (Object.keys(deskEn) as DeskMessageKey[]).filter(key =>
    /^(folder\.|state\.|warning\.|intake\.|new\.(?:stays|unreadable|none|package)|form\.(?:revision|titleField|kind|isChange)$)/.test(key),
  )
  return Object.fromEntries(keys.map(key => [key, DESK_CATALOGUES[language][key]]))
}
