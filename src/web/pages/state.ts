/** The state of a statement in one sentence, in the words of the verdicts. */
import { EFFECT_KINDS } from '../../core/statements/effects.ts'
import { type Html, html } from '../../html.ts'
import { sayDuration } from '../../messages/say.ts'
import { sayLimits, sayMark, sayVerdict } from '../../messages/verdict.ts'
import type { Change, VerdictCode } from '../../verifier/index.ts'
import type { SentenceFacts } from '../../verifier/sentence.ts'
import { firstVerdict, type UncheckedReason } from '../../verifier/verdict.ts'
import { icon } from '../icons.ts'
import type { Frame } from '../layout.ts'
import { lookOf } from '../result.ts'
import { type RecordFacts, tellChanges } from './facts.ts'

/** The facts of the card. `withdrawnAt`: the date of the withdrawal. */
export type StateFacts = RecordFacts & { readonly withdrawnAt?: string | undefined }

/**
 * The state as a card: the sentence that a check would give of this entry, what became of it, and
 * that only the ledger says so. Never green: nobody has checked anything.
 */
export function renderState(frame: Frame, facts: StateFacts): Html {
  const { say, base } = frame
  const state = judge(frame, facts)
  const { verdict, finding } = state
  const isOpen = verdict === 'sealed' || verdict === 'unchecked'
  const [tone, drawing] = lookOf(isOpen && state.became !== undefined ? state.became : verdict)
  // A later change of an entry comes first, also before the chain vouches for the entry.
  const first = finding === 'sealed' && state.became !== undefined && say(`state.${state.became}`)
  const mark = first || sayMark(say, state)
  const told = tellChanges(frame, facts)
  const limits = sayLimits(say, state)
  return html`<section class="card ${tone}" data-verdict="${verdict}" aria-label="${say('record.state')}"><header>${icon(drawing)}<div><p class="mark">${mark}</p><p class="sentence">${first && `${first}. `}${sayVerdict(say, state)}</p>${verdict !== 'disowned' && renderWait(say, facts)}</div></header>
<div class="body">${told.length > 0 && html`<ul class="plain became">${told.map(each => html`<li>${each}</li>`)}</ul>`}
<p>${say('record.ownWord')} <a href="${base}/verify">${say('verify.title')}</a></p>
${limits !== undefined && html`<p class="limits">${limits}</p>`}</div></section>`
}

type Became = 'withdrawn' | 'edited' | 'superseded'

type Judged = SentenceFacts & { readonly became: Became | undefined }

/** The verdict that the verifier would give of this entry if all the ledger's words are true. */
function judge({ banners, byOthers }: Frame, facts: StateFacts): Judged {
  const { round, production, state, changes, statement, index, withdrawnAt } = facts
  const is = (what: Change['what']) => changes.some(change => change.what === what)
  const became: readonly (VerdictCode | undefined)[] = [
    is('withdrawn') || state.withdrawn !== undefined || statement.action === 'withdraw' ? 'withdrawn' : undefined,
    is('edited') || state.edited || state.isSilentEdit ? 'edited' : undefined,
    is('superseded') || state.superseded !== undefined ? 'superseded' : undefined,
  ]
  const unchecked = whyUnchecked(facts)
  const finding = firstVerdict([unchecked && 'unchecked', round === undefined ? 'sealed' : undefined, ...became])
  // No round of a closed log that is shown is of a disowned size.
  const isDisowned = banners.closing !== undefined && index >= banners.closing.lastGoodSize
  const isTest = round === undefined ? banners.testNetwork : !production
  const when = withdrawnAt === undefined ? {} : { when: withdrawnAt }
  const gravest = firstVerdict(became)
  return {
    verdict: firstVerdict([isDisowned ? 'disowned' : undefined, isTest ? 'test-network' : undefined, finding]),
    finding,
    became: gravest === 'anchored' ? undefined : (gravest as Became),
    subject: 'entry',
    asked: 'ledger',
    changes: [{ index: state.withdrawn ?? index, what: 'withdrawn', verified: true, ...when }],
    ...(unchecked && { unchecked }),
    ...(byOthers && { byOthers }),
    ...(round && { date: round.time }),
  }
}

/** The reason why an erasure or an unread part of the history leaves a version unchecked. */
export function whyUnchecked({ changes, partial }: Pick<RecordFacts, 'changes' | 'partial'>): UncheckedReason | undefined {
  const lost = EFFECT_KINDS.find(kind => changes.some(({ what, erased }) => erased !== undefined && what === kind))
  return lost === undefined ? partial && 'many' : `erased-${lost}`
}

/** How long it took, or how long the entry has waited so far. */
function renderWait(say: Frame['say'], { round, sealedMs, nowMs }: StateFacts): Html | false {
  if (sealedMs === undefined) return false
  const endMs = round === undefined ? nowMs : Date.parse(round.time)
  const duration = sayDuration(say, Math.max(0, endMs - sealedMs) / 1000)
  return html`<p class="small">${say(round === undefined ? 'record.waiting' : 'record.took', { duration })}</p>`
}
