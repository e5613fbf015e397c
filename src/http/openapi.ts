/** /openapi.json: every route with the zod schemas of what it takes and what it answers. */
import { z } from 'zod'
import * as schemas from './schemas.ts'

/** A schema, or the media type of an answer that is not JSON. */
type Content = z.ZodType | string

/** One documented route. Refusals are problem documents everywhere and not listed one by one. */
export type Operation = {
  readonly method: 'get' | 'post' | 'delete'
  /** As the router knows it: `/v1/records/:index`. */
  readonly path: string
  readonly summary: string
  readonly key?: 'agency' | 'operator'
  readonly query?: z.ZodObject
  readonly body?: { readonly [mediaType: string]: z.ZodType }
  readonly answers: { readonly [status: number]: { readonly [mediaType: string]: z.ZodType | null } | null }
}

const json = (schema: z.ZodType) => ({ 'application/json': schema })
const ndjson = (schema: z.ZodType) => ({ 'application/x-ndjson': schema })

/** All routes of design §6 but the pages for people. */
export const OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/records',
    summary:
      'Submit one statement, or a stream of them. The same statement again has the same index. A stream has at most 100,000 lines and 64 MiB; its answer begins when the request has ended. With ?dry-run nothing is logged, and the answer says what would become of it.',
    key: 'agency',
    query: schemas.submitQuery,
    body: { 'application/json': schemas.statement, 'application/x-ndjson': schemas.statement },
    answers: {
      200: { 'application/json': z.union([schemas.submitted, schemas.dryAnswer]), 'application/x-ndjson': schemas.answerLine },
      201: json(schemas.submitted),
      413: ndjson(schemas.answerLine),
    },
  },
  {
    method: 'get',
    path: '/v1/records',
    summary: 'Find records by hash, agency or record id, or list them all: the newest first, any number by the cursor.',
    query: schemas.recordQuery,
    answers: { 200: json(schemas.recordList) },
  },
  {
    method: 'get',
    path: '/v1/digests/:prefix',
    summary: 'The digests that begin with 3 to 8 hex digits: compare them on your own machine, and nobody learns which file you hold.',
    query: schemas.digestQuery,
    answers: { 200: json(schemas.digestList) },
  },
  {
    method: 'get',
    path: '/v1/records/:index',
    summary: 'A record: its statement, its state and its versions.',
    answers: { 200: json(schemas.record) },
  },
  { method: 'get', path: '/v1/records/:index/receipt', summary: 'The receipt of a record.', answers: { 200: json(schemas.receipt) } },
  {
    method: 'get',
    path: '/v1/receipts/:from/:to',
    summary: 'Receipts of [from, to), at most 10,000, one a line; what is not there yet is left out.',
    answers: { 200: ndjson(schemas.receiptLine) },
  },
  {
    method: 'get',
    path: '/v1/statements/:from/:to',
    summary: 'Statements of [from, to), at most 10,000, one a line; what is not there yet is left out.',
    answers: { 200: ndjson(schemas.statementLine) },
  },
  {
    method: 'get',
    path: '/v1/proofs/inclusion/:index/:size',
    summary: 'Proof that an entry is in the tree of a size.',
    answers: { 200: json(schemas.inclusion) },
  },
  {
    method: 'get',
    path: '/v1/proofs/consistency/:from/:to',
    summary: 'Proof that a tree grew from one size to another.',
    answers: { 200: json(schemas.consistency) },
  },
  {
    method: 'get',
    path: '/v1/anchors',
    summary: 'The anchors on the chain.',
    query: schemas.anchorQuery,
    answers: { 200: json(schemas.anchors) },
  },
  { method: 'get', path: '/v1/anchors/:size', summary: 'The final anchor of exactly this size.', answers: { 200: json(schemas.anchor) } },
  { method: 'get', path: '/v1/status', summary: 'The state of the ledger.', answers: { 200: json(schemas.status) } },
  {
    method: 'get',
    path: '/v1/keys',
    summary: "The log's keys, and how each was introduced by the one before it.",
    answers: { 200: json(schemas.logKeys) },
  },
  {
    method: 'get',
    path: '/policy.json',
    summary: 'What a verifier of this ledger trusts. Pin your own copy.',
    answers: { 200: json(schemas.policy) },
  },
  {
    method: 'post',
    path: '/v1/agencies',
    summary: 'Register an agency.',
    key: 'operator',
    body: json(schemas.newAgency),
    answers: { 201: json(schemas.agency) },
  },
  { method: 'get', path: '/v1/agencies', summary: 'All agencies.', answers: { 200: json(schemas.agencyList) } },
  { method: 'get', path: '/v1/agencies/:id', summary: 'One agency.', answers: { 200: json(schemas.agency) } },
  {
    method: 'post',
    path: '/v1/agencies/:id/keys',
    summary: 'Make an API key. It is shown this once.',
    key: 'operator',
    body: json(schemas.newKey),
    answers: { 201: json(schemas.createdKey) },
  },
  {
    method: 'get',
    path: '/v1/agencies/:id/keys',
    summary: 'The API keys of an agency.',
    key: 'operator',
    answers: { 200: json(schemas.keyList) },
  },
  { method: 'get', path: '/v1/agencies/:id/keys/:keyId', summary: 'One API key.', key: 'operator', answers: { 200: json(schemas.apiKey) } },
  {
    method: 'get',
    path: '/v1/backup',
    summary: 'Every row of the store as of now, for openseal backup.',
    key: 'operator',
    answers: { 200: { 'application/octet-stream': null } },
  },
  { method: 'delete', path: '/v1/agencies/:id/keys/:keyId', summary: 'Revoke an API key.', key: 'operator', answers: { 204: null } },
  {
    method: 'get',
    path: '/checkpoint',
    summary: 'The newest checkpoint (C2SP tlog-checkpoint).',
    answers: { 200: { 'text/plain': null } },
  },
  {
    method: 'get',
    path: '/tile/*path',
    summary: 'Tiles and entry bundles (C2SP tlog-tiles).',
    answers: { 200: { 'application/octet-stream': null } },
  },
  { method: 'get', path: '/healthz', summary: 'Alive.', answers: { 200: json(schemas.health) } },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Accepting submissions, with alarms.',
    answers: { 200: json(schemas.readiness), 503: json(schemas.readiness) },
  },
  { method: 'get', path: '/metrics', summary: 'Prometheus metrics.', answers: { 200: { 'text/plain': null } } },
  { method: 'get', path: '/openapi.json', summary: 'This document.', answers: { 200: json(z.looseObject({ openapi: z.string() })) } },
]

