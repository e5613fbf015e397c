/** Shows what will be stated about files, and where each member comes from. */
import type { Statement } from '../core/statements/statement.ts'
import type { DocumentReading, Stated, StatedMembers } from '../documents/reading.ts'
import { speakDesk } from '../messages/desk/speak.ts'

/** One member of a statement, and its origin: a place in the file, a flag, or a column. */
export type Origin = { readonly member: string; readonly value: string; readonly from: string }

const say = speakDesk('en')

/** The members of a statement in the order of a preview. `typed` came from `where`. */
export function originsOf(statement: Statement, typed: StatedMembers, where: string, reading: DocumentReading | undefined): Origin[] {
  return Object.entries(statement).flatMap(([member, value]) => {
    if (member === 'type' || member === 'documents') return []
    const isTyped = member === 'agency' || typed[member as keyof StatedMembers] !== undefined
    const places = isTyped ? [] : (reading?.stated ?? []).filter(each => each.member === member)
    if (places.length > 0) return places.map(place => ({ member, value: place.value, from: placeOf(place, reading) }))
    return [{ member, value: textOf(value), from: isTyped ? where : 'the default' }]
  })
}

/**
 * The preview as lines: members with their origins, inner documents, and what people should know.
 */
export function formatPreview(name: string, origins: readonly Origin[], reading: DocumentReading | undefined): string[] {
  const { format, inner = [], remarks = [], refused } = reading ?? {}
  return [
    `${name}${format === undefined ? '' : ` (${say(`format.${format}`)})`}`,
    ...origins.map(({ member, value, from }) => `  ${member.padEnd(11)} ${value}   from ${from}`),
    ...inner.map(({ name, bytes }) => `  ${'document'.padEnd(11)} ${name}, ${bytes} bytes   from inside the file`),
    ...remarks.map(({ code, value }) => `  – ${say(`intake.${code}`, { value: value ?? '' })} [${code}]`),
    ...(refused === undefined ? [] : [`  – ${say('intake.unread')} ${refused.detail} [${refused.code}]`]),
  ]
}

function placeOf({ at }: Stated, reading: DocumentReading | undefined): string {
  return at ?? `the format${reading?.format === undefined ? '' : `, ${say(`format.${reading.format}`)}`}`
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(({ scheme, value }) => `${scheme}=${value}`).join(', ')
  return typeof value === 'object' && value !== null ? Object.values(value).join(': ') : String(value)
}
