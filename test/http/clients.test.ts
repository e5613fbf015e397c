/**
 * Other tools' use of /openapi.json: a validator, and a generated client, compiled and used against
 * a real service.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { Validator } from '@seriousme/openapi-schema-validator'
import { build } from 'esbuild'
import { generate } from 'openapi-typescript-codegen'
import { openApiDocument } from '../../src/http/openapi.ts'
import { OPERATIONS } from '../../src/http/operations.ts'
import { type AnyJson, openService, type Service, statement } from './service.ts'

/**
 * Written in TypeScript as a user of the generated client would. The compiler tests what the types
 * do not allow.
 */
const USER = `
import { ApiError, DefaultService as Ledger, OpenAPI, type AnswerLine, type Publication } from './client/index'

export async function use(base: string, token: string, sent: Publication) {
  OpenAPI.BASE = base
  OpenAPI.TOKEN = token
  const dry = await Ledger.submitRecord(sent, '')
  const first = await Ledger.submitRecord(sent)
  const again = await Ledger.submitRecord(sent)
  if (!('index' in first) || !('index' in again)) throw new Error('no index')
  const { index } = first
  const record = await Ledger.getRecord(index)
  const receipt = await Ledger.getReceipt(index)
  const list = await Ledger.listRecords(undefined, sent.agency, sent.record, undefined, 5)
  const digests = await Ledger.listDigests(sent.documents[0]!.sha256.slice(0, 6))
  const proof = await Ledger.getInclusionProof(index, index + 1)
  const lines: string = await Ledger.listStatements(index, index + 1)
  const tile = await Ledger.getPartialTile(0, '000', 1)
  const refused = await Ledger.submitRecord({ ...sent, record: ' ' }).catch((error: unknown) => error)
  if (!(refused instanceof ApiError)) throw new Error('was not refused')
  return { dry, index, again: again.index, record, receipt, list, digests, proof, lines, tile, refused: { status: refused.status, body: refused.body } }
}

export const lineOf = (line: AnswerLine): string => ('accepted' in line ? 'the summary' : 'code' in line ? line.code : 'taken')
// @ts-expect-error a publication says nothing of a reason
export const wrong: Publication['reason'] = undefined
`

describe('http: clients made of openapi.json', () => {
  let service: Service
  let folder: string
  before(async () => {
    service = await openService()
    folder = await mkdtemp(join(tmpdir(), 'openseal-client-'))
  })
  after(async () => {
    await service.close()
    await rm(folder, { recursive: true })
  })

  it('is a document that a validator of OpenAPI 3.1 accepts', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate((await service.get('/openapi.json')).json)
    ok(valid, JSON.stringify(errors))
    equal(validator.version, '3.1')
  })

  it('names every operation, once, and spells nothing that generators stumble over', () => {
    const ids = OPERATIONS.map(({ id }) => id)
    equal(new Set(ids).size, ids.length)
    for (const id of ids) match(id, /^[a-z][A-Za-z0-9]*$/)
    const document = openApiDocument() as AnyJson
    const text = JSON.stringify(document)
    ok(!text.includes('"const":'), 'a lone constant')
    ok(!/"pattern":"[^"]*\(\?[=!<]/.test(text), 'a pattern that looks around')
    ok(!/"pattern":"[^"]*\\\\p/.test(text), 'a pattern with classes of Unicode')
    const parameters = Object.values<AnyJson>(document.paths).flatMap(path =>
      Object.values<AnyJson>(path).flatMap(({ parameters }) => parameters),
    )
    // The days of a search are called from and to as well.
    const isDay = (parameter: AnyJson) => parameter.in === 'query' && /^(from|to)$/.test(parameter.name)
    const numbers = parameters.filter((each: AnyJson) => /^(index|size|from|to|level|width|limit)$/.test(each.name) && !isDay(each))
    ok(numbers.length > 15)
    deepEqual([...new Set(numbers.map(({ schema }: AnyJson) => schema.type))], ['integer'])
    // Names that a generated module would hide from itself.
    for (const builtin of ['Record', 'Error', 'Object', 'Map', 'Date', 'Warning']) equal(document.components.schemas[builtin], undefined)
    const line = document.paths['/v1/records'].post.responses[200].content['application/x-ndjson']
    deepEqual([line.schema.type, line['x-item-schema'].$ref], ['string', '#/components/schemas/AnswerLine'])
  })

  it('gives a TypeScript client that compiles, and that submits, finds and proves against a real service', async function () {
    this.timeout(60_000)
    await generate({
      input: (await service.get('/openapi.json')).json,
      output: join(folder, 'client'),
      httpClient: 'fetch',
      useUnionTypes: true,
    })
    const user = join(folder, 'user.ts')
    await writeFile(user, USER)
    const compiler = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')
    const strict = [
      '--noEmit',
      '--ignoreConfig',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
      '--lib',
      'es2023,dom,dom.iterable',
    ]
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, ...strict, '--types', '', user]).catch(error => error)
    equal(stdout, '')
    await build({ entryPoints: [user], bundle: true, format: 'esm', platform: 'node', outfile: join(folder, 'user.mjs') })
    const { use } = await import(pathToFileURL(join(folder, 'user.mjs')).href)
    const sent = statement(1, { title: 'Road works' })
    const got = await use(`http://127.0.0.1:${service.port}`, service.key, sent)
    deepEqual([got.dry, got.index, got.again], [{ warnings: [] }, 1, 1])
    deepEqual([got.record.index, got.record.statement.title, got.receipt.type], [1, 'Road works', 'openseal/receipt@v1'])
    deepEqual(
      got.list.records.map(({ index }: AnyJson) => index),
      [1],
    )
    deepEqual(got.digests.digests, [{ digest: sent.documents[0]!.sha256, indexes: [1] }])
    deepEqual([got.proof.index, got.proof.size, got.proof.proof.length], [1, 2, 1])
    equal(JSON.parse(got.lines).statement.record, sent.record)
    deepEqual([got.refused.status, got.refused.body.code], [400, 'STATEMENT_MALFORMED'])
  })
})
