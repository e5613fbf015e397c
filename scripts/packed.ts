/**
 * The program that `openseal` runs in an installed package, bundled by `scripts/build.ts`. There
 * Node may be as old as 20.
 */
import { runCommandLine } from '../src/cli/main.ts'

await runCommandLine(process.argv.slice(2))
