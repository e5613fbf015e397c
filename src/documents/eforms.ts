/** eForms: the notices of procurement in the European Union, as UBL documents. */
import type { ReasonCode } from '../core/statements/statement.ts'
import { readInstant } from './instant.ts'
import { type DocumentReading, draftReading, type ReadingDraft, readLanguage } from './reading.ts'
import type { XmlElement, XmlReading } from './xml.ts'

const NAMESPACES =
  /^(?:urn:oasis:names:specification:ubl:schema:xsd:(?:ContractNotice|ContractAwardNotice|PriorInformationNotice)-2|http:\/\/data\.europa\.eu\/p27\/eforms-business-registration-information-notice\/1)$/

const EXTENSION = 'UBLExtensions/UBLExtension/ExtensionContent/EformsExtension'
const COMPANY = `${EXTENSION}/Organizations/Organization/Company`
const WANTED = new Set([
  ...['ID', 'ContractFolderID', 'IssueDate', 'IssueTime', 'VersionID', 'NoticeLanguageCode', 'ProcurementProject/Name'],
  ...['ContractingParty/Party/PartyIdentification/ID', `${COMPANY}/PartyIdentification/ID`, `${COMPANY}/PartyName/Name`],
  ...[`${EXTENSION}/Changes/ChangedNoticeIdentifier`, `${EXTENSION}/Changes/ChangeReason/ReasonCode`],
  ...[`${EXTENSION}/Publication/NoticePublicationID`],
])

/** A notice id and its version, as a change notice names them (BT-758). */
const NOTICE_VERSION = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-(\d{2})$/i
/** The schemes of ids that the Publications Office gives (OPP-010). */
const PUBLICATION_SCHEMES: { readonly [scheme: string]: string } = { 'ojs-notice-id': 'ojs', 'notice-publication-id': 'ted-publication' }
/** The reasons of a change (BT-140) that a statement knows too. */
const REASONS: { readonly [code: string]: ReasonCode } = {
  'cor-buy': 'correction',
  'cor-esen': 'correction',
  'cor-pub': 'publication-error',
  cancel: 'other',
  'cancel-intent': 'other',
  'info-release': 'other',
  'susp-review': 'other',
  'update-add': 'other',
}

/** The key under which `readXml` keeps an element of a notice. */
export const eformsKey = (path: string): string | undefined => (WANTED.has(path) ? path : undefined)

/** Whether this is the root of a notice. */
export function isEforms({ root }: XmlReading): boolean {
  return NAMESPACES.test(root.uri)
}

/**
 * Reads a notice: `record` the notice id, `revision` its version. A change notice has an id of its
 * own, so it is an amendment of the record that it changes, and its own id and version are the
 * revision.
 */
export function readEforms(xml: XmlReading): DocumentReading {
  const draft = draftReading('eforms', 'procurement')
  const id = xml.all('ID').find(({ attributes }) => attributes.get('schemeName') === 'notice-id') ?? xml.first('ID')
  const version = xml.first('VersionID')
  const change = xml.first(`${EXTENSION}/Changes/ChangedNoticeIdentifier`)
  const [, changed, changedVersion] = NOTICE_VERSION.exec(change?.text ?? '') ?? []
  if (id !== undefined && change !== undefined && changed !== undefined) {
    draft.id('record', changed, change.at)
    draft.id('target', changedVersion, change.at)
    draft.id('revision', version && `${id.text}-${version.text}`, `${id.at} + ${version?.at}`)
    const reason = xml.first(`${EXTENSION}/Changes/ChangeReason/ReasonCode`)
    draft.amend(REASONS[reason?.text ?? ''], change.at, reason?.at ?? change.at)
    draft.remark('CHANGE_OF_RECORD', change.text)
  } else {
    if (change !== undefined) draft.remark('CHANGE_UNRESOLVED', change.text)
    draft.id('record', id?.text, id?.at ?? '')
    draft.id('revision', version?.text, version?.at ?? '')
  }
  readIdentifiers(xml, draft, id)
  readTitle(xml, draft)
  readDate(xml, draft)
  draft.hint(readBuyer(xml))
  return draft.finish()
}

function readIdentifiers(xml: XmlReading, draft: ReadingDraft, id: XmlElement | undefined): void {
  draft.identifier('ted-notice', id?.text, id?.at ?? '')
  const folder = xml.first('ContractFolderID')
  draft.identifier('local', folder?.text, folder?.at ?? '')
  for (const { text, at, attributes } of xml.all(`${EXTENSION}/Publication/NoticePublicationID`)) {
    const scheme = PUBLICATION_SCHEMES[attributes.get('schemeName') ?? '']
    // Converters write this for an id that does not exist yet.
    if (scheme !== undefined && text !== 'n.a.') draft.identifier(scheme, text, at)
  }
}

/** The title in the notice's own language, if it has one. */
function readTitle(xml: XmlReading, draft: ReadingDraft): void {
  const language = xml.first('NoticeLanguageCode')
  draft.language(language?.text, language?.at ?? '')
  const wanted = readLanguage(language?.text ?? '')
  const titles = xml.all('ProcurementProject/Name')
  const title = titles.find(({ attributes }) => readLanguage(attributes.get('languageID') ?? '') === wanted) ?? titles[0]
  draft.title(title?.text, title?.at ?? '')
}

/**
 * The date and the time have a time zone each (BT-05). Only if both are the same, they are one
 * moment.
 */
function readDate(xml: XmlReading, draft: ReadingDraft): void {
  const date = xml.first('IssueDate')
  const time = xml.first('IssueTime')
  if (date === undefined) return
  const zone = /^\d{4}-\d{2}-\d{2}(.*)$/.exec(date.text)?.[1]
  const [, clock, timeZone] = /^([\d:.]+)(.*)$/.exec(time?.text ?? '') ?? []
  const moment = zone !== timeZone ? undefined : readInstant(`${date.text.slice(0, 10)}T${clock}${zone}`)
  draft.published(
    moment,
    time === undefined ? date.text : `${date.text} ${time.text}`,
    time === undefined ? date.at : `${date.at} + ${time.at}`,
  )
}

function readBuyer(xml: XmlReading): string | undefined {
  const buyer = xml.first('ContractingParty/Party/PartyIdentification/ID')?.text
  const at = xml.all(`${COMPANY}/PartyIdentification/ID`).findIndex(({ text }) => text === buyer)
  const names = xml.all(`${COMPANY}/PartyName/Name`)
  // An organisation may have a name in each of several languages. Then the lists do not run in
  // step.
  return names.length === xml.all(`${COMPANY}/PartyIdentification/ID`).length ? names[at]?.text : undefined
}
