/** How answers are said: in which language, and under which address people see the same. */
import { type AssistantKey, speakAssistant } from '../messages/assistant.ts'
import { type Language, speak } from '../messages/language.ts'
import type { Say, Speaker } from '../messages/say.ts'

export type Telling = { readonly say: Say; readonly sayTo: Speaker<AssistantKey>; readonly url: string }

export function tellingIn(language: Language, url: string): Telling {
  return { say: speak(language), sayTo: speakAssistant(language), url }
}
