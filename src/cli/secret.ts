/**
 * Secrets: from the environment or from a file that it names, never from the command line, where
 * other users of the machine could read them.
 */
import { readFile } from 'node:fs/promises'
import { OpenSealError } from '../core/errors.ts'

/**
 * The secret in the variable, or the text of the file that `<name>_FILE` names. Throws SecretError
 * SECRET_MISSING, SECRET_UNREADABLE.
 */
export async function readSecret(name: string, what: string): Promise<string> {
  const direct = process.env[name]?.trim()
  if (direct) return direct
  const path = process.env[`${name}_FILE`]
  if (!path) throw new SecretError('SECRET_MISSING', `set ${name} (or ${name}_FILE, the path of a file that holds it): ${what}`)
  const text = await readFile(path, 'utf8').catch(error => {
    throw new SecretError('SECRET_UNREADABLE', `${name}_FILE names ${path}, which cannot be read`, { cause: error })
  })
  if (text.trim() === '') throw new SecretError('SECRET_UNREADABLE', `${name}_FILE names ${path}, which is empty`)
  return text.trim()
}

/** SECRET_MISSING or SECRET_UNREADABLE. */
export class SecretError extends OpenSealError {}
