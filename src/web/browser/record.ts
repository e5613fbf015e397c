/**
 * The script of a record's page: a button beside each value of the proof that copies it, and the
 * word that it was copied. Without the script there are no buttons.
 */
for (const proof of document.querySelectorAll<HTMLElement>('[data-copy-label]')) {
  const status = proof.querySelector<HTMLElement>('[role=status]')
  const { copyLabel = '', copied = '', notCopied = '' } = proof.dataset
  for (const value of proof.querySelectorAll<HTMLElement>('[data-copy]')) {
    const name = nameOf(value)
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'quiet copy'
    button.textContent = copyLabel
    button.setAttribute('aria-label', `${copyLabel}: ${name}`)
    button.addEventListener('click', async () => {
      const told = (await copy(value)) ? copied : notCopied
      button.textContent = told
      // A screen reader would not read the same words again.
      if (status) status.textContent = status.textContent === told ? `${told}\u00a0` : told
    })
    value.after(' ', button)
  }
}

/** The words before a value; for an item of a list, its heading and its number. */
function nameOf(value: HTMLElement): string {
  const item = value.closest('li')
  const named = item ? item.parentElement : (value.closest('dd') ?? value)
  const words = named?.previousElementSibling?.textContent ?? ''
  return item?.parentElement ? `${words} ${[...item.parentElement.children].indexOf(item) + 1}` : words
}

/** Copies the text of an element. The clipboard is there on safe connections only. */
async function copy(element: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(element.textContent ?? '')
    return true
  } catch {
    getSelection()?.selectAllChildren(element)
    return document.execCommand('copy')
  }
}
