/** The language of a command: the requested one, otherwise that of the locale. */
import type { Command } from 'commander'
import { LANGUAGE_TAGS, type Language } from '../messages/language.ts'
import { UsageError } from './command.ts'

/** Adds --lang TAG. */
export function withLanguage(command: Command): Command {
  return command.option('--lang <tag>', `language of the answer: ${LANGUAGE_TAGS.join(', ')} (default: that of the locale)`)
}

/**
 * The language of --lang, otherwise of LC_ALL, LC_MESSAGES or LANG; English if none of them is one
 * of ours.
 * @throws UsageError
 */
export function chooseLanguage(asked: string | undefined, env: NodeJS.ProcessEnv = process.env): Language {
  const find = (tag: string) => LANGUAGE_TAGS.find(language => language === tag.toLowerCase().split(/[-_.@]/)[0])
  if (asked === undefined) return find(env.LC_ALL || env.LC_MESSAGES || env.LANG || '') ?? 'en'
  const language = find(asked)
  if (language === undefined) throw new UsageError(`--lang must be one of ${LANGUAGE_TAGS.join(', ')}, not ${JSON.stringify(asked)}`)
  return language
}

/** Whether the terminal can be expected to show more than ASCII. */
export function isUtf8(env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.platform === 'win32') return true
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '')
}
