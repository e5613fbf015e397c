/**
 * Runs one program of this project on a Node that can run it: `node scripts/run.js FILE [ARGUMENT…]`.
 * Plain JavaScript, because a host's own Node may be as old as 20. If that Node cannot run
 * TypeScript, the one that scripts/node/package-lock.json pins is taken from npm. Missing packages
 * are installed first, under that same Node (an older one would silently leave out Hardhat's native
 * part): those of run time for the command line, those of development too for everything else.
 */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'node_modules', '.openseal-stamp')
const onWindows = process.platform === 'win32'

/**
 * A signal that arrives again within this time is the same Ctrl-C: the terminal sends it to every
 * process, and npm passes it on as well.
 */
const SAME_SIGNAL_MS = 1000

const PROGRESS_MS = 250

/**
 * The command line needs only the run-time packages. All other programs are for developers, and
 * may need any package.
 */
const COMMAND_LINE = 'src/cli/main.ts'

/** Options of the service's Node; the bench uses the same ones. */
const service = JSON.parse(readFileSync(join(root, 'scripts', 'service.json'), 'utf8'))

/**
 * Runs a file of this project with the arguments given, and ends this process as that one ended.
 */
export async function run(file, args) {
  const node = await findNode()
  // The sources as Node has translated them are kept among the packages, so that they go when those
  // go.
  const cache = join(root, 'node_modules', '.cache', 'openseal')
  const env = { NODE_COMPILE_CACHE: cache, ...process.env, PATH: dirname(node.path) + delimiter + process.env.PATH }
  await install(node, env, file !== COMMAND_LINE)
  start(node.path, env, file, args)
}

/**
 * Runs a file of this project, or of the installed package, on a Node that can run it, and ends
 * this process as that one ended.
 */
export function start(node, env, file, args) {
  const isService = [COMMAND_LINE, 'dist/main.js'].includes(file) && args[0] === 'serve'
  const flags = isService ? service.flags : []
  const child = spawn(node, [...flags, '--import', watchParent, join(root, file), ...args], {
    env: isService ? { ...service.env, ...env } : env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // Its own process group, so that a Ctrl-C comes to it from here alone, and once.
    detached: !onWindows,
  })
  child.on('error', error => fail(`could not start ${node}: ${error.message}`))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) passOn(signal, child)
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

/**
 * Writes down what node_modules was installed from. npm runs it after every install (`prepare`).
 * npm also runs it when it links this clone and installs nothing. Then the stamp stays, or the next
 * start would install again under the Node that npm ran with.
 */
export function stampInstall() {
  const stamp = readStamp()
  const packages = isInstalled(true) ? 'all' : 'run-time'
  if (stamp.lock !== hashLock() || stamp.packages !== packages)
    writeStamp({ lock: hashLock(), node: majorOf(process.versions.node), packages })
}

/**
 * Loaded into the program: if this process is killed, the program ends too and frees its port.
 * Processes that the program forks inherit this code, but have a channel of their own and are left
 * alone.
 */
const watchParent = `data:text/javascript,${encodeURIComponent(
  `if (process.ppid === ${process.pid}) { process.on('disconnect', () => process.kill(process.pid, 'SIGKILL')); process.channel.unref() }`,
)}`

function passOn(signal, child) {
  let lastMs = Number.NEGATIVE_INFINITY
  process.on(signal, () => {
    const nowMs = performance.now()
    if (nowMs - lastMs >= SAME_SIGNAL_MS) child.kill(signal)
    lastMs = nowMs
  })
}

/** Path and version of a Node that runs TypeScript as it is: this one, or the pinned one. */
async function findNode() {
  return runsTypeScript(process.versions.node) ? { path: process.execPath, version: process.versions.node } : fetchNode()
}

/**
 * Path and version of the pinned Node, fetched from npm if it is not here yet. `npm ci` takes it
 * only with the SHA-512 of the lock file, and runs no script of a package. It is put in its place
 * as a whole, so that two starts at once, or one that breaks off, do no harm.
 */
export async function fetchNode() {
  const home = join(root, 'scripts', 'node')
  const { optionalDependencies: pinned } = readJson(join(home, 'package.json'))
  const name = `node-${onWindows ? 'win' : process.platform}-${process.arch}`
  const advice = 'Install Node 24 from https://nodejs.org, and try again.'
  const version = pinned[name]
  if (version === undefined) fail(`Node ${process.versions.node} is too old to run OpenSeal, and none is pinned for this system. ${advice}`)
  const place = join('node_modules', name, 'bin', onWindows ? 'node.exe' : 'node')
  const path = join(home, place)
  const isHere = () => existsSync(path) && readJson(join(home, 'node_modules', name, 'package.json')).version === version
  if (isHere()) return { path, version }

  const temporary = mkdtempSync(join(home, '.new-'))
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(home, file), join(temporary, file))
  const title = `Node ${process.versions.node} is too old: fetching Node ${version} for this project`
  await npm(title, ['ci', '--ignore-scripts'], { cwd: temporary })
  // Another start may have been faster, and put the same files there.
  if (existsSync(join(temporary, place)) && !isHere()) {
    rmSync(join(home, 'node_modules'), { recursive: true, force: true })
    renameSync(join(temporary, 'node_modules'), join(home, 'node_modules'))
  }
  rmSync(temporary, { recursive: true, force: true })
  if (!isHere())
    fail(
      `Node ${version} could not be fetched from npm with the SHA-512 that scripts/node/package-lock.json pins. Check the network. ${advice}`,
    )
  return { path, version }
}

