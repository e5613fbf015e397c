/**
 * Words of agencies, or of thieves of their keys: titles, record ids, names. Assistants get them apart
 * from our sentences, without characters that steer or reorder text, and cut to a length.
 */

/** Longer text is cut, so that one title cannot crowd out the sentences around it. */
const MAX_CHARACTERS = 300
/** Controls, line breaks, format characters such as bidi controls, and unassigned code points. */
const STEERING = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]+/gu

/** The members that are texts, cleaned; undefined members are left out. */
export function untrusted<Key extends string>(members: { readonly [key in Key]?: unknown }): { readonly [key in Key]?: string } {
  const texts = Object.entries(members).flatMap(([key, value]) => (typeof value === 'string' ? [[key, clean(value)] as const] : []))
  return Object.fromEntries(texts) as { readonly [key in Key]?: string }
}

function clean(text: string): string {
  const characters = Array.from(text.toWellFormed().replace(STEERING, ' ').trim())
  return characters.length <= MAX_CHARACTERS ? characters.join('') : `${characters.slice(0, MAX_CHARACTERS).join('')}…`
}
