/**
 * Loaded before every test: a rejection that nobody awaits fails the run, no test writes into the
 * home of who runs it, and processes that tests start find the sources compiled.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

process.on('unhandledRejection', reason => {
  throw reason
})

// For services in this process and for those that inherit its environment. Tests with another
// environment name the folder there.
const state = mkdtempSync(join(tmpdir(), 'openseal-state-'))
process.env.XDG_STATE_HOME = state
process.env.OPENSEAL_MARK = join(state, 'openseal')
process.once('exit', () => rmSync(state, { recursive: true, force: true }))

// Node writes what it has compiled when a process ends, and this one ends after the last test file.
export const mochaHooks = { afterAll: () => flushCompileCache() }
