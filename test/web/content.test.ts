/** Contents of records: cut and marked. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { clip, renderContent } from '../../src/web/content.ts'
import { STYLE } from '../../src/web/style.ts'

describe('web/content', () => {
  it('cuts no letter in two, and keeps a short text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.integer({ min: 1, max: 40 }), (text, shown) => {
        const cut = clip(text, shown)
        if (text.length <= shown) assert.equal(cut, text)
        else assert.ok(cut.endsWith('…') && text.startsWith(cut.slice(0, -1)) && cut.isWellFormed() && cut.length <= shown + 1)
      }),
    )
    assert.equal(clip('🇬🇷'.repeat(30), 10), `${'🇬🇷'.repeat(2)}…`)
  })

  it('names a language only if software knows it', () => {
    assert.equal(renderContent('x', 'el-Latn').safe, '<bdi lang="el-Latn" dir="auto">x</bdi>')
    for (const tag of [undefined, 'xq', 'i-x', 'x-private']) assert.equal(renderContent('x', tag).safe, '<bdi dir="auto">x</bdi>')
  })

  it('never puts letters into capitals in a way that takes the accents off Greek', () => {
    assert.doesNotMatch(STYLE, /text-transform:uppercase/)
  })
})
