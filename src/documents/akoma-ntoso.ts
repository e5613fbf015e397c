/** Akoma Ntoso (LegalDocML): judgments, acts and debates, by the levels of FRBR. */
import { readInstant } from './instant.ts'
import { type DocumentReading, draftReading, type ReadingDraft } from './reading.ts'
import type { XmlElement, XmlReading } from './xml.ts'

/** The metadata of the document itself. Its parts, such as annexes, have metadata of their own. */
const WANTED = /^[^/]+\/meta\/(?:identification\/(FRBR\w+\/FRBR\w+)|proprietary\/(cite))$/

/** The key under which `readXml` keeps an element of a document: its level and its name. */
export const akomaNtosoKey = (path: string): string | undefined => {
  const [, frbr, cite] = WANTED.exec(path) ?? []
  return frbr ?? cite
}

/** Whether this is the root of such a document, of any version of the standard. */
export function isAkomaNtoso({ root }: XmlReading): boolean {
  return root.name === 'akomaNtoso'
}

/**
 * Reads a document: `record` is the work, `revision` the manifestation with its date, because two
 * manifestations of one decision share their URI.
 */
export function readAkomaNtoso(xml: XmlReading): DocumentReading {
  const draft = draftReading('akoma-ntoso', 'decision')
  const [work, expression, manifestation] = ['FRBRWork', 'FRBRExpression', 'FRBRManifestation'].map(level => uriOf(xml, level))
  draft.id('record', work?.value, work?.at ?? '')
  const date = xml.first('FRBRManifestation/FRBRdate')
  const day = date?.attributes.get('date')
  if (manifestation !== undefined)
    draft.id(
      'revision',
      day === undefined ? manifestation.value : `${manifestation.value}@${day}`,
      day === undefined ? manifestation.at : `${manifestation.at} + ${date?.at}/@date`,
    )
  draft.identifier('akn-work', work?.value, work?.at ?? '')
  draft.identifier('akn-expression', expression?.value, expression?.at ?? '')
  draft.identifier('akn-manifestation', manifestation?.value, manifestation?.at ?? '')
  readCitations(xml, draft)
  const name = xml.first('FRBRWork/FRBRname')
  draft.title(name?.attributes.get('value'), `${name?.at}/@value`)
  readLanguages(xml, draft)
  const issued = xml.first('FRBRExpression/FRBRdate') ?? xml.first('FRBRWork/FRBRdate')
  const text = issued?.attributes.get('date')
  draft.published(text === undefined ? undefined : readInstant(text), text, `${issued?.at}/@date`)
  return draft.finish()
}

function uriOf(xml: XmlReading, level: string): { readonly value: string; readonly at: string } | undefined {
  const element = xml.first(`${level}/FRBRuri`) ?? xml.first(`${level}/FRBRthis`)
  const value = element?.attributes.get('value')
  return element === undefined || value === undefined ? undefined : { value, at: `${element.at}/@value` }
}

function readCitations(xml: XmlReading, draft: ReadingDraft): void {
  for (const { attributes, at } of ['FRBRWork', 'FRBRExpression'].flatMap(level => xml.all(`${level}/FRBRalias`))) {
    const value = attributes.get('value') ?? ''
    if (/^ECLI:/.test(value)) draft.identifier('ecli', value, `${at}/@value`)
    else if (attributes.get('name')?.toLowerCase() === 'eli') draft.identifier('eli', value, `${at}/@value`)
  }
  const cite = xml.first('cite')
  draft.identifier('ncn', cite?.text, cite?.at ?? '')
}

function readLanguages(xml: XmlReading, draft: ReadingDraft): void {
  const languages = xml.all('FRBRExpression/FRBRlanguage')
  const codes = new Set(languages.map(({ attributes }) => attributes.get('language') ?? ''))
  const [first]: readonly (XmlElement | undefined)[] = languages
  if (codes.size > 1) draft.remark('LANGUAGE_SEVERAL', [...codes].join(', '))
  else draft.language(first?.attributes.get('language'), `${first?.at}/@language`)
}
