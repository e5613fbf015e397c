/** Values that many schemas have, and the reading of a request's values by their schemas. */
import { z } from 'zod'
import { RequestError } from '../problem.ts'

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'

/** 32 bytes as lower-case hex. */
export const hex32 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 as 64 hex digits in lower case; other hashes are not recorded here')
/** 0x-hex of 32 bytes, as the chain writes it. */
export const chainHash = z.string().regex(/^0x[0-9a-f]{64}$/)
/** Exactly `YYYY-MM-DDTHH:MM:SSZ`. */
export const time = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/)
/** An index or a tree size. */
export const count = z.int().min(0)
/** An agency's id: a lower-case DNS name of two labels or more. */
export const agencyId = z
  .string()
  .min(3)
  .max(253)
  .regex(new RegExp(`^${LABEL}(?:\\.${LABEL})+$`))

/**
 * Control characters and bidi controls. Listed one by one, because few regular expression engines
 * know \p.
 */
const UNSEEN = '\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069'
/** The white space that is not among them. */
const SPACE = ' \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
/** A name or an id without invisible characters and without white space at either end. */
export const visibleName = z
  .string()
  .min(1)
  .regex(
    new RegExp(`^[^${UNSEEN}${SPACE}](?:[^${UNSEEN}]*[^${UNSEEN}${SPACE}])?$`),
    'contains invisible characters, or white space at an end',
  )

/** An id of a record or of one version of it. */
export const versionId = visibleName.max(512)

/** A number in a query, which arrives as text. */
export function queryNumber(pattern: RegExp, minimum: number, maximum: number) {
  return z
    .string()
    .regex(pattern)
    .meta({ number: { type: 'integer', minimum, maximum } })
}

/** Parses a request value by its schema. Throws RequestError `code` with what is wrong. */
export function readAs<T>(schema: z.ZodType<T>, value: unknown, code: string): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new RequestError(code, sentence(parsed.error))
  return parsed.data
}

/** Parses a whole number in a path, in its canonical spelling. Throws NUMBER_MALFORMED. */
export function readCount(text: string | undefined, name: string): number {
  const number = Number(text)
  if (text === undefined || !/^\d+$/.test(text) || !Number.isSafeInteger(number) || String(number) !== text)
    throw new RequestError(
      'NUMBER_MALFORMED',
      `${name} is not a whole number in its plain spelling: ${JSON.stringify(text?.slice(0, 40))}.`,
    )
  return number
}

function sentence(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(issue => {
      const path = issue.path.reduce<string>(
        (text, part) => text + (typeof part === 'number' ? `[${part}]` : `${text && '.'}${String(part)}`),
        '',
      )
      if (issue.code === 'unrecognized_keys')
        return `${path && `${path}: `}unknown member ${issue.keys
          .map(key => JSON.stringify(key))
          .join(', ')
          .slice(0, 200)}`
      return `${path && `${path}: `}${issue.message.slice(0, 200)}`
    })
    .join('; ')
}
