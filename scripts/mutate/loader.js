/**
 * Loaded into a test run of `npm run mutate`: gives the mutant for the file that MUTANT_FILE names, out of the file MUTANT_TEXT. The sources themselves are never
 * touched. Plain JavaScript, because it is loaded before anything else.
 */
import fs from 'node:fs'
import { registerHooks, syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'

const { MUTANT_FILE: file, MUTANT_TEXT: text } = process.env
const { readFileSync } = fs

registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:') || fileURLToPath(url.split('?')[0]) !== file) return next(url, context)
    return { format: 'module-typescript', source: readFileSync(text, 'utf8'), shortCircuit: true }
  },
})

// The contract's artifact is read as a file.
fs.readFileSync = (path, ...rest) => readFileSync(String(path instanceof URL ? fileURLToPath(path) : path) === file ? text : path, ...rest)
syncBuiltinESMExports()
