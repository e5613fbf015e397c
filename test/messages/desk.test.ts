/** The desk's sentences: complete in every language, with the same placeholders. */
import { deepEqual, notEqual } from 'node:assert/strict'
import { type DeskMessageKey, deskEn } from '../../src/messages/desk/en.ts'
import { DESK_CATALOGUES } from '../../src/messages/desk/speak.ts'
import { LANGUAGE_TAGS } from '../../src/messages/language.ts'

const KEYS = Object.keys(deskEn) as DeskMessageKey[]
const PLURAL = /\{(\w+), plural,((?:\s*\w+\s*\{[^{}]*\})+)\s*\}/g
const placeholders = (sentence: string) => (sentence.replace(PLURAL, '{$1}').match(/\{\w+\}/g) ?? []).sort()

describe('messages: desk', () => {
  for (const tag of LANGUAGE_TAGS)
    it(`says everything in ${tag}, with the same placeholders, and leaves nothing untranslated`, () => {
      const messages = DESK_CATALOGUES[tag]
      deepEqual(Object.keys(messages), KEYS)
      for (const key of KEYS) {
        notEqual(messages[key].trim(), '', key)
        deepEqual(placeholders(messages[key]), placeholders(deskEn[key]), key)
      }
      const same = KEYS.filter(key => /[a-z]+ [a-z]+/.test(deskEn[key]) && messages[key] === deskEn[key])
      deepEqual(tag === 'en' ? [] : same, [])
    })
})
