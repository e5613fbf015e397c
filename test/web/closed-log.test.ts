/**
 * The pages of a log that its owner has closed on the chain: they say so, how much is good, and
 * where it goes on.
 */
import assert from 'node:assert/strict'
import { LANGUAGES } from '../../src/messages/language.ts'
import { CHAIN_ID, openWorld } from './world.ts'

const SUCCESSOR = `0x${'5c'.repeat(32)}`

describe('pages of a closed log', () => {
  it('say on each page, in every language, that it is closed, how much of it is good, and which log goes on', async () => {
    const world = await openWorld()
    try {
      await world.submit('r-1', 'a decision')
      await world.ledger.disown(CHAIN_ID, { lastGoodSize: 3, successor: SUCCESSOR })
      for (const language of Object.keys(LANGUAGES))
        for (const path of ['/', '/verify', '/records/1', '/anchors']) {
          const page = await (await fetch(`${world.url}/${language}${path}`)).text()
          assert.ok(page.includes(SUCCESSOR), `${language} ${path}`)
        }
      const english = await (await fetch(`${world.url}/en/`)).text()
      assert.match(
        english,
        /The owner of this log has closed it for good.*The owner still vouches for the first 3 entries, and has disowned all later ones\./,
      )
      assert.doesNotMatch(english, /could not be sure of its own state/)
    } finally {
      await world.close()
    }
  })
})
