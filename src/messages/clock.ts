/** The spelling of times in each language. */

/**
 * The locale whose times a language's pages use. English is British. Greek offices write the 24
 * hours of the day, although the locale's own default has twelve.
 */
export function clockLocale(lang: string): string {
  return { en: 'en-GB', el: 'el-u-hc-h23' }[lang] ?? lang
}
