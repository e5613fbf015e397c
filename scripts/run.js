/**
 * Runs one program of this project on a Node that can run it: `node scripts/run.js FILE [ARGUMENT…]`. Plain JavaScript, because a host's own
 * Node may be as old as 20. Where that Node cannot run TypeScript, the Node that scripts/node/package-lock.json pins is taken from npm; where node_modules is
 * missing or older than the lock file, it is installed first, under that same Node (an older one would silently leave out Hardhat's native part).
 */

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'node_modules', '.openseal-stamp')
const onWindows = process.platform === 'win32'

/** A signal that arrives again within this time is the same Ctrl-C: the terminal sends it to every process, and npm passes it on as well. */
const SAME_SIGNAL_MS = 1000

/** What the service runs with; the bench measures with the same. */
const service = JSON.parse(readFileSync(join(root, 'scripts', 'service.json'), 'utf8'))

/** Runs a file of this project with the arguments given, and ends this process as that one ended. */
export function run(file, args) {
  const node = findNode()
  const env = { ...process.env, PATH: dirname(node) + delimiter + process.env.PATH }
  install(node, env)
  start(node, env, file, args)
}

/** Runs a file of this project, or of the installed package, on a Node that can run it, and ends this process as that one ended. */
export function start(node, env, file, args) {
  const isService = ['src/cli/main.ts', 'dist/main.js'].includes(file) && args[0] === 'serve'
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
 * Writes down which lock file, and which Node, node_modules was installed from. npm runs it after every install (`prepare`), and also when npm links
 * this clone, where nothing is installed: then the stamp stays, or the next start would install again under whatever Node npm ran with.
 */
export function stampInstall() {
  const stamp = stampOf(process.versions.node)
  if (readStamp().split('\n')[0] !== stamp.split('\n')[0]) writeFileSync(stampFile, stamp)
}

/**
 * Loaded into the program: when this process is killed outright, the program must not live on unseen and hold the port. What the program forks
 * inherits it, has a channel of its own, and is left alone.
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

/** Path of a Node that runs TypeScript as it is: this one, or the pinned one. */
function findNode() {
  return runsTypeScript(process.versions.node) ? process.execPath : fetchNode()
}

/**
 * Path of the pinned Node, fetched from npm where it is not here yet. `npm ci` takes it only with the SHA-512 of the lock file, and no script of a package runs.
 * It is put in its place as a whole, so that two starts at once, or one that breaks off, do no harm.
 */
export function fetchNode() {
  const home = join(root, 'scripts', 'node')
  const { optionalDependencies: pinned } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const name = `node-${onWindows ? 'win' : process.platform}-${process.arch}`
  const advice = 'Install Node 24 from https://nodejs.org, and try again.'
  const version = pinned[name]
  if (version === undefined) fail(`Node ${process.versions.node} is too old to run OpenSeal, and none is pinned for this system. ${advice}`)
  const place = join('node_modules', name, 'bin', onWindows ? 'node.exe' : 'node')
  const path = join(home, place)
  const isHere = () =>
    existsSync(path) && JSON.parse(readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8')).version === version
  if (isHere()) return path

  say(`Node ${process.versions.node} is too old to run OpenSeal: taking Node ${version} from npm, for this project only`)
  const temporary = mkdtempSync(join(home, '.new-'))
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(home, file), join(temporary, file))
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  spawnSync('npm', options, { cwd: temporary, stdio: ['ignore', 2, 2], shell: onWindows })
  // Another start may have been faster, and have put the same there.
  if (existsSync(join(temporary, place)) && !isHere()) {
    rmSync(join(home, 'node_modules'), { recursive: true, force: true })
    renameSync(join(temporary, 'node_modules'), join(home, 'node_modules'))
  }
  rmSync(temporary, { recursive: true, force: true })
  if (!isHere())
    fail(
      `Node ${version} could not be fetched from npm with the SHA-512 that scripts/node/package-lock.json pins. Check the network. ${advice}`,
    )
  return path
}

function install(node, env) {
  const version = node === process.execPath ? process.versions.node : spawnSync(node, ['-v'], { encoding: 'utf8' }).stdout.trim().slice(1)
  const wanted = stampOf(version)
  const have = readStamp().split('\n')
  if (have.slice(0, 2).join('\n') !== wanted.trim() && !(have[1] === wanted.split('\n')[1] && isInstalled())) {
    say(`${have[0] === '' ? 'first start' : 'package-lock.json has changed'}: running npm ci, which takes a minute`)
    const done = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      env,
      stdio: ['ignore', 2, 2],
      shell: onWindows,
    })
    if (done.status !== 0) fail('npm ci failed: see above. Check the network and try again.')
  } else if (have.join('\n').trim() === `${wanted}${node}`) return
  writeFileSync(stampFile, `${wanted}${node}\n`)
}

/** Whether node_modules holds what the lock file names, by npm's own list of it: then the lock file has only gained hashes, say. */
function isInstalled() {
  const read = file =>
    Object.entries(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {}).filter(([path]) => path !== '')
  const wanted = read(join(root, 'package-lock.json'))
  const installed = new Map(read(join(root, 'node_modules', '.package-lock.json')))
  const isThere = ([path, { version, optional }]) => (installed.has(path) ? installed.get(path).version === version : optional === true)
  return installed.size > 0 && wanted.every(isThere) && [...installed.keys()].every(path => wanted.some(([other]) => other === path))
}

function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number)
  return (major === 22 && minor >= 18) || (major === 23 && minor >= 6) || major >= 24
}

function stampOf(version) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return `${lock}\nnode ${version.split('.')[0]}\n`
}

function readStamp() {
  return existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : ''
}

function say(line) {
  process.stderr.write(`openseal: ${line}\n`)
}

function fail(line) {
  say(line)
  process.exit(1)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [file, ...args] = process.argv.slice(2)
  if (file === '--stamp') stampInstall()
  else if (file === undefined) fail('usage: node scripts/run.js FILE [ARGUMENT…]')
  else run(file, args)
}
