/** Bodies of answers: the same bytes in whichever form they are sent. */
import { deepEqual, equal } from 'node:assert/strict'
import { textBody } from '../../src/http/body.ts'

describe('http/body', () => {
  it('sends a text as its UTF-8, whatever it holds, and ASCII as the text that it is', () => {
    equal(textBody('{"a":"\\u2014"}\n'), '{"a":"\\u2014"}\n')
    for (const text of ['é', '—', 'Απόφαση', '𐀀', 'plain and then ü']) deepEqual(textBody(text), Buffer.from(text, 'utf8'))
  })
})
