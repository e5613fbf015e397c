/** Reads the pages of a PDF as Chromium prints it: the text of each, in the order it was drawn. */
import { inflateSync } from 'node:zlib'

/** The text of each page, without spaces. */
export function readPages(pdf: Buffer): string[] {
  const objects = new Map<string, Buffer>()
  for (let at = 0, end = 0; ; at = end) {
    const start = pdf.indexOf(' 0 obj\n', at, 'latin1')
    if (start < 0) break
    const number = /(\d+)$/.exec(pdf.toString('latin1', Math.max(0, start - 9), start))?.[1] ?? ''
    end = pdf.indexOf('\nendobj', start, 'latin1')
    objects.set(number, pdf.subarray(start + 7, end))
  }
  const textOf = (number: string) => objects.get(number)?.toString('latin1') ?? ''
  const streamOf = (number: string) => {
    const object = objects.get(number)!
    const start = object.indexOf('stream\n', 0, 'latin1') + 7
    return inflateSync(object.subarray(start, object.lastIndexOf('\nendstream'))).toString('latin1')
  }
  const readFont = (number: string) => readMap(streamOf(/\/ToUnicode (\d+) 0 R/.exec(textOf(number))?.[1] ?? ''))
  const fonts = new Map<string, ReadonlyMap<string, string>>()
  const pages = [...objects.values()].map(each => each.toString('latin1')).filter(text => /\/Type \/Page\b(?!s)/.test(text))
  return pages.map(page => {
    const used = new Map<string, string>()
    for (const [, name = '', number = ''] of /\/Font <<([^>]*)>>/.exec(page)?.[1]?.matchAll(/\/(\w+) (\d+) 0 R/g) ?? [])
      used.set(name, number)
    let font: ReadonlyMap<string, string> = new Map()
    let text = ''
    const drawn = streamOf(/\/Contents (\d+) 0 R/.exec(page)?.[1] ?? '')
    for (const [, name, glyphs = ''] of drawn.matchAll(/\/(\w+) [\d.]+ Tf|<([0-9a-fA-F]+)>/g)) {
      const number = used.get(name ?? '')
      if (number !== undefined) font = fonts.get(number) ?? fonts.set(number, readFont(number)).get(number)!
      for (const glyph of glyphs.match(/.{4}/g) ?? []) text += font.get(glyph.toUpperCase()) ?? ''
    }
    return text.normalize('NFKC').replace(/\s+/g, '')
  })
}

/** Which character each glyph of a font is: from the lists `bfchar` and `bfrange`. */
function readMap(list: string): ReadonlyMap<string, string> {
  const map = new Map<string, string>()
  const read = (hex: string, more = 0) =>
    String.fromCharCode(
      ...(hex.match(/.{4}/g) ?? []).map((unit, at, all) => Number.parseInt(unit, 16) + (at === all.length - 1 ? more : 0)),
    )
  for (const [, lines = ''] of list.matchAll(/beginbfchar\n([\s\S]*?)endbfchar/g))
    for (const [, glyph = '', hex = ''] of lines.matchAll(/<(\w+)> <(\w+)>/g)) map.set(glyph.toUpperCase(), read(hex))
  for (const [, lines = ''] of list.matchAll(/beginbfrange\n([\s\S]*?)endbfrange/g))
    for (const [, first = '', last = '', hex = ''] of lines.matchAll(/<(\w+)> <(\w+)> <(\w+)>/g))
      for (let glyph = Number.parseInt(first, 16); glyph <= Number.parseInt(last, 16); glyph++)
        map.set(glyph.toString(16).toUpperCase().padStart(4, '0'), read(hex, glyph - Number.parseInt(first, 16)))
  return map
}
