/** The checks before the desk submits: its submissions count among all that are under way. */
import { equal, throws } from 'node:assert/strict'
import { admitSubmission } from '../../../src/http/desk/submitting.ts'
import { createAdmission } from '../../../src/http/guard/admission.ts'

const KEY = { agency: 'transport.gov.example', keyId: 'k', role: 'submit' } as const
/** As many may be under way. */
const MOST = 128

describe('http/desk/submitting', () => {
  it('counts a submission until it ends, and refuses the one that is too many', () => {
    const admission = createAdmission({ waiting: () => 0, nowMs: () => 0 })
    try {
      const deps = { admission }
      const ends = Array.from({ length: MOST }, () => admitSubmission(KEY, deps))
      throws(() => admitSubmission(KEY, deps), { code: 'LEDGER_OVERLOADED' })
      ends[0]?.()
      equal(typeof admitSubmission(KEY, deps), 'function')
    } finally {
      admission.stop()
    }
  })
})
