/** Operations: what the service exports is what alarms and dashboard ask for, every alarm has its section, and a stop answers what was taken. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'
import { type Service, startServer } from '../src/server/server.ts'
import { statement } from './http/service.ts'
import { head } from './http/socket.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const OPERATOR_KEY = 'oso_operator-key-of-this-test'
const AGENCY = 'transport.gov.example'

describe('operations', function () {
  this.timeout(60_000)
  let folder: string
  let service: Service
  let port: number
  let key: string
  const logged: string[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-ops-'))
    const config = readConfig({
      OPENSEAL_PORT: '0',
      OPENSEAL_CHAIN_PORT: '0',
      OPENSEAL_DATA: join(folder, 'data'),
      OPENSEAL_ANCHOR_INTERVAL: '200ms',
      OPENSEAL_OPERATOR_KEY: OPERATOR_KEY,
    })
    service = await startServer(config, { log: createLog({ write: line => logged.push(line), nowMs: Date.now }) })
    port = Number(new URL(service.url).port)
    await send('/v1/agencies', { id: AGENCY, name: 'Transport' }, OPERATOR_KEY)
    key = (await (await send(`/v1/agencies/${AGENCY}/keys`, {}, OPERATOR_KEY)).json()).key
  })
  after(async () => {
    await service?.close()
    await rm(folder, { recursive: true, force: true })
  })
  const send = (path: string, body: unknown, bearer: string) =>
    fetch(service.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  const alerts = [
    ...read('ops/alerts.yml').matchAll(
      /- alert: (\w+)\n +expr: '(.*)'\n +for: \d+[mh]\n +labels:\n +severity: (?:critical|warning)\n +annotations:\n +summary: '.+'\n +runbook: 'docs\/runbook\.md#(\w+)'/g,
    ),
  ]
  const dashboard = JSON.parse(read('ops/grafana.json'))
  const panels: { title: string; targets: { expr: string }[] }[] = dashboard.panels

  it('exports every metric that an alarm or the dashboard asks for, each with what it means', async () => {
    await send('/v1/records', {}, 'wrong')
    await send('/v1/records', statement(0), key)
    const text = await (await fetch(`${service.url}/metrics`)).text()
    const exported = new Set([...text.matchAll(/^# HELP (\w+) \S/gm)].map(([, name]) => name))
    const asked = [...alerts.map(([, , expr]) => expr!), ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))]
    const names = asked.flatMap(expr => expr.replace(/"[^"]*"/g, '').match(/\b(openseal|nodejs|process)_\w+/g) ?? [])
    ok(names.length > 30)
    deepEqual(
      names.filter(name => !exported.has(name) && !exported.has(name.replace(/_(bucket|sum|count)$/, ''))),
      [],
    )
  })

  it('asks in its alarms only for codes that the service has', () => {
    const known = read('src/http/problem.ts') + read('src/http/admission.ts')
    const codes = alerts.flatMap(([, , expr = '']) => [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, list = '']) => list.split('|')))
    ok(codes.length > 5)
    deepEqual(
      codes.filter(code => !known.includes(`  ${code}: `) && !known.includes(`'${code}'`)),
      [],
    )
  })

  it('shows lag, funds, seal latency, scrub, waiting and refusals on the dashboard, and has a section of the runbook for every alarm', () => {
    equal(alerts.length, read('ops/alerts.yml').match(/- alert:/g)?.length)
    const shown = JSON.stringify(panels)
    for (const name of ['anchor_lag_seconds', 'anchor_affordable', 'seal_seconds', 'scrub_findings', 'waiting', 'problems_total'])
      ok(shown.includes(`openseal_${name}`), name)
    equal(new Set(panels.map(({ title }) => title)).size, panels.length)
    const sections = [...read('docs/runbook.md').matchAll(/^## (\w+)\n(.{100,})/gm)].map(([, name]) => name)
    deepEqual(
      alerts.map(([, name]) => name),
      sections,
    )
    for (const [, name, , anchor] of alerts) equal(anchor, name!.toLowerCase())
  })

  it('is held in by its unit as far as a service that needs one folder and the network can be', () => {
    const unit = read('ops/openseal.service')
    for (const setting of [
      'NoNewPrivileges=true',
      'ProtectSystem=strict',
      'CapabilityBoundingSet=',
      'UMask=0077',
      'SystemCallFilter=@system-service',
      'PrivateDevices=true',
    ])
      ok(unit.split('\n').includes(setting), setting)
    match(unit, /^ExecStart=\/usr\/bin\/node \/opt\/openseal\/scripts\/openseal\.js serve$/m)
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])
    ok(seconds > 10, 'longer than requests have')
    const variables = [...unit.matchAll(/^Environment=(OPENSEAL_\w+)=/gm)].map(([, name]) => name)
    deepEqual(variables, ['OPENSEAL_DATA', 'OPENSEAL_MARK'])
  })

  it('logs one JSON object a line, without a key, whatever was sent', async () => {
    await send('/v1/records', statement(0), `${key}x`)
    await send('/v1/agencies', {}, `${OPERATOR_KEY}x`)
    await fetch(`${service.url}/${key}?key=${key}`)
    const log = createLog({ write: line => logged.push(line), nowMs: Date.now })
    const cause = new Error(`asked https://user:password@rpc.example with Authorization: Bearer ${OPERATOR_KEY}`)
    log.error('test', { error: new Error(`refused ${key}`, { cause }), nested: { url: 'postgres://user:password@db.example/x' } })
    for (const line of logged) {
      const { time, level, event } = JSON.parse(line)
      match(time, /^\d{4}-\d\d-\d\dT/)
      ok(['info', 'warn', 'error'].includes(level) && typeof event === 'string')
    }
    const all = logged.join('')
    ok(all.includes(`${key.slice(0, 21)}…`), 'the id of a key may be told')
    for (const secret of [key.slice(21), OPERATOR_KEY.slice(4), 'password']) ok(!all.includes(secret), all)
  })

  it('answers at a stop all that it has taken, tells the rest to come again, and tells the load balancer', async () => {
    const socket = connect(port, '127.0.0.1')
    const second = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', data => {
      text += data
    })
    const heads = [`Authorization: Bearer ${key}`, 'Content-Type: application/x-ndjson', 'Transfer-Encoding: chunked']
    socket.write(head('POST', '/v1/records', heads))
    const write = (lines: string) => socket.write(`${Buffer.byteLength(lines).toString(16)}\r\n${lines}\r\n`)
    write(Array.from({ length: 500 }, (_, n) => `${JSON.stringify(statement(n))}\n`).join(''))
    const isSealed = async () => (await (await fetch(`${service.url}/v1/status`)).json()).size > 500
    while (!(await isSealed())) await new Promise(resolve => setTimeout(resolve, 10))
    // A connection that the stop finds in use: its last request is asked once the stop has begun.
    let ready = ''
    second.on('data', data => {
      ready += data
    })
    const lastAsked = new Promise(resolve => second.once('close', resolve))
    second.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n')
    while (!ready.includes('"ok"')) await new Promise(resolve => second.once('data', resolve))
    const closed = service.close()
    second.write('\r\n')
    await lastAsked
    match(ready, /HTTP\/1\.1 503 [\s\S]*The ledger is being stopped\./)
    write(`${JSON.stringify(statement(900))}\n`)
    socket.write('0\r\n\r\n')
    await new Promise(resolve => socket.once('close', resolve))
    await closed
    const accepted = text.match(/"status":20[01],"index"/g)?.length
    equal(accepted, 500)
    match(text, /"line":501,"status":503,"code":"LEDGER_CLOSED"/)
    match(text, /"rejected":1\}/)
  })
})
