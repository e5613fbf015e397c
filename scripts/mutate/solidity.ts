/** Mutants of the contract: one small change of its code each; comments are left alone. */
import type { Mutant } from './typescript.ts'

/** Patterns and their replacements. Names, types and `using` do not match. */
const CHANGES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/ < /g, [' <= ', ' >= ']],
  [/ > /g, [' >= ', ' <= ']],
  [/ <= /g, [' < ', ' > ']],
  [/ >= /g, [' > ', ' < ']],
  [/ == /g, [' != ']],
  [/ != /g, [' == ']],
  [/ && /g, [' || ']],
  [/ \|\| /g, [' && ']],
  [/ \+ /g, [' - ']],
  [/ - /g, [' + ']],
  [/ >> /g, [' << ']],
  [/ << /g, [' >> ']],
  [/ & /g, [' | ']],
  [/ \^ /g, [' & ']],
  [/ >>= /g, [' <<= ']],
  [/\+\+/g, ['--']],
  [/--/g, ['++']],
  [/\btrue\b/g, ['false']],
  [/\bfalse\b/g, ['true']],
  [/(?<=[( ])!(?=\w)/g, ['']],
  [/(?<=\bif )\(.*?\)(?= (?:revert|return|break|continue|\{))/g, ['(false)', '(true)']],
  [/(?<=^ +)emit \w+\(.*\);$/gm, [';']],
  [/(?<=^ +)[\w.[\]]+ = [^;{]+;$/gm, [';']],
  [/(?<=^ +)delete [^;]+;$/gm, [';']],
  [/(?<=^ +)_\w+\(.*\);$/gm, [';']],
  [/(?<=[ (])[0-9]+(?=[ );,])/g, ['7']],
  // Assembly.
  [/\bshr\(/g, ['shl(']],
  [/\bxor\(/g, ['and(']],
  [/\band\(/g, ['or(']],
  [/\badd\(/g, ['sub(']],
  [/\bsub\(/g, ['add(']],
  [/\beq\(/g, ['lt(']],
  [/(?<=[ (])0x[0-9a-f]{2}(?=[ );,])/g, ['0x00', '0x60']],
  [/(?<=^ +)(?:mstore8?|pop)\(.*\)$/gm, ['']],
  [/(?<=^ +)\w+ := .*$/gm, ['']],
]

/** All mutants of the contract's text, with mutants that the compiler refuses. */
export function contractMutants(file: string, text: string): Mutant[] {
  const code = text.replaceAll(/\/\/.*$/gm, comment => '\0'.repeat(comment.length))
  const body = code.indexOf('function openLog')
  return CHANGES.flatMap(([pattern, others]) =>
    [...code.matchAll(pattern)]
      .filter(({ index }) => index > body)
      .flatMap(({ index, 0: before }) =>
        others.map(after => ({
          file,
          line: code.slice(0, index).split('\n').length,
          from: index,
          to: index + before.length,
          before,
          after,
        })),
      ),
  )
}
