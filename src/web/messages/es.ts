/** Placeholder while the translation is written. */
import { en, type Messages } from './en.ts'

export const es: Messages = en
