/** Speaks the audit's sentences, and the words of its findings. */
import type { Language } from '../language.ts'
import { createSay, type Speaker, sayNumber, type Values } from '../say.ts'
import { auditAr } from './ar.ts'
import { auditDe } from './de.ts'
import { auditEl } from './el.ts'
import { type AuditMessageKey, type AuditMessages, auditEn } from './en.ts'
import { auditEs } from './es.ts'
import { auditFr } from './fr.ts'
import { auditUk } from './uk.ts'

/** The audit's sentences in one language. */
export type SayAudit = Speaker<AuditMessageKey>

/** All of them. */
export const AUDIT_CATALOGUES: Readonly<Record<Language, AuditMessages>> = {
  en: auditEn,
  fr: auditFr,
  es: auditEs,
  de: auditDe,
  el: auditEl,
  ar: auditAr,
  uk: auditUk,
}

/** Numbers that are names: nobody looks for chain 31,337. */
const NAMES = ['chainId', 'status']

/** Speaks the given language. */
export function speakAudit(language: Language): SayAudit {
  return createSay<AuditMessageKey>(language, AUDIT_CATALOGUES[language])
}

/**
 * Something that an audit tells: its code is a key of the catalogue, and so is its detail, without
 * `at.`.
 */
type Told = { readonly code: AuditMessageKey; readonly detail: string; readonly values: Values }

/**
 * Where, in words; empty where there is nothing to say. Numbers are written as the language writes
 * them.
 */
export function sayDetail(say: SayAudit, { detail, values }: Told): string {
  const key = `at.${detail}` as AuditMessageKey
  const sentence = AUDIT_CATALOGUES[say.lang as Language][key]
  // A plural needs the number itself, and writes it.
  const isName = (name: string) => NAMES.includes(name) || sentence.includes(`{${name}, plural`)
  const written = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'number' && !isName(name) ? sayNumber(say, value) : value,
  ])
  return say(key, Object.fromEntries(written))
}

/** The sentence, and where. */
export function sayTold(say: SayAudit, told: Told): string {
  const detail = sayDetail(say, told)
  return detail === '' ? say(told.code) : `${say(told.code)} ${detail}`
}
