/**
 * /openapi.json, generated from the operations and their schemas in a form from which generators
 * make working clients.
 */
import { z } from 'zod'
import { OPERATIONS, type Operation } from './operations.ts'
import { digestPrefix } from './schemas/records.ts'
import { problem } from './schemas/service.ts'
import { agencyId } from './schemas/values.ts'

type JsonSchema = { readonly [name: string]: unknown }
type Convert = (schema: z.ZodType) => JsonSchema

const WHOLE = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const DIGITS = { type: 'string', pattern: '^[0-9]{3}$' }
/** The parameters in paths, by name. */
const IN_PATH: { readonly [name: string]: JsonSchema | z.ZodType } = {
  index: WHOLE,
  size: WHOLE,
  from: WHOLE,
  to: WHOLE,
  level: { type: 'integer', minimum: 0, maximum: 63 },
  width: { type: 'integer', minimum: 1, maximum: 255 },
  n1: DIGITS,
  n2: DIGITS,
  n3: DIGITS,
  prefix: digestPrefix,
  id: agencyId,
  keyId: z.string().min(1),
}

/** The OpenAPI 3.1 document of all operations. */
export function openApiDocument(): object {
  const components: { [name: string]: JsonSchema } = {}
  const convert: Convert = schema => {
    const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' })
    for (const [name, definition] of Object.entries($defs ?? {})) components[name] = adapt(definition as JsonSchema)
    return adapt(rest)
  }
  const paths: { [path: string]: { [method: string]: object } } = {}
  for (const operation of OPERATIONS) {
    const path = operation.path.replace(PARAMETER, '{$1}')
    paths[path] = { ...paths[path], [operation.method]: describe(operation, convert) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenSeal',
      version: '1',
      description: 'A public records ledger. Refusals are problem documents (RFC 9457) with a stable code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        agency: { type: 'http', scheme: 'bearer', description: 'The API key of an agency.' },
        operator: { type: 'http', scheme: 'bearer', description: "The operator's key." },
        admin: { type: 'http', scheme: 'bearer', description: "A key of the agency with the role admin, or the operator's key." },
      },
    },
  }
}

const PARAMETER = /:(\w+)/g

function describe({ id, summary, description, key, body, query, answers, path }: Operation, convert: Convert): object {
  const content = (types: { readonly [mediaType: string]: z.ZodType | null }) =>
    Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, contentOf(type, schema, convert)]))
  const inPath = [...path.matchAll(PARAMETER)].map(([, name = '']) => {
    const schema = IN_PATH[name]
    return { name, in: 'path', required: true, schema: schema instanceof z.ZodType ? convert(schema) : schema }
  })
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => describeQuery(name, schema as z.ZodType, convert))
  const responses = Object.entries(answers).map(([status, types]) => [
    status,
    { description: DESCRIPTIONS[status], ...(types && { content: content(types) }) },
  ])
  const refusal = { 'application/problem+json': { schema: convert(problem) } }
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    ...(key && { security: [{ [key]: [] }] }),
    parameters: [...inPath, ...inQuery],
    ...(body && { requestBody: { required: true, content: content(body) } }),
    responses: {
      ...Object.fromEntries(responses),
      // Not as "default", which generators mistake for another successful answer.
      '4XX': { description: 'A refusal.', content: refusal },
      '5XX': { description: 'The ledger cannot answer at the moment.', content: refusal },
    },
  }
}

const DESCRIPTIONS: { readonly [status: string]: string } = {
  200: 'The answer.',
  201: 'Made.',
  202: 'Taken: it is done when it is due.',
  204: 'Done.',
  413: 'Too large. In a stream, the first line beyond the bounds says so, and the lines before it are answered.',
  503: 'Not ready.',
}

/**
 * To a client, a stream is text. OpenAPI 3.1 cannot describe one value a line, so the schema is
 * added beside it.
 */
function contentOf(type: string, schema: z.ZodType | null, convert: Convert): object {
  if (schema === null) return { schema: type === 'application/octet-stream' ? { type: 'string', format: 'binary' } : { type: 'string' } }
  if (type !== 'application/x-ndjson') return { schema: convert(schema) }
  const line = convert(schema)
  const name = typeof line.$ref === 'string' ? line.$ref.replace(/^.*\//, '') : 'value'
  return { schema: { type: 'string', description: `One ${name} a line, as JSON.` }, 'x-item-schema': line }
}

/** A number in a query arrives as text. Its schema says which number it is. */
function describeQuery(name: string, schema: z.ZodType, convert: Convert): object {
  const { number, ...rest } = convert(schema) as { number?: JsonSchema; description?: string }
  const { description, ...type } = rest
  return { name, in: 'query', ...(description !== undefined && { description }), schema: number ?? type }
}

/**
 * References as OpenAPI writes them, and `enum` for single values: all generators read `enum`, few
 * read `const`.
 */
function adapt(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (_, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const { const: only, $ref, ...rest } = value as { const?: unknown; $ref?: string }
    return {
      ...rest,
      ...($ref !== undefined && { $ref: $ref.replace('#/$defs/', '#/components/schemas/') }),
      ...(only !== undefined && { enum: [only] }),
    }
  })
}
