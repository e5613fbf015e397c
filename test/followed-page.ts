/** Tools for tests that follow the commands of a page, word by word, as a reader would. */
import { equal, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A bash block after `<!-- run [exit=N] [contains=TEXT] -->` or `<!-- serve -->`. */
export type Block = { readonly kind: string; readonly script: string; readonly exit: number; readonly contains: string }

/** The blocks of a page that are followed. */
export function readBlocks(text: string): readonly Block[] {
  return [...text.matchAll(/<!-- (run|serve)([^>]*) -->\n```bash\n([^`]*)```/g)].map(([, kind = '', options = '', script = '']) => ({
    kind,
    script,
    exit: Number(/exit=(\d+)/.exec(options)?.[1] ?? 0),
    contains: /contains=(\S+)/.exec(options)?.[1] ?? '',
  }))
}

/** Makes a folder look like a clone. Data, receipts and keys stay in it. */
export function linkClone(folder: string): void {
  const root = dirname(import.meta.dirname)
  for (const name of ['openseal', 'package.json', 'package-lock.json', 'scripts', 'src', 'contracts', 'node_modules', 'ops', 'docs'])
    symlinkSync(join(root, name), join(folder, name))
}

/** The environment without settings of OpenSeal or npm, and with the Node that runs the test. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('OPENSEAL_') && !name.startsWith('npm_'))
  return { ...Object.fromEntries(kept), PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
}

/** Runs a block, which ends at its first failure, as a reader would; returns what it printed. */
export function runBlock({ script, exit, contains }: Block, folder: string, env: NodeJS.ProcessEnv): string {
  const { status, stdout } = spawnSync('bash', ['-c', `exec 2>&1; set -eo pipefail; ${script}`], { cwd: folder, env, encoding: 'utf8' })
  equal(status, exit, `${script}\n${stdout}`)
  ok(stdout.includes(contains), `${contains} is not in: ${stdout}`)
  return stdout
}
