/**
 * The parts of the project that mutation testing knows: their mutants, and the tests that have to
 * notice them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileSource } from '../compile.ts'
import { contractMutants } from './solidity.ts'
import { type Mutant, mutantsOf } from './typescript.ts'

/** A part of the project. Files are named from the project's folder. */
export type Part = {
  /** All mutants, in the order of their text. */
  mutants(): Mutant[]
  /** The test files that are asked. */
  readonly tests: readonly string[]
  /** Tests of seconds that are asked of these files only. */
  readonly slow: { readonly [test: string]: RegExp }
  /**
   * The file that the tests read, and its text with the mutant in it; undefined when it does not
   * compile, or compiles to the same.
   */
  text(mutant: Mutant): { readonly file: string; readonly text: string } | undefined
}

/** The project's folder. */
export const root = join(import.meta.dirname, '../..')

const CONTRACT = 'contracts/CheckpointAnchor.sol'
const ARTIFACT = 'contracts/CheckpointAnchor.json'
/** Files that name things, or hold sentences for people. */
const WORDS_ONLY = /\/(index|remarks)\.ts$/

/** It damages receipts at random, so its answer about a mutant may change from run to run. */
const BY_CHANCE = 'test/verifier/damage.test.ts'

/** The text of a file of the project. */
export const read = (file: string) => readFileSync(join(root, file), 'utf8')

const filesIn = (folder: string, end: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(end))
    .sort()
    .map(name => `${folder}/${name}`)
const changed = ({ from, to, after }: Mutant, text: string) => text.slice(0, from) + after + text.slice(to)

/** The parts by their names. */
export const PARTS: { readonly [name: string]: Part } = {
  core: sources('core', ['test/verifier/verify.test.ts', 'test/verifier/currency.test.ts'], {
    'test/core/tlog/proof.test.ts': /\/(proof|tree)\.ts$/,
    'test/core/tlog/extension.test.ts': /\/(extension|hash|tree)\.ts$/,
    'test/core/tlog/note.test.ts': /\/(note|bytes|checkpoint)\.ts$/,
  }),
  verifier: sources('verifier', ['test/log/log-keys.test.ts'], {}),
  contract: {
    mutants: () => contractMutants(CONTRACT, read(CONTRACT)),
    tests: ['rules', 'model', 'inclusion', 'consistency'].map(name => `test/contracts/${name}.test.ts`),
    slow: {},
    text(mutant) {
      try {
        const { artifact } = compileSource(changed(mutant, read(CONTRACT)))
        const isOther = artifact.deployedBytecode !== JSON.parse(read(ARTIFACT)).deployedBytecode
        return isOther ? { file: join(root, ARTIFACT), text: JSON.stringify(artifact) } : undefined
      } catch {
        return undefined
      }
    },
  },
}

/** A folder of sources and its tests, with other tests that are asked too. */
function sources(folder: string, others: readonly string[], slow: Part['slow']): Part {
  const files = filesIn(`src/${folder}`, '.ts').filter(file => !WORDS_ONLY.test(file))
  return {
    mutants: () => mutantsOf(root, files, read),
    tests: [...filesIn(`test/${folder}`, '.test.ts').filter(test => test !== BY_CHANCE), ...others],
    slow,
    text: mutant => ({ file: join(root, mutant.file), text: changed(mutant, read(mutant.file)) }),
  }
}
