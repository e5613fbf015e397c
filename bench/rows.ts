/** The table of a measurement: what was measured, against what, and the floor. */

/** One line of the table. `holds` is undefined if there is no floor. */
export type Row = {
  readonly what: string
  readonly ours: string
  readonly other: string
  readonly ratio: string
  readonly wanted: string
  readonly holds?: boolean
}

/** Rates against others: the ratio of their medians must be at least `wanted`. */
export function rateRow(what: string, ours: readonly number[], other: readonly number[], wanted: number | undefined): Row {
  const ratio = median(ours) / median(other)
  const row = { what, ours: formatRate(ours), other: formatRate(other), ratio: ratio.toFixed(2) }
  return wanted === undefined ? { ...row, wanted: '' } : { ...row, wanted: `≥ ${wanted}`, holds: ratio >= wanted }
}

/** Times against others: the ratio of their medians must be at most `most`. */
export function timeRow(what: string, ours: readonly number[], other: readonly number[], most: number): Row {
  const ratio = median(ours) / median(other)
  const ms = (values: readonly number[]) => `${median(values).toFixed(2)} ms`
  return { what, ours: ms(ours), other: ms(other), ratio: ratio.toFixed(2), wanted: `≤ ${most}`, holds: ratio <= most }
}

/** A figure by itself, which must be at most `most` of its unit. */
export function figureRow(what: string, figure: number, unit: string, most: number, ours = `${figure} ${unit}`): Row {
  return { what, ours, other: '', ratio: '', wanted: `≤ ${most} ${unit}`, holds: figure <= most }
}

function formatRate(values: readonly number[]): string {
  return `${Math.round(median(values)).toLocaleString('en')}/s`
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** A time that may be longer than another by at most `most` seconds. Both in milliseconds. */
export function delayRow(what: string, ours: readonly number[], other: readonly number[], most: number): Row {
  const seconds = (values: readonly number[]) => (median(values) / 1000).toFixed(2)
  const more = (median(ours) - median(other)) / 1000
  const row = { what, ours: `${seconds(ours)} s`, other: `${seconds(other)} s`, ratio: `+ ${more.toFixed(2)} s` }
  return { ...row, wanted: `+ ≤ ${most} s`, holds: more <= most }
}

/** The table in Markdown. */
export function formatTable(rows: readonly Row[]): string {
  const reached = ({ holds }: Row) => (holds === undefined ? '' : holds ? 'yes' : '**no**')
  const lines = rows.map(r => `| ${r.what} | ${r.ours} | ${r.other} | ${r.ratio} | ${r.wanted} | ${reached(r)} |`)
  return ['| what | OpenSeal | the other | ratio | wanted | reached |', '| --- | ---: | ---: | ---: | --- | --- |', ...lines].join('\n')
}