/**
 * Installs what is missing: the run-time packages, and those of development if the program may
 * need them.
 */
async function install({ path, version }, env, withDevelopment) {
  const [lock, node, before] = [hashLock(), majorOf(version), readStamp()]
  const isSame = before.lock === lock && before.node === node
  if (isSame && before.path === path && (before.packages === 'all' || !withDevelopment)) return
  if (!(before.node === node && isInstalled(withDevelopment))) {
    refuseLink(join(root, 'node_modules'))
    const what = withDevelopment ? 'all packages, for development too' : 'the run-time packages'
    const why = before.lock === '' ? 'first start: ' : before.lock === lock ? '' : 'package-lock.json has changed: '
    // npm ci removes everything first. If only packages of development are missing, a service may
    // be running from the others.
    const command =
      isSame && isInstalled(false) ? ['install', '--no-save', '--include=dev'] : ['ci', withDevelopment ? '--include=dev' : '--omit=dev']
    const wanted = [...wantedPackages(withDevelopment)]
      .filter(([, { optional }]) => !optional)
      .map(([place]) => join(root, place, 'package.json'))
    const done = await npm(`${why}installing ${what}`, command, { cwd: root, env, wanted })
    if (!done) fail('npm could not install them: see above. Check the network and try again.')
  }
  writeStamp({ lock, node, packages: isInstalled(true) ? 'all' : 'run-time', path })
}

/** Through a link, npm would empty the folder of whatever else uses it. */
function refuseLink(folder) {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return
  fail(`${folder} is a link to ${readlinkSync(folder)}, and its packages do not fit. Remove the link, or install there, and try again.`)
}

/**
 * Runs npm and says how far it is: on a terminal, in a line that is written anew. Shows what npm
 * printed only if npm failed.
 */
async function npm(title, args, { cwd, env = process.env, wanted = [] }) {
  const startMs = performance.now()
  const seconds = () => `${Math.round((performance.now() - startMs) / 1000)} s`
  const progress = () => (wanted.length > 0 ? `${wanted.filter(file => existsSync(file)).length} of ${wanted.length}, ` : '') + seconds()
  const onTerminal = process.stderr.isTTY === true
  if (!onTerminal) say(`${title} …`)
  const draw = () => process.stderr.write(`\r\x1b[2Kopenseal: ${title} (${progress()})`.slice(0, (process.stderr.columns || 80) + 4))
  const timer = onTerminal ? setInterval(draw, PROGRESS_MS) : undefined

  const child = spawn('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: onWindows,
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (printed += chunk))
  const status = await new Promise(resolve => child.on('error', () => resolve(1)).on('close', resolve))

  clearInterval(timer)
  if (onTerminal) process.stderr.write('\r\x1b[2K')
  if (status === 0) say(`${onTerminal ? `${title}: ` : ''}done in ${seconds()}`)
  else process.stderr.write(printed)
  return status === 0
}

/** Whether node_modules holds what the lock file names, by npm's own list of it. */
function isInstalled(withDevelopment) {
  const installed = new Map(readPackages(join(root, 'node_modules', '.package-lock.json')))
  const all = wantedPackages(true)
  const isThere = ([place, { version, optional, devOptional }]) =>
    installed.has(place) ? installed.get(place).version === version : optional === true || devOptional === true
  return installed.size > 0 && [...wantedPackages(withDevelopment)].every(isThere) && [...installed.keys()].every(place => all.has(place))
}

/** The packages of the lock file, by their place in this folder. */
function wantedPackages(withDevelopment) {
  return new Map(readPackages(join(root, 'package-lock.json')).filter(([, { dev }]) => withDevelopment || dev !== true))
}

function readPackages(lockFile) {
  return Object.entries((existsSync(lockFile) && readJson(lockFile).packages) || {}).filter(([place]) => place !== '')
}

function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number)
  return (major === 22 && minor >= 18) || (major === 23 && minor >= 6) || major >= 24
}

function majorOf(version) {
  return version.split('.')[0]
}

function hashLock() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/**
 * The state from which node_modules was installed: the lock file's hash, Node's major version, the
 * packages (`run-time` or `all`), and the path of that Node.
 */
function readStamp() {
  const [lock = '', node, packages, path] = existsSync(stampFile) ? readFileSync(stampFile, 'utf8').split('\n') : []
  return { lock, node, packages, path }
}

function writeStamp({ lock, node, packages, path = '' }) {
  writeFileSync(stampFile, `${[lock, node, packages, path].join('\n')}\n`)
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

function say(line) {
  process.stderr.write(`openseal: ${line}\n`)
}

function fail(line) {
  say(line)
  process.exit(1)
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const [file, ...args] = process.argv.slice(2)
  if (file === '--stamp') stampInstall()
  else if (file === undefined) fail('usage: node scripts/run.js FILE [ARGUMENT…]')
  else await run(file, args)
}
