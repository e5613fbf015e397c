/**
 * Records as JSON that are not OCDS: Diavgeia's decisions, OC4IDS projects, Open Civic Data, and
 * what Legistar's interface gives. Each is recognised by its members.
 */
import { isJsonObject, type Json } from '../core/json.ts'
import { readInstant, readUnixMs } from './instant.ts'
import { type DocumentReading, draftReading } from './reading.ts'

type Members = { readonly [member: string]: Json }

/** Reads a record; undefined for any other JSON. */
export function readJsonRecord(value: Json): DocumentReading | undefined {
  if (Array.isArray(value)) return readList(value)
  if (!isJsonObject(value)) return undefined
  if (typeof value.ada === 'string') return Array.isArray(value.versions) ? readHistory(value.ada) : readDiavgeia(value, value.ada)
  if (Array.isArray(value.projects)) return readProjects(value, value.projects)
  if (isText(value.id, /^oc4ids-/)) return readProject(value)
  if (isText(value.id, CIVIC_ID)) return readCivic(value)
  const guid = Object.keys(value).find(member => LEGISTAR_GUID.test(member))
  return guid === undefined ? undefined : readLegistar(value, guid.slice(0, -'Guid'.length))
}

/** A list with one record states it; of several, none can be the file's. */
function readList(list: readonly Json[]): DocumentReading | undefined {
  const first = list[0] === undefined ? undefined : readJsonRecord(list[0])
  if (first === undefined || list.length > 1) return first && severalRecords(first.format!, list.length)
  return { ...first, stated: first.stated.map(stated => (stated.at === undefined ? stated : { ...stated, at: `/0${stated.at}` })) }
}

function severalRecords(format: NonNullable<DocumentReading['format']>, count: number): DocumentReading {
  const draft = draftReading(format)
  draft.remark('RECORDS_SEVERAL', String(count))
  return draft.finish()
}

// Diavgeia, the decisions of Greek administrations. The moments are Unix milliseconds.

function readDiavgeia(value: Members, ada: string): DocumentReading {
  const draft = draftReading('diavgeia', 'decision')
  draft.id('record', ada, '/ada')
  draft.id('revision', textOf(value.versionId), '/versionId')
  if (draft.id('target', textOf(value.correctedVersionId), '/correctedVersionId'))
    draft.amend('correction', '/correctedVersionId', '/correctedVersionId')
  draft.identifier('ada', ada, '/ada')
  draft.identifier('local', textOf(value.protocolNumber)?.trim(), '/protocolNumber')
  draft.title(textOf(value.subject), '/subject')
  // `publishTimestamp` stays that of the first version.
  const member = value.submissionTimestamp === undefined ? 'publishTimestamp' : 'submissionTimestamp'
  if (value[member] !== undefined) draft.published(readUnixMs(value[member]), String(value[member]), `/${member}`)
  if (typeof value.status === 'string' && value.status !== 'PUBLISHED') draft.remark('STATUS_OTHER', value.status)
  if (value.privateData === true) draft.remark('PRIVATE_DATA')
  draft.hint(textOf(value.organizationId))
  return draft.finish()
}

/** A history states no record. Otherwise it would count as a version, and replace the decision. */
function readHistory(ada: string): DocumentReading {
  const draft = draftReading('diavgeia-history', 'decision')
  draft.identifier('ada', ada, '/ada')
  draft.remark('HISTORY_ONLY')
  return draft.finish()
}

// OC4IDS, infrastructure projects. A project changes in place; `updated` tells its versions apart.

function readProjects(file: Members, projects: readonly Json[]): DocumentReading | undefined {
  const [project] = projects
  if (projects.length > 1) return severalRecords('oc4ids', projects.length)
  return isJsonObject(project) ? readProject(project, '/projects/0', file) : undefined
}

/** Reads a project, which is at a place in a file. */
export function readProject(project: Members, at = '', file: Members = {}): DocumentReading {
  const draft = draftReading('oc4ids', 'procurement')
  const id = textOf(project.id)
  draft.id('record', id, `${at}/id`)
  draft.id('revision', textOf(project.updated), `${at}/updated`)
  draft.identifier('oc4ids', id, `${at}/id`)
  draft.title(textOf(project.title), `${at}/title`)
  draft.language(textOf(project.language), `${at}/language`)
  const date = textOf(file.publishedDate)
  draft.published(date === undefined ? undefined : readInstant(date), date, '/publishedDate')
  const { publisher } = file
  draft.hint(isJsonObject(publisher) ? textOf(publisher.name) : undefined)
  return draft.finish()
}

// Open Civic Data: bills, votes and events. They say when they changed, not when they were
// published.

const CIVIC_ID = /^ocd-(?:bill|vote|vote-event|event|legislativesession|membership|organization|person|post)\//

function readCivic(value: Members): DocumentReading {
  const draft = draftReading('open-civic-data', 'decision')
  draft.id('record', textOf(value.id), '/id')
  draft.id('revision', textOf(value.updated_at), '/updated_at')
  draft.identifier('local', textOf(value.identifier), '/identifier')
  for (const member of ['title', 'name', 'motion_text']) draft.title(textOf(value[member]), `/${member}`)
  const { jurisdiction } = value
  draft.hint(isJsonObject(jurisdiction) ? textOf(jurisdiction.name) : textOf(jurisdiction))
  return draft.finish()
}

// Legistar, the interface of many city councils. Its members begin with what they are about.

const LEGISTAR_GUID = /^(?:Matter|Event|EventItem|Vote|MatterAttachment|MatterHistory|Body|Action)Guid$/

function readLegistar(value: Members, about: string): DocumentReading {
  const draft = draftReading('legistar', 'decision')
  const member = (name: string) => ({ text: textOf(value[`${about}${name}`]), at: `/${about}${name}` })
  const guid = member('Guid')
  draft.id('record', guid.text, guid.at)
  const version = member('RowVersion')
  draft.id('revision', version.text, version.at)
  for (const { text, at } of [member('File'), member('Id')]) draft.identifier('local', text, at)
  for (const { text, at } of [member('Title'), member('Name'), member('BodyName')]) draft.title(text, at)
  draft.hint(member('BodyName').text)
  return draft.finish()
}

/** A text, or a whole number as its digits. */
function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isText(value: Json | undefined, shape: RegExp): boolean {
  return typeof value === 'string' && shape.test(value)
}
