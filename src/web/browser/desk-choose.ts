/**
 * Choosing the files of one record: they are read here, and the form goes on without them. Packages
 * of many records are taken apart on the spot.
 */
import { holdsMany } from '../../documents/reading.ts'
import { html } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { isolate } from '../../messages/say.ts'
import type { DeskData } from '../desk/choose.ts'
import { addFiles, type DescribedFile, findBroken } from '../desk/describe.ts'
import { type Draft, readDraft, writeDraft } from '../desk/draft.ts'
import { createBatch } from './desk-batch.ts'
import { readRows } from './desk-intake.ts'
import { watchDrop } from './dropped-files.ts'
import { find } from './find.ts'
import { readHere } from './read-here.ts'

/** Takes over the form, which would upload the files. */
export function startChoosing(say: SayDesk, data: DeskData): void {
  const form = find('#choose') as HTMLFormElement
  const input = find('#files') as HTMLInputElement
  const drop = find('.drop')
  const batch = createBatch(say, data)
  const tell = (text: string) => {
    find('#chosen').textContent = text
  }
  find('#privacy').textContent = say('new.stays')
  watchDrop(drop, drop, ({ dataTransfer }) => {
    if (dataTransfer !== null) input.files = dataTransfer.files
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    const files = [...(input.files ?? [])]
    if (files.length === 0) tell(say('new.none'))
    else void read(files)
  })

  const read = async (files: readonly File[]) => {
    const described = await describeAll(files)
    if (described === undefined) return
    const draft = draftOf(form)
    if (draft.action === 'publish' && described.every(({ reading }) => holdsMany(reading))) return takeApart(files)
    const broken = findBroken(described)
    if (broken === undefined) return goOn(addFiles(draft, described))
    tell(`${say('new.unreadable', { name: isolate(broken.name) })} ${broken.detail} (${broken.code})`)
  }
  /** undefined if one could not be read, which is told. */
  const describeAll = async (files: readonly File[]): Promise<DescribedFile[] | undefined> => {
    const described: DescribedFile[] = []
    for (const [at, file] of files.entries()) {
      tell(say('folder.reading', { done: at + 1, total: files.length }))
      const one = await readHere(file.name, file).catch(() => undefined)
      if (one === undefined) {
        tell(say('new.unreadable', { name: isolate(file.name) }))
        return undefined
      }
      described.push(one)
    }
    return described
  }
  const takeApart = (files: readonly File[]) => {
    tell(say('new.package'))
    find('#batch').hidden = false
    const wanted = files.map(file => ({ path: file.name, file }))
    return batch.take(onRead => readRows(wanted, { agency: data.agency, takesPath: false }, onRead))
  }
}

function draftOf(form: HTMLFormElement): Draft {
  const typed = [...new FormData(form)].filter(([, value]) => typeof value === 'string')
  return readDraft(Object.fromEntries(typed) as { [name: string]: string })
}

/** Sends the page's second form, which carries what was read. */
function goOn(draft: Draft): void {
  const fields = Object.entries(writeDraft({ ...draft, isUploaded: false }))
  const place = find('#read-fields')
  place.innerHTML = html`${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`.safe
  place.closest('form')!.submit()
}
