/** Finds the parts of a page that its script works on. */

/** The first element that matches. The page has it, because the same server made both. */
export function find(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector)
  if (found === null) throw new Error(`bug: the page has no ${selector}`)
  return found
}
