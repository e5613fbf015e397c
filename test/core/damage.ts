/** Damage to texts and bytes, and what parsers must answer to it. */
import { ok } from 'node:assert/strict'
import fc from 'fast-check'
import { OpenSealError } from '../../src/core/errors.ts'

/** Whether `act` throws an OpenSealError with this code: for `throws(act, code('X'))`. */
export const code = (expected: string) => (error: unknown) => {
  ok(error instanceof OpenSealError, `not one of ours: ${error}`)
  ok(error.code === expected, `${error.code} instead of ${expected}: ${error.message}`)
  return true
}

/** Whether it is one of our errors, with any code. */
export const anyCode = (error: unknown): boolean => error instanceof OpenSealError

/** One byte changed, taken out or put in. */
export const damages = fc.record({
  kind: fc.constantFrom('change', 'remove', 'insert', 'cut'),
  at: fc.nat(),
  byte: fc.integer({ min: 0, max: 255 }),
})

type Damage = { kind: string; at: number; byte: number }

export function damage(bytes: Uint8Array, { kind, at, byte }: Damage): Uint8Array {
  const list = [...bytes]
  const place = at % (list.length + 1)
  if (kind === 'change') list[place] = byte
  if (kind === 'remove') list.splice(place, 1)
  if (kind === 'insert') list.splice(place, 0, byte)
  return Uint8Array.from(kind === 'cut' ? list.slice(0, place) : list)
}

/** Runs `parse`; any failure but an OpenSealError escapes. Undefined when refused. */
export function parsedOrRefused<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof OpenSealError) return undefined
    throw error
  }
}
