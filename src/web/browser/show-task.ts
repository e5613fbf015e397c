/** One task on the page: its checks as they run, then its answers; a package's in parts. */
import { isolate, type Say } from '../../messages/say.ts'
import type { Answers, CheckResult, Task } from '../../verifier/index.ts'
import { type RecordPages, releasesOf, renderAnswers, renderCheck, renderReleases, WHOLE_CARDS } from '../result.ts'

/** The language, the linked record pages, and whether the answer is still wanted. */
type Setting = { readonly say: Say; readonly pages: RecordPages | undefined; readonly isCurrent: () => boolean }

/** How often the page is drawn while releases are checked. */
const DRAW_MS = 100

/**
 * Lists the checks of one task as they run, then shows and returns its answers. A package can be
 * stopped: the results up to then stay.
 */
export async function showTask({ name, run }: Task, slot: HTMLElement, { say, pages, isCurrent }: Setting): Promise<Answers> {
  let drawnMs = performance.now()
  let isStopped = false
  onButton(slot, 'stop', () => {
    isStopped = true
  })
  const answers = await run({
    onCheck: check => isCurrent() && showCheck(say, slot, check),
    isStopped: () => isStopped || !isCurrent(),
    maxWhole: WHOLE_CARDS,
    onPart: async (done, total) => {
      if (performance.now() - drawnMs < DRAW_MS || !isCurrent()) return
      slot.querySelector('.stop')?.removeAttribute('hidden')
      const sentence = slot.querySelector('.sentence')
      if (sentence) sentence.textContent = say('verify.part', { name: isolate(name), done, total })
      await new Promise(resolve => setTimeout(resolve))
      drawnMs = performance.now()
    },
  })
  if (!isCurrent()) return answers
  slot.innerHTML = renderAnswers(say, answers, pages, WHOLE_CARDS).safe
  const { length } = releasesOf(answers)
  let shown = WHOLE_CARDS
  onButton(slot, 'more', button => {
    const next = renderReleases(say, answers, shown, shown + WHOLE_CARDS, pages)
    shown += WHOLE_CARDS
    const place = button.parentElement
    const last = place?.previousElementSibling
    place?.insertAdjacentHTML('beforebegin', next.safe)
    if (shown >= length) place?.remove()
    // Moves the focus to the first new release.
    const first = last?.nextElementSibling as HTMLElement
    first.tabIndex = -1
    first.focus()
  })
  return answers
}

function onButton(slot: HTMLElement, name: string, act: (button: Element) => void): void {
  slot.addEventListener('click', ({ target }) => {
    const button = (target as Element).closest(`.${name}`)
    if (button) act(button)
  })
}

function showCheck(say: Say, slot: HTMLElement, check: CheckResult): void {
  const line = slot.querySelector(`li[data-check="${check.name}"]`)
  if (line) line.outerHTML = renderCheck(say, check).safe
}
