/**
 * Deploys the contract: `openseal deploy` by the name that a deployer looks for. See its `--help`.
 */
import { runCommandLine } from '../src/cli/main.ts'

await runCommandLine(['deploy', ...process.argv.slice(2)])
