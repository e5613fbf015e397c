/**
 * Every route of design §6 except the pages for people: its name, and the schemas of its request
 * and answers.
 */
import { z } from 'zod'
import * as agencies from './schemas/agencies.ts'
import * as anchors from './schemas/anchors.ts'
import * as erasures from './schemas/erasures.ts'
import * as receipts from './schemas/receipts.ts'
import * as records from './schemas/records.ts'
import * as rounds from './schemas/rounds.ts'
import * as service from './schemas/service.ts'
import * as statements from './schemas/statements.ts'

/**
 * One documented route. Any route can be refused with a problem document, so refusals are not
 * listed.
 */
export type Operation = {
  /** Its name in generated clients. */
  readonly id: string
  readonly method: 'get' | 'post' | 'delete'
  /** As the router writes it: `/v1/records/:index`. */
  readonly path: string
  /** The router's pattern, if it covers several documented paths. */
  readonly route?: string
  readonly summary: string
  readonly description?: string
  readonly key?: 'agency' | 'operator' | 'admin'
  readonly query?: z.ZodObject
  readonly body?: { readonly [mediaType: string]: z.ZodType }
  readonly answers: { readonly [status: number]: { readonly [mediaType: string]: z.ZodType | null } | null }
}

const json = (schema: z.ZodType) => ({ 'application/json': schema })
const ndjson = (schema: z.ZodType) => ({ 'application/x-ndjson': schema })

/**
 * A tile's path has its number in groups of three digits, all but the last with an x before them
 * (C2SP tlog-tiles). Three groups are enough for 256 billion entries.
 */
const TILE_NUMBERS = [':n1', 'x:n1/:n2', 'x:n1/x:n2/:n3'] as const

/** The paths of tiles and entry bundles, full and partial. */
const TILES: readonly Operation[] = (['tile', 'bundle'] as const).flatMap(kind =>
  TILE_NUMBERS.flatMap((number, groups) =>
    ['', '.p/:width'].map((end): Operation => {
      const name = `${end === '' ? '' : 'Partial'}${kind === 'tile' ? 'Tile' : 'EntryBundle'}${groups === 0 ? '' : groups + 1}`
      const path = `/tile/${kind === 'tile' ? ':level' : 'entries'}/${number}${end}`
      const what = kind === 'tile' ? 'tile' : 'entry bundle'
      const summary = `A ${end === '' ? 'full' : 'partial'} ${what} with a number of ${['one group', 'two groups', 'three groups'][groups]} of digits (C2SP tlog-tiles).`
      return {
        id: `get${name}`,
        method: 'get',
        path,
        route: '/tile/*path',
        summary,
        answers: { 200: { 'application/octet-stream': null } },
      }
    }),
  ),
)

