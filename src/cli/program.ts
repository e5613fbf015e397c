/** How this command is called where it was started: by its launcher in a clone, by its name where the package is installed. */
import { existsSync } from 'node:fs'

/** `./openseal` or `openseal`: never a name that npm would look up. */
export const COMMAND = existsSync(new URL('../../openseal', import.meta.url)) ? './openseal' : 'openseal'

/** A text of ours with each command in it, `openseal verify …`, as it is to be typed here. */
export function withCommand(text: string): string {
  return text.replace(COMMANDS, `${COMMAND} $1`)
}

const COMMANDS =
  /(?<![\w./-])openseal (serve|agency|submit|receipt|verify|audit|evidence|status|policy|deploy|rotate|doctor|backup|restore)\b/g
