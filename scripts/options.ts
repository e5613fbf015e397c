/**
 * The options of a tool of this project. A misspelled option ends the tool with a sentence that
 * lists the right ones.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util'

/**
 * The options that `parseArgs` reads. If it refuses, this process ends with 2; for `--help`, with
 * 0.
 */
export function readOptions<T extends ParseArgsConfig>(tool: string, config: T): ReturnType<typeof parseArgs<T>> {
  const options = Object.entries(config.options ?? {}).map(([name, { type }]) => (type === 'string' ? `--${name} VALUE` : `--${name}`))
  const usage = `npm run ${tool} -- ${config.allowPositionals ? '[NAME…] ' : ''}${options.map(option => `[${option}]`).join(' ')}`
  if (process.argv.includes('--help')) {
    console.log(usage)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`${tool}: ${error.message.split('. ')[0]}. ${usage}`)
    process.exit(2)
  }
}

/**
 * An option that must be a number above zero; `otherwise` if it is not given. Anything else ends
 * this process with 2.
 */
export function numberOption(tool: string, name: string, value: string | undefined, otherwise: number): number {
  const number = value === undefined ? otherwise : Number(value)
  if (number > 0) return number
  console.error(`${tool}: --${name} must be a number above zero, not ${JSON.stringify(value)}.`)
  process.exit(2)
}