/** The OpenAPI 3.1 document of all operations. */
export function openApiDocument(): object {
  const components: { [name: string]: object } = {}
  const convert = (schema: z.ZodType): object => {
    const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' })
    for (const [name, def] of Object.entries($defs ?? {})) components[name] = moveRefs(def)
    return moveRefs(rest)
  }
  const paths: { [path: string]: { [method: string]: object } } = {}
  for (const operation of OPERATIONS) {
    const path = operation.path.replace(/[:*](\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method]: describe(operation, convert) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenSeal',
      version: '1',
      description: 'A public records ledger. Refusals are problem documents (RFC 9457) with a stable code.',
    },
    paths,
    components: {
      schemas: components,
      securitySchemes: { agency: { type: 'http', scheme: 'bearer' }, operator: { type: 'http', scheme: 'bearer' } },
    },
  }
}

function describe(operation: Operation, convert: (schema: z.ZodType) => object): object {
  const { summary, key, body, query, answers, path } = operation
  const content = (types: { readonly [mediaType: string]: Content | null }) =>
    Object.fromEntries(
      Object.entries(types).map(([type, schema]) => [
        type,
        schema === null || typeof schema === 'string' ? {} : { schema: convert(schema) },
      ]),
    )
  const inPath = [...path.matchAll(/[:*](\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({ name, in: 'query', schema: convert(schema as z.ZodType) }))
  const responses = Object.entries(answers).map(([status, types]) => [
    status,
    { description: summary, ...(types && { content: content(types) }) },
  ])
  return {
    summary,
    ...(key && { security: [{ [key]: [] }] }),
    parameters: [...inPath, ...inQuery],
    ...(body && { requestBody: { required: true, content: content(body) } }),
    responses: {
      ...Object.fromEntries(responses),
      default: { description: 'A refusal.', content: { 'application/problem+json': { schema: convert(schemas.problem) } } },
    },
  }
}

function moveRefs<T extends object>(schema: T): T {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'))
}
