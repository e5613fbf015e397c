/** A text in every encoding in which people's machines save it. */

export function savedAs(text: string): { readonly [encoding: string]: Uint8Array } {
  const little = Buffer.from(text, 'utf16le')
  const big = Buffer.from(little).swap16()
  return {
    'UTF-8': Buffer.from(text),
    'UTF-8 with a mark': Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(text)]),
    'UTF-16 LE with a mark': Buffer.concat([Buffer.of(0xff, 0xfe), little]),
    'UTF-16 BE with a mark': Buffer.concat([Buffer.of(0xfe, 0xff), big]),
    'UTF-16 LE': little,
    'UTF-16 BE': big,
  }
}
