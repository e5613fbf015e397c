/** Moments in the spellings that files have: only what is exact becomes one. */
import { equal } from 'node:assert/strict'
import { readInstant, readMailDate, readUnixMs } from '../../src/documents/instant.ts'

describe('documents/instant', () => {
  it('converts moments with a time zone to UTC, and takes nothing else', () => {
    const cases = [
      ['2016-11-04T21:55:56.042551+02:00', '2016-11-04T19:55:56Z'],
      ['2026-12-31T23:00:00-0400', '2027-01-01T03:00:00Z'],
      ['2024-02-29T10:00Z', '2024-02-29T10:00:00Z'],
      [' 2026-01-01 10:00:00z ', '2026-01-01T10:00:00Z'],
      ['2026-01-01T10:00:00+05', '2026-01-01T05:00:00Z'],
      ['2026-01-31', undefined],
      ['2026-01-01T10:00:00', undefined],
      ['2026-02-30T00:00:00Z', undefined],
      ['2026-01-01T25:00:00Z', undefined],
      ['2026-01-01T10:00:60Z', undefined],
      ['2026-01-01T10:00:00+99:00', undefined],
      ['0000-01-01T00:00:00+14:00', undefined],
      ['9999-12-31T23:59:59Z', undefined],
      ['1969-12-31T23:59:59Z', undefined],
      ['31/01/2026', undefined],
      ['', undefined],
    ] as const
    for (const [text, expected] of cases) equal(readInstant(text), expected, text)
  })

  it('reads the dates of e-mails', () => {
    const cases = [
      ['Tue, 3 Feb 2026 09:05:06 +0100', '2026-02-03T08:05:06Z'],
      ['03 feb 2026 09:05 -0000 (UTC)', '2026-02-03T09:05:00Z'],
      ['Tue, 3 Feb 2026 09:05:06 GMT', '2026-02-03T09:05:06Z'],
      ['Tue, 3 Feb 2026 09:05:06', undefined],
      ['Tue, 30 Feb 2026 09:05:06 +0100', undefined],
      ['Tue, 3 Foo 2026 09:05:06 +0100', undefined],
      ['soon', undefined],
    ] as const
    for (const [text, expected] of cases) equal(readMailDate(text), expected, text)
  })

  it('reads Unix milliseconds, and no other numbers', () => {
    equal(readUnixMs(1_473_847_008_526), '2016-09-14T09:56:48Z')
    for (const other of [-1, 1.5, 1e15, Number.NaN, '1473847008526', null]) equal(readUnixMs(other), undefined, String(other))
  })
})
