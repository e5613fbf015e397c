/** The sentences of the desk and of assistants: complete in every language, with the same placeholders. */
import { deepEqual, notEqual } from 'node:assert/strict'
import { ASSISTANT_CATALOGUES } from '../../src/messages/assistant.ts'
import { DESK_CATALOGUES } from '../../src/messages/desk/speak.ts'
import { LANGUAGE_TAGS, type Language } from '../../src/messages/language.ts'
import { PLURAL, placeholders } from './placeholders.ts'

type Catalogues = Readonly<Record<Language, Readonly<Record<string, string>>>>

const FORM = /(\w+)\s*\{[^{}]*\}/g
/** The plural forms of each plural in a sentence. */
const formsOf = (sentence: string) =>
  [...sentence.matchAll(PLURAL)].map(([, , forms = '']) => [...forms.matchAll(FORM)].map(([, form]) => form).sort())

for (const [part, catalogues] of [
  ['desk', DESK_CATALOGUES],
  ['assistants', ASSISTANT_CATALOGUES],
] as [string, Catalogues][])
  describe(`messages: ${part}`, () => {
    const { en } = catalogues
    const keys = Object.keys(en)
    for (const tag of LANGUAGE_TAGS) {
      const messages = catalogues[tag]
      it(`says everything in ${tag}, with the same placeholders, and leaves nothing untranslated`, () => {
        deepEqual(Object.keys(messages), keys)
        for (const key of keys) {
          notEqual(messages[key]!.trim(), '', key)
          deepEqual(placeholders(messages[key]!), placeholders(en[key]!), key)
        }
        const same = keys.filter(key => /[a-z]+ [a-z]+/.test(en[key]!) && messages[key] === en[key])
        deepEqual(tag === 'en' ? [] : same, [])
      })

      it(`has every plural form that ${tag} needs`, () => {
        const needed = new Intl.PluralRules(tag).resolvedOptions().pluralCategories.toSorted()
        for (const key of keys) for (const forms of formsOf(messages[key]!)) deepEqual(forms, needed, key)
      })
    }
  })
