/** Where a day begins in the log: entries are accepted in the order of their indexes. */

const DAY_MS = 86_400_000

/** The times of the days from `from` to `to`, in UTC: the end is the first moment after them. */
export type Days = { readonly from?: string | undefined; readonly to?: string | undefined }

/** The entries accepted on these days: from an index on, and below another. */
export async function entriesOf(
  { from, to }: Days,
  size: number,
  sealedMs: (index: number) => Promise<number | undefined>,
): Promise<{ readonly from?: number; readonly before?: number }> {
  return {
    ...(from !== undefined && { from: await firstSince(Date.parse(from), size, sealedMs) }),
    ...(to !== undefined && { before: await firstSince(Date.parse(to) + DAY_MS, size, sealedMs) }),
  }
}

/** Whether a text is a day, such as `2026-11-20`, that the calendar has. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const time = Date.parse(text)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

/** The index of the first entry accepted at this time or later; `size` if no entry was. */
async function firstSince(timeMs: number, size: number, sealedMs: (index: number) => Promise<number | undefined>): Promise<number> {
  let [low, high] = [0, size]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (((await sealedMs(middle)) ?? 0) < timeMs) low = middle + 1
    else high = middle
  }
  return low
}
