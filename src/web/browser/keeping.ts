/** The code that keeps results, loaded when a reader asks for it. */
export { addressesAsked } from '../../report/asked.ts'
export { formatCsv } from '../../report/csv.ts'
export { renderReport, reportName } from '../../report/report.ts'
