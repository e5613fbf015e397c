/**
 * The part of the offline verifier that a served page gets from its server: it unpacks its
 * languages, chooses one, and lets its reader choose.
 */
import { fromBase64 } from '../../core/bytes.ts'
import type { Say } from '../../messages/say.ts'
import { REMARKS } from '../../verifier/remarks.ts'
import { SENTENCES } from '../../verifier/sentence.ts'
import type { PageData } from './page-data.ts'

type Languages = PageData['languages']

/** The English that the verifier contains already, by the keys of the catalogue. */
const ENGLISH: { readonly [key: string]: string } = Object.fromEntries([
  ...Object.entries(REMARKS).map(([key, text]) => [`detail.${key}`, text]),
  ...Object.entries(SENTENCES).map(([key, text]) => [`verdict.${key}`, text]),
])

/** Unpacks what `packLanguages` packed. */
export async function unpackLanguages(packed: string): Promise<Languages> {
  const bytes = fromBase64(packed)
  const unpacked = new Response(new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip')))
  const [keys = [], ...languages] = (await unpacked.text()).split('\f').map(list => list.split('\n'))
  return Object.fromEntries(
    languages.map(lines => [lines[0], Object.fromEntries(keys.map((key, at) => [key, lines[at] || (ENGLISH[key] ?? '')]))]),
  )
}

/**
 * Chooses by the text after # in the address, otherwise by the browser's languages; English if none
 * of them is available.
 */
export function chooseLanguage(languages: Languages): string {
  const wishes = [location.hash.slice(1), ...navigator.languages.map(tag => tag.slice(0, 2))]
  return wishes.find(tag => languages[tag] !== undefined) ?? 'en'
}

/** Writes everything around the tool, and the language menu. */
export function drawFrame(say: Say, tags: readonly string[], origin: string): void {
  document.documentElement.lang = say.lang
  document.documentElement.dir = say.dir
  document.title = say('verify.offlineTitle')
  const texts = {
    'offline-title': say('verify.offlineTitle'),
    'offline-ledger': say('verify.offlineLedger', { origin }),
    'offline-limits': say('verify.limits'),
    'offline-language-label': say('site.languages'),
  }
  for (const [id, text] of Object.entries(texts)) document.getElementById(id)?.replaceChildren(text)
  const select = document.getElementById('offline-language')
  select?.replaceChildren(...tags.map(tag => new Option(nameOf(tag), tag, tag === say.lang, tag === say.lang)))
  document.getElementById('offline-language-part')?.removeAttribute('hidden')
}

/** Calls `choose` when the reader chooses another language, and keeps it in the address. */
export function onLanguage(choose: (tag: string) => void): void {
  document.getElementById('offline-language')?.addEventListener('change', event => {
    const { value } = event.target as HTMLSelectElement
    location.hash = value
    choose(value)
  })
}

/** A language's name in that language. */
function nameOf(tag: string): string {
  return new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag
}
