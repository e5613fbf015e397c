/**
 * Builds a ledger of so many records in a folder, in-process: the same path as over HTTP, without
 * HTTP. Arguments: folder, records.
 */
import { parseJson } from '../src/core/json.ts'
import { parseStatement } from '../src/core/statements/statement.ts'
import { openBenchLedger } from './open.ts'
import { statementLine } from './statements.ts'

const CHUNK = 8192
const [folder = '', wanted = ''] = process.argv.slice(2)
const { ledger } = await openBenchLedger(folder)
for (let size = ledger.head().size; size < Number(wanted); size = ledger.head().size) {
  const numbers = Array.from({ length: Math.min(CHUNK, Number(wanted) - size) }, (_, i) => size + i)
  await Promise.all(numbers.map(n => ledger.submit(parseStatement(parseJson(statementLine('built', n)), { salted: false }))))
}
const { size } = ledger.head()
await ledger.close()
process.send?.({ size }, () => process.exit(0))
