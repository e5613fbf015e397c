/** The sentence of a verdict (design §8) in a language. */
import type { Result } from '../verifier/index.ts'
import { type Say, sayTime } from './say.ts'

/** The sentence of the verdict in the reader's language. */
export function sayVerdict(say: Say, { verdict, matched, failed = 'statement', date, withdrawn }: Result): string {
  if (verdict === 'invalid') {
    return failed === 'document' ? say('verdict.invalid.document') : say('verdict.invalid', { check: say(`check.${failed}`) })
  }
  const values = { date: date === undefined ? '–' : sayTime(say, date), withdrawn: withdrawn === undefined ? '–' : sayTime(say, withdrawn) }
  const isOfStatement = matched === undefined
  if (isOfStatement && (verdict === 'sealed' || verdict === 'withdrawn' || verdict === 'superseded' || verdict === 'anchored'))
    return say(`verdict.${verdict}.statement`, values)
  return say(`verdict.${verdict}`, values)
}
