/**
 * The data inside the report of a check, from which it is checked again. None of it is believed:
 * its receipts and its policy are read like any others, and its verdicts are only quoted.
 */
import { attempt } from '../../core/attempt.ts'
import { isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { isTime } from '../../core/time.ts'
import { VERDICTS, type VerdictCode } from '../verdict.ts'

/** The type of the data, and the id of the script element that holds it. */
export const REPORT_TYPE = 'openseal/report@v1'
export const REPORT_ID = 'openseal-report'

/** The data of a report. `receipt` is a place in `receipts`, which are texts. */
export type ReportData = {
  readonly type: typeof REPORT_TYPE
  readonly time: string
  readonly version: string
  readonly policy: Json
  readonly files: readonly {
    readonly name: string
    readonly verdict: VerdictCode
    /** The verdict that would apply on a production chain. Missing in reports of earlier versions. */
    readonly finding?: VerdictCode
    readonly bytes?: number
    readonly sha256?: string
    readonly receipt?: number
  }[]
  readonly receipts: readonly string[]
}

/** The most files that a report names, and receipts that it holds. */
const MAX_LISTED = 50_000
const OPENING = `<script type="application/json" id="${REPORT_ID}">`

/** The data in the text of a report; undefined if it has no data that can be read. */
export function readReport(text: string): ReportData | undefined {
  const start = text.lastIndexOf(OPENING)
  const end = text.indexOf('</script>', start)
  if (start === -1 || end === -1) return undefined
  const data = attempt(() => parseJson(text.slice(start + OPENING.length, end), { allowNull: true })).value
  if (!isJsonObject(data) || data.type !== REPORT_TYPE || !isJsonObject(data.policy)) return undefined
  const { files, receipts, time, version, policy } = data
  if (!Array.isArray(files) || !Array.isArray(receipts) || files.length > MAX_LISTED || receipts.length > MAX_LISTED) return undefined
  const texts = (receipts as readonly Json[]).filter(receipt => typeof receipt === 'string')
  if (texts.length < receipts.length || typeof time !== 'string' || !isTime(time) || typeof version !== 'string') return undefined
  const listed = (files as readonly Json[]).map(file => readListed(file, texts.length))
  if (listed.includes(undefined)) return undefined
  return { type: REPORT_TYPE, time, version, policy, files: listed.filter(file => file !== undefined), receipts: texts }
}

function readListed(file: Json, count: number): ReportData['files'][number] | undefined {
  if (!isJsonObject(file) || typeof file.name !== 'string') return undefined
  const { name, bytes, sha256, receipt } = file
  const [verdict, finding] = [file.verdict, file.finding].map(told => VERDICTS.find(({ code }) => code === told)?.code)
  if (verdict === undefined) return undefined
  const isPlace = typeof receipt === 'number' && Number.isSafeInteger(receipt) && receipt >= 0 && receipt < count
  if (receipt !== undefined && !isPlace) return undefined
  return {
    name,
    verdict,
    ...(finding !== undefined && { finding }),
    ...(typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 && { bytes }),
    ...(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) && { sha256 }),
    ...(isPlace && { receipt }),
  }
}
