/**
 * The lock file, held against docs/dependencies.md without a network: what is installed, by whom it
 * may run code, under which licence, how it is pinned.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

type Entry = {
  readonly version: string
  readonly license?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly link?: boolean
}

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const lock: { lockfileVersion: number; packages: Record<string, Entry> } = JSON.parse(read('package-lock.json'))
const { '': own, ...packages } = lock.packages
const docs = read('docs/dependencies.md')
const nameOf = (path: string) => path.replace(/^.*node_modules\//, '')
const entries = Object.entries(packages).map(([path, entry]) => ({ path, name: nameOf(path), ...entry }))

const CRYPTOGRAPHY =
  /^(@noble\/|@scure\/|ethers$|ethereum-cryptography$|crypto-js$|js-sha3$|elliptic$|tweetnacl|secp256k1$|hash\.js$|sha\.js$|bcrypto)/
const OPEN = ['MIT', 'Apache-2.0', 'MIT OR Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0']

describe('the lock file', () => {
  it('names each package by one exact version, and asks for nothing that package.json does not', () => {
    const manifest = JSON.parse(read('package.json'))
    equal(lock.lockfileVersion, 3)
    const { dependencies, devDependencies } = own as unknown as { dependencies: object; devDependencies: object }
    deepEqual([dependencies, devDependencies], [manifest.dependencies, manifest.devDependencies])
    const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/
    deepEqual(
      [...Object.values({ ...dependencies, ...devDependencies }), ...entries.map(({ version }) => version)].filter(
        v => !EXACT.test(String(v)),
      ),
      [],
    )
  })

  it('pins every package by its SHA-512, those of other systems too', () => {
    const unpinned = entries.filter(entry => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? ''))
    deepEqual(
      unpinned.map(({ path }) => path),
      [],
    )
  })

  it('takes packages from the registry only: no link, no address of its own', () => {
    const foreign = entries.filter(
      ({ resolved, link }) => link || (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
    )
    deepEqual(
      foreign.map(({ path }) => path),
      [],
    )
  })

  it('lets only the packages that the document names run a script when they are installed', () => {
    deepEqual(
      entries.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name),
      namesIn('install scripts'),
    )
  })

  it('has open licences only, and each exception in the document', () => {
    const others = entries.filter(entry => !OPEN.includes(entry.license ?? ''))
    deepEqual(
      others.map(({ name, license = 'none named' }) => `${name} ${license}`),
      [...section('licences').matchAll(/^- `([^`]+)`: ([^;]+);/gm)].map(([, name, license]) => `${name} ${license}`),
    )
  })

  it('has no cryptography at run time beyond the list in the document, each version', () => {
    const found = entries.filter(({ dev, name }) => !dev && CRYPTOGRAPHY.test(name)).map(({ name, version }) => `${name} ${version}`)
    deepEqual(
      found.sort(),
      [...section('cryptography').matchAll(/^\| `([^`]+)` \| (\S+) \|/gm)].map(([, name, version]) => `${name} ${version}`).sort(),
    )
  })

  it('has every package that comes to run time in the document, with its version', () => {
    const found = entries.filter(({ dev, optional }) => !dev && !optional).map(({ name, version }) => `${name} ${version}`)
    deepEqual([...new Set(found)].sort(), [...section('run time').matchAll(/`([^` ]+ [^` ]+)`/g)].map(([, text]) => text!).sort())
  })

  it('pins the Node that an older host gets by one exact version and its SHA-512, for each system', () => {
    const { packages: nodes } = JSON.parse(read('scripts/node/package-lock.json')) as { packages: Record<string, Entry> }
    const { optionalDependencies: wanted } = JSON.parse(read('scripts/node/package.json')) as {
      optionalDependencies: Record<string, string>
    }
    const { '': _, ...pinned } = nodes
    deepEqual(
      Object.entries(pinned).map(([path, { version }]) => [nameOf(path), version]),
      Object.entries(wanted),
    )
    equal(new Set(Object.values(wanted)).size, 1)
    for (const { integrity, hasInstallScript } of Object.values(pinned)) {
      ok(/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
      equal(hasInstallScript, undefined)
    }
  })

  it('is all that is installed: nothing that is printed or documented runs a package by its name', () => {
    const folders = ['src', 'scripts', 'docs', 'ops', 'contracts', '.ci']
    const files = folders.flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(file => join(folder, file)),
    )
    const texts = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'package.json', ...files.filter(file => !file.includes('node_modules'))]
    const runs = /\b(npx|npm exec|npm x|pnpx|bunx|pnpm dlx|yarn dlx)\b/
    const found = texts.filter(file => statSync(join(root, file)).isFile() && runs.test(read(file)))
    deepEqual(found, [])
  })

  it('has no section in the document that is not tested', () => {
    deepEqual([...docs.matchAll(/^<!-- lock: (.+) -->$/gm)].map(([, name]) => name).length, 4)
    ok(entries.length > 0)
  })
})

/** The text between a mark of this name and the next heading. */
function section(name: string): string {
  const start = docs.indexOf(`<!-- lock: ${name} -->`)
  ok(start >= 0, name)
  const end = docs.indexOf('\n## ', start)
  return docs.slice(start, end < 0 ? undefined : end)
}

function namesIn(name: string): string[] {
  return [...section(name).matchAll(/^- `([^`]+)`/gm)].map(([, found]) => found!)
}