/** Every operation. */
export const OPERATIONS: readonly Operation[] = [
  {
    id: 'submitRecord',
    method: 'post',
    path: '/v1/records',
    summary: 'Submit one statement, or a stream of them, one a line.',
    description:
      'The same statement again has the same index. A stream has at most 100,000 lines and 64 MiB. Its answer begins when the request has ended; an answer whose last line is not the summary is incomplete. With ?dry-run nothing is logged, and the answer says what would happen to each statement.',
    key: 'agency',
    query: records.submitQuery,
    body: { ...json(statements.statement), ...ndjson(statements.statement) },
    answers: {
      200: { ...json(z.union([records.submitted, records.dryAnswer])), ...ndjson(records.answerLine) },
      201: json(records.submitted),
      413: { ...ndjson(records.answerLine), 'application/problem+json': service.problem },
    },
  },
  {
    id: 'listRecords',
    method: 'get',
    path: '/v1/records',
    summary: 'Find records by hash, agency or record id, or list them all, newest first, page by page with the cursor.',
    query: records.recordQuery,
    answers: { 200: json(records.recordList) },
  },
  {
    id: 'listDigests',
    method: 'get',
    path: '/v1/digests/:prefix',
    summary: 'The digests that begin with 3 to 8 hex digits: compare them on your own machine, and nobody learns which file you hold.',
    query: records.digestQuery,
    answers: { 200: json(records.digestList) },
  },
  {
    id: 'getRecord',
    method: 'get',
    path: '/v1/records/:index',
    summary: 'A record: its statement, its state and its versions.',
    answers: { 200: json(records.record) },
  },
  {
    id: 'getReceipt',
    method: 'get',
    path: '/v1/records/:index/receipt',
    summary: 'The receipt of a record.',
    answers: { 200: json(receipts.receipt) },
  },
  {
    id: 'requestErasure',
    method: 'post',
    path: '/v1/records/:index/erasure',
    summary: 'Ask to erase a statement. It is hidden at once, and erased when it is due.',
    key: 'admin',
    body: json(erasures.newErasure),
    answers: { 200: json(erasures.erasureDone), 202: json(erasures.erasureDue) },
  },
  {
    id: 'takeBackErasure',
    method: 'delete',
    path: '/v1/records/:index/erasure',
    summary: 'Take the request back, until it is due.',
    key: 'admin',
    answers: { 204: null },
  },
  {
    id: 'listReceipts',
    method: 'get',
    path: '/v1/receipts/:from/:to',
    summary: 'Receipts of [from, to), at most 10,000, one a line. Entries that do not exist yet are left out.',
    answers: { 200: ndjson(receipts.receiptLine) },
  },
  {
    id: 'listStatements',
    method: 'get',
    path: '/v1/statements/:from/:to',
    summary: 'Statements of [from, to), at most 10,000, one a line. Entries that do not exist yet are left out.',
    answers: { 200: ndjson(receipts.statementLine) },
  },
  {
    id: 'getInclusionProof',
    method: 'get',
    path: '/v1/proofs/inclusion/:index/:size',
    summary: 'Proof that an entry is in the tree of a given size.',
    answers: { 200: json(receipts.inclusion) },
  },
  {
    id: 'getConsistencyProof',
    method: 'get',
    path: '/v1/proofs/consistency/:from/:to',
    summary: 'Proof that a tree grew from one size to another.',
    answers: { 200: json(receipts.consistency) },
  },
  {
    id: 'listAnchors',
    method: 'get',
    path: '/v1/anchors',
    summary: 'The anchors on the chain.',
    query: anchors.anchorQuery,
    answers: { 200: json(anchors.anchors) },
  },
  {
    id: 'getAnchor',
    method: 'get',
    path: '/v1/anchors/:size',
    summary: 'The final anchor of exactly this size.',
    answers: { 200: json(anchors.anchor) },
  },
  {
    id: 'listRounds',
    method: 'get',
    path: '/v1/rounds',
    summary: 'The rounds in ascending order of size, and what vouches for each.',
    query: rounds.roundQuery,
    answers: { 200: json(rounds.rounds) },
  },
  {
    id: 'getRound',
    method: 'get',
    path: '/v1/rounds/:size',
    summary: 'The round of exactly this size.',
    answers: { 200: json(rounds.round) },
  },
  { id: 'getStatus', method: 'get', path: '/v1/status', summary: 'The state of the ledger.', answers: { 200: json(service.status) } },
  {
    id: 'listLogKeys',
    method: 'get',
    path: '/v1/keys',
    summary: "The log's keys, and how each was introduced by the previous one.",
    answers: { 200: json(anchors.logKeys) },
  },
  {
    id: 'getPolicy',
    method: 'get',
    path: '/policy.json',
    summary: 'The policy of this ledger’s verifiers. Pin your own copy.',
    answers: { 200: json(anchors.policy) },
  },
  {
    id: 'addAgency',
    method: 'post',
    path: '/v1/agencies',
    summary: 'Register an agency.',
    key: 'operator',
    body: json(agencies.newAgency),
    answers: { 201: json(agencies.agency) },
  },
  { id: 'listAgencies', method: 'get', path: '/v1/agencies', summary: 'All agencies.', answers: { 200: json(agencies.agencyList) } },
  { id: 'getAgency', method: 'get', path: '/v1/agencies/:id', summary: 'One agency.', answers: { 200: json(agencies.agency) } },
  {
    id: 'getOwnKey',
    method: 'get',
    path: '/v1/key',
    summary: 'What the ledger knows of the key that this request carries.',
    key: 'agency',
    answers: { 200: json(agencies.ownKey) },
  },
  {
    id: 'addKey',
    method: 'post',
    path: '/v1/agencies/:id/keys',
    summary: 'Make an API key. It is shown only once.',
    key: 'admin',
    body: json(agencies.newKey),
    answers: { 201: json(agencies.createdKey) },
  },
  {
    id: 'listKeys',
    method: 'get',
    path: '/v1/agencies/:id/keys',
    summary: 'The API keys of an agency.',
    key: 'admin',
    answers: { 200: json(agencies.keyList) },
  },
  {
    id: 'getKey',
    method: 'get',
    path: '/v1/agencies/:id/keys/:keyId',
    summary: 'One API key.',
    key: 'admin',
    answers: { 200: json(agencies.apiKey) },
  },
  {
    id: 'getBackup',
    method: 'get',
    path: '/v1/backup',
    summary: 'Every row of the store as of now, for openseal backup.',
    key: 'operator',
    answers: { 200: { 'application/octet-stream': null } },
  },
  {
    id: 'revokeKey',
    method: 'delete',
    path: '/v1/agencies/:id/keys/:keyId',
    summary: 'Revoke an API key.',
    key: 'admin',
    answers: { 204: null },
  },
  {
    id: 'getCheckpoint',
    method: 'get',
    path: '/checkpoint',
    summary: 'The newest checkpoint (C2SP tlog-checkpoint).',
    answers: { 200: { 'text/plain': null } },
  },
  ...TILES,
  { id: 'getHealth', method: 'get', path: '/healthz', summary: 'Alive.', answers: { 200: json(service.health) } },
  {
    id: 'getReadiness',
    method: 'get',
    path: '/readyz',
    summary: 'Accepting submissions, with alarms.',
    answers: { 200: json(service.readiness), 503: json(service.readiness) },
  },
  { id: 'getMetrics', method: 'get', path: '/metrics', summary: 'Prometheus metrics.', answers: { 200: { 'text/plain': null } } },
  {
    id: 'getOpenApi',
    method: 'get',
    path: '/openapi.json',
    summary: 'This document.',
    answers: { 200: json(z.looseObject({ openapi: z.string() })) },
  },
]
