/** Choosing the files of one record: they are read here, and the form goes on without them. */
import { html } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { isolate } from '../../messages/say.ts'
import { addFiles, type DescribedFile, findBroken } from '../desk/describe.ts'
import { readDraft, writeDraft } from '../desk/draft.ts'
import { find } from './find.ts'
import { readHere } from './read-here.ts'

/** Takes over the form, which would upload the files. */
export function startChoosing(say: SayDesk): void {
  const form = find('#choose') as HTMLFormElement
  const input = find('#files') as HTMLInputElement
  const status = find('#chosen')
  const drop = find('.drop')
  find('#privacy').textContent = say('new.stays')
  for (const type of ['dragenter', 'dragover'])
    drop.addEventListener(type, event => {
      event.preventDefault()
      drop.classList.add('over')
    })
  drop.addEventListener('dragleave', () => drop.classList.remove('over'))
  drop.addEventListener('drop', event => {
    event.preventDefault()
    drop.classList.remove('over')
    if (event instanceof DragEvent && event.dataTransfer) input.files = event.dataTransfer.files
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    const files = [...(input.files ?? [])]
    if (files.length === 0) status.textContent = say('new.none')
    else void read(files)
  })

  async function read(files: readonly File[]): Promise<void> {
    const described: DescribedFile[] = []
    for (const [at, file] of files.entries()) {
      status.textContent = say('folder.reading', { done: at + 1, total: files.length })
      try {
        described.push(await readHere(file.name, file))
      } catch {
        status.textContent = say('new.unreadable', { name: isolate(file.name) })
        return
      }
    }
    const broken = findBroken(described)
    if (broken !== undefined) {
      status.textContent = `${say('new.unreadable', { name: isolate(broken.name) })} ${broken.detail} (${broken.code})`
      return
    }
    const typed = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === 'string')) as { [name: string]: string }
    const fields = Object.entries(writeDraft({ ...addFiles(readDraft(typed), described), isUploaded: false }))
    const place = find('#read-fields')
    place.innerHTML = html`${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`.safe
    place.closest('form')!.submit()
  }
}
