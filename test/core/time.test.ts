import { equal, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { formatTime, isTime } from '../../src/core/time.ts'

describe('time', () => {
  it('accepts what it writes', () => {
    equal(formatTime(0), '1970-01-01T00:00:00Z')
    equal(formatTime(1_700_000_000_999), '2023-11-14T22:13:20Z')
    equal(formatTime(-1), '1969-12-31T23:59:59Z')
    fc.assert(
      fc.property(fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), date =>
        isTime(formatTime(date.getTime())),
      ),
    )
    equal(isTime('2024-02-29T23:59:59Z'), true)
  })

  it('refuses other spellings and dates that do not exist', () => {
    for (const text of [
      '2023-02-29T00:00:00Z',
      '2024-02-30T00:00:00Z',
      '2024-13-01T00:00:00Z',
      '2024-00-01T00:00:00Z',
      '2024-01-01T24:00:00Z',
      '2024-01-01T00:60:00Z',
      '2016-12-31T23:59:60Z',
      '2024-01-01T00:00:00.000Z',
      '2024-01-01T00:00:00+00:00',
      '2024-01-01t00:00:00z',
      '2024-01-01 00:00:00Z',
      '2024-01-01T00:00:00Z\n',
      '2024-01-01T00:00:00Z ',
      ' 2024-01-01T00:00:00Z',
      'x2024-01-01T00:00:00Z',
      '12024-01-01T00:00:00Z',
      '2024-01-01',
      '',
    ]) {
      equal(isTime(text), false, text)
    }
  })

  it('knows the days of every month as the calendar of the system does', () => {
    const two = (n: number) => String(n).padStart(2, '0')
    for (const year of [1600, 1900, 1999, 2000, 2023, 2024, 2100])
      for (let month = 0; month <= 13; month++)
        for (let day = 0; day <= 32; day++) {
          const text = `${year}-${two(month)}-${two(day)}T12:00:00Z`
          const date = new Date(Date.UTC(year, month - 1, day))
          equal(isTime(text), date.getUTCMonth() === month - 1 && date.getUTCDate() === day, text)
        }
  })

  it('does not write years of more than four digits', () => {
    throws(() => formatTime(Date.UTC(10000, 0)), /bug/)
  })
})
