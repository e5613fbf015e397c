/**
 * Operations: what the service exports is what alarms and dashboard ask for, every alarm has its
 * section, and a stop answers what was taken.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readConfig } from '../src/config.ts'
import { OPERATIONS } from '../src/http/operations.ts'
import { createLog } from '../src/logger.ts'
import { type Service, startServer } from '../src/server/server.ts'
import { parseSections, sectionOf } from '../src/web/desk/alarm-text.ts'
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
      /- alert: (\w+)\n +expr: '(.*)'\n +for: \d+[mh]\n +labels:\n +severity: (?:critical|warning)\n +annotations:\n +summary: '.+'\n +runbook: 'docs\/alarms\.md#(\w+)'/g,
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
    const known = read('src/http/problem.ts') + read('src/http/guard/admission.ts')
    const codes = alerts.flatMap(([, , expr = '']) => [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, list = '']) => list.split('|')))
    ok(codes.length > 5)
    deepEqual(
      codes.filter(code => !known.includes(`  ${code}: `) && !known.includes(`'${code}'`)),
      [],
    )
  })

  it('shows lag, funds, seal latency, scrub, waiting and refusals on the dashboard, and has a section in the documents for every alarm', () => {
    equal(alerts.length, read('ops/alerts.yml').match(/- alert:/g)?.length)
    const shown = JSON.stringify(panels)
    for (const name of ['anchor_lag_seconds', 'anchor_affordable', 'seal_seconds', 'scrub_findings', 'waiting', 'problems_total'])
      ok(shown.includes(`openseal_${name}`), name)
    equal(new Set(panels.map(({ title }) => title)).size, panels.length)
    const sections = [...read('docs/alarms.md').matchAll(/^## (\w+)\n(.{100,})/gm)].map(([, name]) => name)
    deepEqual(
      alerts.map(([, name]) => name),
      sections,
    )
    for (const [, name, , anchor] of alerts) equal(anchor, name!.toLowerCase())
  })

  it('has a section of the runbook for every code that /readyz can name', () => {
    const sources = [
      'http/routes/service',
      'server/open-log',
      'server/mark',
      'care/mark',
      'server/erasing',
      'anchor/compare',
      'anchor/lag',
      'anchor/trouble',
      'anchor/anchoring',
      'anchor/asked-voucher',
      'anchor/authorities',
      'anchor/witness-client',
      'chain/endpoints',
      'chain/log-contract',
      'chain/publisher',
      'chain/signer',
      'timestamps/client',
      'timestamps/exchange',
      'timestamps/revocation',
      'timestamps/second-opinion',
      'core/timestamp/token',
      'verifier/timestamp/chain',
      'verifier/timestamp/signature',
      'verifier/timestamp/verify-token',
    ]
    // Of these, two are no trouble, and the key files are read before anything is served.
    const others = ['CHAIN_ALREADY_KNOWN', 'CHAIN_NONCE_TOO_LOW', 'CHAIN_KEY_MALFORMED', 'CHAIN_KEY_PASSWORD', 'CHAIN_KEY_UNREADABLE']
    const codes = sources.flatMap(
      name =>
        read(`src/${name}.ts`).match(/(?<=')(?:LEDGER|LOG|MARK|ERASURE|ANCHOR|CHAIN|WITNESS|TIMESTAMP|VOUCHER|ROUND)_[A-Z_]+(?=')/g) ?? [],
    )
    ok(new Set(codes).size > 10)
    const sections = parseSections(read('docs/alarms.md'))
    deepEqual(
      [...new Set(codes)].filter(code => !others.includes(code) && sectionOf(sections, code) === undefined),
      [],
    )
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
    // The operator's command works on the same folders, as the same user.
    const command = read('ops/openseal.sh')
    for (const [, setting] of unit.matchAll(/^Environment=(OPENSEAL_\w+=.*)$/gm)) ok(command.includes(`export ${setting}\n`), setting)
    match(command, new RegExp(`runuser -u ${/^User=(.*)$/m.exec(unit)?.[1]} -- \\S+ /opt/openseal/scripts/openseal\\.js`))
  })

  /** The variables that a file of ops/ sets, as the service and the commands would see them. */
  const settings = (path: string, pattern: RegExp) =>
    Object.fromEntries([...read(path).matchAll(pattern)].map(([, name, value]) => [name, value])) as { readonly [name: string]: string }
  const environment = settings('ops/environment', /^(OPENSEAL_\w+)=(.*)$/gm)

  it('sets in its files only what the configuration has, each to a value that it takes', () => {
    const config = readConfig(environment)
    ok(Object.keys(environment).length > 10)
    deepEqual([config.url, config.operator, config.trustedProxies], ['https://ledger.example', { host: '127.0.0.1', port: 9090 }, 1])
    for (const [path, pattern] of [
      ['ops/openseal.service', /^Environment=(OPENSEAL_\w+)=(.*)$/gm],
      ['ops/openseal-backup.service', /^Environment=(OPENSEAL_\w+)=(.*)$/gm],
      ['ops/compose.yml', /^ +(OPENSEAL_\w+): (.*)$/gm],
      ['ops/Dockerfile', /\b(OPENSEAL_\w+)=(\S+)/g],
    ] as const) {
      const found = settings(path, pattern)
      ok(Object.keys(found).length > 0, path)
      readConfig({ ...environment, ...found })
    }
    const backup = settings('ops/openseal-backup.service', /^Environment=(OPENSEAL_\w+)=(.*)$/gm)
    equal(backup.OPENSEAL_LEDGER, `http://${environment.OPENSEAL_ADMIN}`)
    match(read('ops/prometheus.yml'), new RegExp(`targets: \\['${environment.OPENSEAL_ADMIN}'\\]`))
  })

  it('has every setting of the service on its page', () => {
    const page = read('docs/run-a-ledger/configure.md')
    const all = [...read('src/config.ts').matchAll(/^ {2}(OPENSEAL_\w+): /gm)].map(([, name]) => name!)
    ok(all.length > 25)
    deepEqual(
      all.filter(name => !page.includes(`\`${name}\``)),
      [],
    )
  })

  it('passes on through nginx and Caddy what readers and submitters need, and nothing that is the operator’s', () => {
    const nginx = read('ops/nginx.conf')
    const caddy = read('ops/Caddyfile')
    // Answered with OPERATOR_ELSEWHERE, and not distinguished by method and key.
    const hidden = ['/metrics', '/v1/backup', '/operator']
    for (const path of hidden) {
      match(nginx, new RegExp(`location (= )?${path} \\{\\s+return 404;\\s+\\}`))
      match(caddy, new RegExp(`@operator path( \\S+)* ${path}( |\\n)`))
    }
    match(caddy, /^\trespond @operator 404$/m)
    ok(hidden.slice(0, 2).every(path => OPERATIONS.some(operation => operation.path === path)))
    const places = [...nginx.matchAll(/location (?:= |~ )?(\S+) \{/g)].map(([, place]) => place!)
    const known = [...OPERATIONS.map(({ path }) => path), '/', '/operator', '^(/[a-z][a-z])?/verify$']
    deepEqual(
      places.filter(place => !known.includes(place)),
      [],
    )

    const target = `${environment.OPENSEAL_HOST}:${environment.OPENSEAL_PORT}`
    ok(nginx.includes(`server ${target};`) && caddy.includes(`LEDGER_UPSTREAM:${target}}`))
    equal(nginx.match(/proxy_pass http:\/\/openseal;/g)?.length, nginx.match(/location /g)!.length - hidden.length)
    // The ledger believes one proxy, for which these must be there; a location with a header of its
    // own would drop them.
    for (const header of ['X-Forwarded-For $proxy_add_x_forwarded_for', 'X-Forwarded-Proto $scheme', 'Host $host'])
      equal(nginx.split(`proxy_set_header ${header};`).length, 2, header)
    equal(nginx.match(/^ {8,}proxy_set_header/gm), null)
    // A stream and the form of /verify have at most 64 MiB.
    equal(nginx.match(/client_max_body_size 64m;/g)?.length, 2)
    equal(new Set(places).size, places.length)
    const format = /log_format openseal '(.*)';/.exec(nginx)![1]!
    ok(!/\$(request_uri|request|args|query_string|http_referer)\b/.test(format), format)
    match(caddy, /request>uri regexp "\\\?\.\*" ""\n\t+request>headers delete/)
  })

  it('publishes from a container only what Caddy serves, and the operator’s port to the machine alone', () => {
    const compose = read('ops/compose.yml')
    const ports = [...compose.matchAll(/^ {6}- (?:(\S+):)?(\d+):(\d+)$/gm)].map(([, host, from, to]) => [host, from, to])
    deepEqual(ports, [
      ['127.0.0.1', '9090', '9090'],
      [undefined, '80', '80'],
      [undefined, '443', '443'],
    ])
    const docker = read('ops/Dockerfile')
    for (const [, sources = ''] of docker.matchAll(/^COPY (?!--)(.+) \S+$/gm))
      for (const source of sources.split(' ')) ok(existsSync(join(root, source)), source)
    match(docker, /^USER node$/m)
    const unseen = read('ops/Dockerfile.dockerignore').split('\n')
    for (const ignored of ['data', '**/*.key', '.git', 'node_modules']) ok(unseen.includes(ignored), ignored)
    for (const [, path = ''] of compose.matchAll(/(?:- \.\/|env_file: |dockerfile: ops\/)([\w.]+)/g))
      ok(existsSync(join(root, 'ops', path)), path)
  })

  it('takes backups, keeps the newest ones, and removes none before the new one is whole', async () => {
    const backups = join(folder, 'backups')
    const olds = ['2026-01-01T000000Z', '2026-01-02T000000Z', '2026-01-03T000000Z']
    for (const name of [...olds, '2026-01-04T000000Z.part', 'of the operator']) await mkdir(join(backups, name), { recursive: true })
    const run = (keep: string, operatorKey: string) =>
      promisify(execFile)(join(root, 'ops/backup.sh'), [backups, keep, process.execPath, join(root, 'src/cli/main.ts')], {
        env: { ...process.env, OPENSEAL_LEDGER: service.url, OPENSEAL_OPERATOR_KEY: operatorKey, OPENSEAL_DATA: join(folder, 'data') },
      }).then(
        ({ stdout }) => ({ code: 0, text: stdout }),
        ({ code, stderr }) => ({ code: code as number, text: stderr as string }),
      )
    const failed = await run('2', 'oso_wrong-key-of-this-test')
    deepEqual([failed.code > 0, await readdir(backups)], [true, [...olds, 'of the operator']])
    equal((await run('0', OPERATOR_KEY)).code, 2)
    const taken = await run('2', OPERATOR_KEY)
    equal(taken.code, 0, taken.text)
    const [oldest, newest = '', other] = await readdir(backups)
    deepEqual([oldest, other], ['2026-01-03T000000Z', 'of the operator'])
    match(newest, /^\d{4}-\d\d-\d\dT\d{6}Z$/)
    ok(existsSync(join(backups, newest, 'store.backup')) && existsSync(join(backups, newest, 'keys/log.key')))
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
