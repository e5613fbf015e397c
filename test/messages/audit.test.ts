/** The audit's catalogue: complete in every language, with the same placeholders. */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FINDING_CODES, NOTICE_CODES, UNFINISHED_CODES } from '../../src/audit/finding.ts'
import { type AuditMessageKey, auditEn, auditNames } from '../../src/messages/audit/en.ts'
import { AUDIT_CATALOGUES, sayTold, speakAudit } from '../../src/messages/audit/speak.ts'
import { LANGUAGE_TAGS } from '../../src/messages/language.ts'
import { placeholders } from './placeholders.ts'

const KEYS = Object.keys(auditEn) as AuditMessageKey[]

describe('messages/audit', () => {
  for (const tag of LANGUAGE_TAGS) {
    it(`says everything in ${tag}, with the same placeholders`, () => {
      const messages = AUDIT_CATALOGUES[tag]
      deepEqual(Object.keys(messages), KEYS)
      for (const key of KEYS) {
        deepEqual(placeholders(messages[key]), placeholders(auditEn[key]), key)
        if (key !== 'at.none') notEqual(messages[key].trim(), '', key)
      }
    })

    it(`has a sentence of its own in ${tag} for each finding and each reason`, () => {
      const codes = [...FINDING_CODES, ...NOTICE_CODES, ...UNFINISHED_CODES]
      equal(new Set(codes.map(code => AUDIT_CATALOGUES[tag][code])).size, codes.length)
    })
  }

  it('explains every finding and every reason in docs/audit.md, and names no other', () => {
    const named = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8').matchAll(/`(AUDIT_[A-Z_]+)`/g)
    deepEqual(new Set(Array.from(named, ([, code]) => code)), new Set([...FINDING_CODES, ...NOTICE_CODES, ...UNFINISHED_CODES]))
  })

  it('leaves no sentence untranslated', () => {
    for (const tag of LANGUAGE_TAGS.filter(tag => tag !== 'en')) {
      const same = KEYS.filter(
        key => !(key in auditNames) && /[a-z]+ [a-z]+/.test(auditEn[key]) && AUDIT_CATALOGUES[tag][key] === auditEn[key],
      )
      deepEqual(same, [], tag)
    }
  })

  it('writes numbers as the language does, and names as they are', () => {
    const values = { anchored: 12345, size: 9000, chainId: 31337, endpoint: 'rpc.example' }
    const told = { code: 'AUDIT_CHAIN_AHEAD', detail: 'ahead', values } as const
    equal(sayTold(speakAudit('de'), { ...told, values: { ...values, size: 1 } }).split('verankert, ')[1], 'das Register zeigt 1 Eintrag')
    equal(
      sayTold(speakAudit('de'), told),
      'Die Kette enthält einen größeren Baum, als das Register zeigt. Größe 12.345 ist auf Kette 31337 (rpc.example) verankert, das Register zeigt 9.000 Einträge',
    )
  })
})
