/** What a later statement is to an earlier one of the same record. */

import { equal } from 'node:assert/strict'
import type { Statement } from '../../src/core/statement.ts'
import { compareVersions } from '../../src/core/versions.ts'
import { FULL } from './statements.ts'

const { reason: _reason, ...withoutReason } = FULL
const PUBLISH: Statement = { ...withoutReason, action: 'publish' }
const document = FULL.documents[0]!

describe('core/versions', () => {
  const other = { ...document, sha256: 'ef'.repeat(32) }
  const { jcs: _jcs, ...plain } = document
  const edited = { ...plain, sha256: '12'.repeat(32) }
  const { revision: _revision, ...unversioned } = PUBLISH

  it('calls the same revision with other documents a silent edit', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, documents: [edited] }), 'silent-edit')
    equal(compareVersions(PUBLISH, { ...PUBLISH, documents: [document, edited] }), 'silent-edit')
    equal(compareVersions(FULL, { ...PUBLISH, documents: [edited] }), 'silent-edit')
  })

  it('calls equal content in other bytes reformatted', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, documents: [other] }), 'reformatted')
    equal(compareVersions({ ...PUBLISH, documents: [document, edited] }, { ...PUBLISH, documents: [edited, other] }), 'reformatted')
    equal(compareVersions({ ...PUBLISH, documents: [document, document] }, { ...PUBLISH, documents: [other, edited] }), 'silent-edit')
  })

  it('takes documents without a content hash for other ones, and each for its own where some are the same', () => {
    const once = { ...plain, sha256: '34'.repeat(32) }
    equal(compareVersions({ ...PUBLISH, documents: [edited] }, { ...PUBLISH, documents: [once] }), 'silent-edit')
    equal(compareVersions({ ...PUBLISH, documents: [document, edited] }, { ...PUBLISH, documents: [other, edited] }), 'reformatted')
  })

  it('calls the same documents again a repeat, in any order and under any name', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, published: '2026-12-01T00:00:00Z' }), 'repeat')
    const two = { ...PUBLISH, documents: [edited, { ...document, name: 'b' }] }
    equal(compareVersions({ ...PUBLISH, documents: [document, edited] }, two), 'repeat')
    equal(compareVersions(two, two), 'repeat')
    equal(compareVersions(PUBLISH, two), 'silent-edit')
  })

  it('lets only publications collide where there is no revision', () => {
    equal(compareVersions(unversioned, { ...unversioned, documents: [edited] }), 'silent-edit')
    const { revision: _, ...amendment } = FULL
    equal(compareVersions(amendment, { ...unversioned, documents: [edited] }), 'none')
    equal(compareVersions(unversioned, { ...amendment, documents: [edited] }), 'none')
  })

  it('calls nothing an edit that is of another version, or says openly what it does', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, revision: 'r-3', documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...PUBLISH, record: 'x', documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...PUBLISH, agency: 'a.b', documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...FULL, documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...FULL, action: 'withdraw', documents: [] }), 'none')
    equal(compareVersions({ ...FULL, action: 'withdraw', documents: [] }, PUBLISH), 'none')
  })
})
