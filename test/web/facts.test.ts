/** How pages say that others vouch for an entry. */
import { doesNotMatch, match } from 'node:assert/strict'
import type { Statement } from '../../src/core/statements/statement.ts'
import { speak } from '../../src/messages/language.ts'
import { type RecordFacts, renderFacts } from '../../src/web/pages/facts.ts'
import { renderState } from '../../src/web/pages/state.ts'
import { renderSteps } from '../../src/web/pages/steps.ts'

const TIME = '2026-11-20T10:00:00Z'
const hash = new Uint8Array(32)
const statement = {
  agency: 'transport.gov.example',
  kind: 'decision',
  action: 'publish',
  record: 'case-1',
  documents: [],
} as unknown as Statement
const facts = (change: Partial<RecordFacts>): RecordFacts => ({
  ...{ index: 1, statement, agency: undefined, state: {}, changes: [], production: true, sealedMs: Date.parse(TIME) - 60_000 },
  ...{ nowMs: Date.parse(TIME) + 60_000, round: undefined, anchor: undefined },
  ...change,
})
const frame = {
  ...{ say: speak('en'), base: '', path: '/', origin: 'ledger.example/log', styleHref: '' },
  banners: { testNetwork: false, stopped: false, notAccepting: false },
}
const steps = (of: RecordFacts) =>
  renderSteps(frame, {
    ...{ index: 1, siteUrl: '', round: of.round, anchor: of.anchor },
    evidence: { ...{ statementText: '{}', statementHash: hash, leafHash: hash, path: [], size: 2, root: hash, note: '' } },
  }).safe

describe('an entry for which witnesses and a time stamp vouch, and no chain', () => {
  const vouched = facts({ round: { size: 2, time: TIME } })

  it('has its date and does not wait any more, and nothing is said of a chain', () => {
    const [state, list] = [renderState(frame, vouched).safe, renderFacts(frame, vouched).safe]
    match(state, /data-verdict="anchored"/)
    match(list, /Witnesses and a time stamp have vouched for it since/)
    for (const text of [state, list]) {
      match(text, /60 seconds after the ledger accepted it/)
      doesNotMatch(text, /has waited|[Cc]hain/)
    }
    match(steps(vouched), /Witnesses and a time-stamp authority vouch for this root/)
  })

  it('is no evidence if only a test authority stamped its round', () => {
    const test = facts({ round: { size: 2, time: TIME }, production: false })
    match(renderState(frame, test).safe, /data-verdict="test-network"/)
    match(renderFacts(frame, test).safe, /this is no evidence/)
  })

  it('waits while no round is final', () => {
    const waiting = facts({ production: false })
    match(renderState(frame, waiting).safe, /data-verdict="sealed"/)
    match(renderFacts(frame, waiting).safe, /the chain does not vouch for it yet/)
    match(steps(waiting), /The chain does not vouch for this entry yet/)
  })
})
