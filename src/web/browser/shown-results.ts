/**
 * The results on the verify page: more of many, links to copy, and a search by what a file that is
 * not on the record says of itself.
 */
import { type Html, html } from '../../html.ts'
import type { Say } from '../../messages/say.ts'
import type { Answers } from '../../verifier/index.ts'
import { type RecordPages, renderInput, WHOLE_CARDS } from '../result.ts'
import { find } from './find.ts'
import { notice, tell } from './notices.ts'

/** The parts of the page that the results need. */
export type ShownDeps = {
  say(): Say
  readonly pages: RecordPages | undefined
  /** The results that are shown; undefined while checks run. */
  all(): readonly Answers[] | undefined
  /** A given file, by its name. */
  fileOf(name: string): File | undefined
  /** Reads what a file says of itself; missing if there is no ledger to search. */
  searchWords(): ((name: string, file: Blob) => Promise<readonly string[]>) | undefined
  /** Runs an action after the ones before it. */
  inTurn(act: () => Promise<void>): void
}

/** Creates the part of the page that shows results. */
export function createShownResults({ say, pages, all, fileOf, searchWords, inTurn }: ShownDeps) {
  const render = (results: readonly Answers[], from: number): Html => {
    const left = results.length - from - WHOLE_CARDS
    const cards = results.slice(from, from + WHOLE_CARDS).map((answers, at) => renderInput(say(), answers, from + at, pages, WHOLE_CARDS))
    const more = say()('verify.more', { count: Math.min(WHOLE_CARDS, left) })
    return html`${cards}
${left > 0 && html`<p class="no-print" id="more-results"><button type="button" class="quiet">${more}</button></p>`}`
  }
  const showMore = (number: number): void => {
    for (let place = document.querySelector('#more-results'); place !== null; ) {
      const [results, count] = [all(), document.querySelectorAll('#results > .slot').length]
      if (results === undefined || count >= number) return
      place.outerHTML = render(results, count).safe
      place = document.querySelector('#more-results')
    }
  }
  const showNext = (): void => {
    const count = document.querySelectorAll('#results > .slot').length
    showMore(count + 1)
    // Moves the focus to the first new result.
    const first = document.querySelector<HTMLElement>(`#result-${count + 1}`)
    first?.setAttribute('tabindex', '-1')
    first?.focus()
  }
  const searchFor = async (place: Element, name: string): Promise<void> => {
    const file = fileOf(name)
    if (file === undefined) return
    const words = (await searchWords()?.(name, file)) ?? []
    const links = words.map(word => html`<li><a href="${pages?.base}/records?q=${encodeURIComponent(word)}"><bdi>${word}</bdi></a></li>`)
    const found = html`<p>${say()('stated.lead')}</p><ul>${links}</ul><p class="small soft">${say()('stated.warn')}</p>`
    place.innerHTML = (words.length === 0 ? html`<p tabindex="-1">${say()('stated.none')}</p>` : found).safe
    place.querySelector<HTMLElement>('a, p')?.focus()
  }
  const copy = (link: HTMLAnchorElement): void => {
    const showLink = () => notice(say()('link.shown', { link: link.href }))
    const { clipboard } = navigator as Partial<Navigator>
    if (clipboard === undefined) {
      showLink()
      return
    }
    void clipboard.writeText(link.href).then(() => {
      link.nextElementSibling?.replaceChildren(say()('link.copied'))
      tell(say()('link.copied'))
    }, showLink)
  }
  return {
    /** The first results, and a button for more. */
    render: (results: readonly Answers[]) => render(results, 0),
    /** Shows more of many results: at least up to a number, from 1. */
    showMore,
    /**
     * Offers to search for the files that are not on the record. Nothing is sent before a link is
     * followed.
     */
    offerSearch(): void {
      if (searchWords() === undefined) return
      for (const card of document.querySelectorAll('#results article[data-verdict="unknown"]')) {
        if (fileOf(card.getAttribute('aria-label') ?? '') === undefined) continue
        const offer = html`<div class="no-print"><p><button type="button" class="quiet search">${say()('stated.button')}</button></p></div>`
        card.querySelector('.body > p + p')?.insertAdjacentHTML('afterend', offer.safe)
      }
    },
    /** Listens to the buttons and links of the results. Call it when the page was drawn. */
    listen(): void {
      find('#results').addEventListener('click', event => {
        const target = event.target as Element
        const search = target.closest('button.search')
        const link = target.closest<HTMLAnchorElement>('a.copy')
        if (search !== null) {
          const name = search.closest('article')?.getAttribute('aria-label') ?? ''
          inTurn(() => searchFor(search.closest('div')!, name))
        } else if (target.closest('#more-results') !== null) showNext()
        else if (link !== null) {
          event.preventDefault()
          copy(link)
        }
      })
      find('#results-sum').addEventListener('click', event => {
        const href = (event.target as Element).closest('a')?.getAttribute('href')
        if (href) showMore(Number(href.split('-').at(-1)))
      })
    },
  }
}
