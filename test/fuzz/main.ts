/**
 * Long runs of every target.
 *
 *   npm run fuzz                               every target, 20 seconds each; prints the seed
 *   npm run fuzz -- --seconds 600              ten minutes each
 *   npm run fuzz -- --seed 42 --only json      the same run again, for targets named `json`
 *   npm run fuzz -- --write                    also writes docs/results/fuzz.md
 */
import { readOptions } from '../../scripts/options.ts'
import { writeResults } from '../../scripts/results.ts'
import { FORM_TARGETS } from './forms.ts'
import { HTTP } from './http.ts'
import { PARSERS } from './parsers.ts'
import { run } from './target.ts'

const { values } = readOptions('fuzz', {
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' }, write: { type: 'boolean' } },
})
const seconds = Number(values.seconds ?? 20)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const targets = [...PARSERS, ...FORM_TARGETS, ...HTTP].filter(({ name }) => name.includes(values.only ?? ''))
if (!(seconds > 0) || !Number.isSafeInteger(seed) || targets.length === 0) {
  process.stderr.write('fuzz: --seconds must be a number, --seed a whole number, --only a part of the name of a target\n')
  process.exit(2)
}

process.stdout.write(`seed ${seed}, ${seconds} s for each of ${targets.length} targets\n`)
let failed = 0
const rows = ['| target | inputs | accepted | result |', '| --- | ---: | ---: | --- |']
for (const target of targets) {
  const { runs, accepted, failure } = await run(target, { seed, numRuns: 2 ** 31, milliseconds: seconds * 1000 })
  process.stdout.write(`${failure === undefined ? 'ok  ' : 'FAIL'}  ${target.name.padEnd(36)} ${runs} inputs, ${accepted} accepted\n`)
  rows.push(`| ${target.name} | ${runs} | ${accepted} | ${failure === undefined ? 'ok' : 'FAILED'} |`)
  if (failure === undefined) continue
  failed++
  process.stdout.write(`${failure}\n`)
}
if (values.write)
  writeResults('fuzz', {
    title: 'Fuzzing',
    command: `npm run fuzz -- --seconds ${seconds} --seed ${seed} --write`,
    about: 'Every input must end in a value that keeps its promises, or in one of the project’s own error codes.',
    body: rows.join('\n'),
  })
process.stdout.write(`${targets.length - failed} passed, ${failed} failed\n`)
process.exit(failed === 0 ? 0 : 1)
