/** The sentences of a look-up in several ledgers. */
import { deepEqual } from 'node:assert/strict'
import { speak } from '../../src/messages/language.ts'
import { sayLookedUp } from '../../src/messages/verdict.ts'

describe('messages: where a file was looked up', () => {
  it('names the ledgers by what became of the question, and says once what a reader can do', () => {
    const told = (...[answered, silent, notAsked]: string[][]) =>
      sayLookedUp(speak('en'), { answered: answered!, silent: silent!, notAsked: notAsked! })
        .join(' ')
        .replace(/[\u2068\u2069]/g, '')
    deepEqual(
      [told(['A', 'B'], [], []), told(['A'], ['B'], ['C']), told([], [], ['A', 'B', 'C', 'D', 'E', 'F', 'G'])],
      [
        'Looked up in these ledgers: A, B.',
        'Looked up in these ledgers: A. These ledgers did not answer: B. These ledgers were not asked: C. If you have the receipt, add it.',
        'These ledgers were not asked: A, B, C, D, E … (+2). If you have the receipt, add it.',
      ],
    )
  })
})
