/** The table of results: for programs and for spreadsheets, which run nothing of it. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { parse } from 'csv-parse/sync'
import { speak } from '../../src/messages/language.ts'
import { formatCsv } from '../../src/report/csv.ts'
import { digestsOf, planChecks, readReceipt } from '../../src/verifier/index.ts'
import { chainWith, createWorld, FILE, GENESIS, policyWith, STATEMENT } from '../verifier/world.ts'

describe('report/csv', () => {
  it('has a row for each answer and for each thing that was not looked at, and no cell that is a formula', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const names = ['=cmd|A1', '+1', '-1', '@x', '\t=1', ' =1', '\uff1d1', 'a",\r\n"b', 'ä\u202e.txt']
    const files = names.map(name => ({ name, read: { digest: digestsOf(FILE), releases: [], releasesLeftOut: 0 } }))
    const means = { policy: policyWith(), trust: 'policy', chain: [chainWith(world)] } as const
    const all = await Promise.all(planChecks(files, [readReceipt('r', await world.receipt(1))], means).map(task => task.run()))
    const text = formatCsv(speak('de'), all, [{ name: 'z.zip/=x', why: 'damaged' }])
    equal(text.codePointAt(0), 0xfeff)
    const rows = parse(text, { bom: true, columns: true, record_delimiter: '\r\n' }) as Record<string, string>[]
    deepEqual(
      rows.map(({ file }) => file),
      ["'=cmd|A1", "'+1", "'-1", "'@x", "'\t=1", "' =1", "'\uff1d1", 'a",\r\n"b', 'ä[U+202E].txt', 'z.zip/=x'],
    )
    const [first] = rows
    deepEqual(
      [first?.bytes, first?.sha256, first?.verdict, first?.exit, first?.entry, first?.record],
      [String(FILE.length), digestsOf(FILE).sha256, 'anchored', '0', '1', STATEMENT.record],
    )
    ok(first?.sentence?.startsWith('Nach neueren'), first?.sentence)
    ok(first?.checks?.startsWith('document passed; statement passed'), first?.checks)
    deepEqual([rows.at(-1)?.verdict, rows.at(-1)?.sentence?.startsWith('Nicht geprüft')], ['none', true])
    ok(rows.every(row => Object.values(row).every(cell => !/^\s*[=+@-]/.test(cell))))
  })
})
