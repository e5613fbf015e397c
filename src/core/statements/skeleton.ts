/** The skeleton of an id. Ids that people could confuse have equal skeletons. */

/**
 * Greek and Cyrillic capitals that look like Latin ones. Small letters are compared by their
 * capitals.
 */
const LOOKALIKES: { readonly [letter: string]: string } = {
  ...{ Α: 'A', Β: 'B', Ε: 'E', Ζ: 'Z', Η: 'H', Ι: 'I', Κ: 'K', Μ: 'M', Ν: 'N', Ο: 'O', Ρ: 'P', Τ: 'T', Υ: 'Y', Χ: 'X' },
  ...{ А: 'A', В: 'B', Е: 'E', Ѕ: 'S', І: 'I', Ј: 'J', К: 'K', М: 'M', Н: 'H', О: 'O', Р: 'P', С: 'C', Т: 'T', У: 'Y', Ү: 'Y', Х: 'X' },
  ...{ Ԛ: 'Q', Ԝ: 'W', Һ: 'H', Ӏ: 'I' },
}

const BEYOND_ASCII = /[^ -~]/
const UNSEEN = /[\p{White_Space}\p{Default_Ignorable_Code_Point}]/gu
const DASHES = /\p{Dash_Punctuation}/gu
const LETTERS = /[\u0370-\u052f]/gu

/**
 * Removes the differences that people overlook: case, spaces, kinds of dash, script, width and
 * ligatures.
 */
export function skeletonOf(id: string): string {
  if (!BEYOND_ASCII.test(id)) return id.toUpperCase().replaceAll(' ', '')
  return id
    .normalize('NFKC')
    .toUpperCase()
    .replace(UNSEEN, '')
    .replace(DASHES, '-')
    .replace(LETTERS, letter => LOOKALIKES[letter] ?? letter)
}
