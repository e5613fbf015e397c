/**
 * Reads every import of the project, types too, with TypeScript's own parser, and fails on an arrow
 * that the layout does not allow.
 */

import { deepEqual, equal, ok } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { API } from 'typescript/unstable/sync'

type Import = { readonly file: string; readonly target: string }

const root = dirname(import.meta.dirname)

/**
 * core ← documents ← verifier ← messages ← report ← web, cli; verifier ← audit ← witness ← cli; core ← store ← log ← anchor, ledger ← http ←
 * server. Each part may import itself and the listed parts. Parts of one file (a logger, the turns
 * on the event loop, the maker of HTML) are small tools.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/logger.ts': ['src/core'],
  'src/turns.ts': [],
  'src/at-once.ts': [],
  'src/bounded.ts': ['src/core'],
  'src/host.ts': ['src/logger.ts', 'src/turns.ts'],
  'src/html.ts': ['src/core'],
  'src/whole-file.ts': [],
  'src/folder-lock.ts': [],
  'src/keys.ts': ['src/core', 'src/logger.ts', 'src/host.ts', 'src/whole-file.ts'],
  'src/mark.ts': ['src/core', 'src/whole-file.ts', 'src/folder-lock.ts'],
  'src/documents': ['src/core'],
  'src/rpc': ['src/core', 'src/bounded.ts'],
  'src/ledger-client': ['src/core', 'src/bounded.ts'],
  'src/verifier': ['src/core', 'src/documents', 'src/rpc', 'src/ledger-client', 'src/at-once.ts'],
  'src/messages': ['src/core', 'src/verifier'],
  'src/report': ['src/core', 'src/verifier', 'src/messages', 'src/html.ts'],
  'src/store': ['src/core', 'src/turns.ts', 'src/host.ts'],
  'src/log': ['src/core', 'src/store', 'src/host.ts', 'src/at-once.ts'],
  'src/anchor': ['src/core', 'src/store', 'src/log', 'src/logger.ts', 'src/host.ts', 'src/at-once.ts', 'src/bounded.ts'],
  'src/ledger': ['src/core', 'src/store', 'src/log', 'src/anchor', 'src/logger.ts', 'src/at-once.ts', 'src/host.ts'],
  'src/care': [
    'src/core',
    'src/verifier',
    'src/store',
    'src/log',
    'src/anchor',
    'src/keys.ts',
    'src/mark.ts',
    'src/logger.ts',
    'src/host.ts',
    'src/whole-file.ts',
  ],
  'src/mcp': ['src/core', 'src/verifier', 'src/messages'],
  'src/finder': ['src/core', 'src/logger.ts', 'src/turns.ts', 'src/whole-file.ts'],
  'src/audit': [
    ...['src/core', 'src/ledger-client', 'src/verifier', 'src/messages'],
    ...['src/html.ts', 'src/whole-file.ts', 'src/folder-lock.ts', 'src/at-once.ts'],
  ],
  'src/witness': [
    ...['src/core', 'src/rpc', 'src/verifier', 'src/audit', 'src/at-once.ts', 'src/keys.ts', 'src/mark.ts'],
    ...['src/logger.ts', 'src/host.ts', 'src/whole-file.ts', 'src/folder-lock.ts'],
  ],
  'src/chain': ['src/core', 'src/rpc', 'src/anchor', 'src/logger.ts', 'src/whole-file.ts', 'contracts'],
  'src/timestamps': ['src/core', 'src/verifier', 'src/anchor', 'src/bounded.ts'],
  'src/web': [
    ...['src/core', 'src/documents', 'src/verifier', 'src/messages', 'src/report'],
    ...['src/html.ts', 'src/turns.ts', 'src/at-once.ts'],
  ],
  'src/http': [
    ...['src/core', 'src/store', 'src/log', 'src/anchor', 'src/ledger', 'src/care'],
    ...['src/web', 'src/mcp', 'src/messages', 'src/html.ts', 'src/logger.ts', 'src/turns.ts', 'src/host.ts'],
  ],
  'src/cli': [
    ...[
      'src/core',
      'src/documents',
      'src/verifier',
      'src/rpc',
      'src/ledger-client',
      'src/messages',
      'src/report',
      'src/audit',
      'src/chain',
    ],
    ...[
      'src/care',
      'src/witness',
      'src/server',
      'src/config.ts',
      'src/logger.ts',
      'src/host.ts',
      'src/mark.ts',
      'src/whole-file.ts',
      'src/mcp',
    ],
  ],
}

/** The composition root may import every part. */
const compositionRoot = ['src/server', 'src/config.ts']

/** Folders that take time, sleep, randomness and background tasks from one injected `Host` only. */
const hosted = ['src/log', 'src/store', 'src/anchor', 'src/ledger', 'src/care']

/**
 * Where hosted code meets the machine: the host, the lock of the mark, turns of the disk's store,
 * and WebCrypto, whose answers about signatures are the same at every run.
 */
const machine = [
  'src/host.ts',
  'src/mark.ts',
  'src/store/level/documents.ts',
  'src/store/level/lookups.ts',
  'src/verifier/timestamp/signature.ts',
]

/** Folders whose state is inside what `createX` and `openX` return. */
const stateless = ['src/core', 'src/log', 'src/anchor', 'src/ledger', 'src/care', 'src/store']

/** The two implementations that `#sha256` chooses between. */
const platformFiles = ['src/core/sha256-node.ts']

const imports = readImports()
const packages = readPackageTable()
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

describe('architecture', () => {
  it('reads every source file there is', () => {
    const seen = new Set(imports.keys())
    deepEqual(
      sourceFiles('src').filter(file => !seen.has(file)),
      [],
    )
  })

  it('lets no folder of src import another that the layout does not name', () => {
    const wrong = importsOf(file => file.startsWith('src/') && !compositionRoot.includes(partOf(file))).filter(({ file, target }) => {
      if (!target.startsWith('src/') && !target.startsWith('contracts/')) return false
      const from = partOf(file)
      const to = partOf(target)
      return to !== from && !allowed[from]?.includes(to)
    })
    deepEqual(wrong, [])
  })

  it('imports nothing of tests, scripts or bench from src', () => {
    deepEqual(
      importsOf(file => file.startsWith('src/')).filter(({ target }) => /^(test|scripts|bench)\//.test(target)),
      [],
    )
  })

  it('imports no part of Node in core, in the verifier and in whatever runs in a browser', () => {
    const starts = [...imports.keys()].filter(
      file => /^src\/(core|rpc|ledger-client|verifier|messages|web\/browser)\//.test(file) && !platformFiles.includes(file),
    )
    const reached = reachedFrom(starts)
    deepEqual(
      importsOf(file => reached.has(file)).filter(({ target }) => isBuiltin(target)),
      [],
    )
  })

  it('uses no Buffer, process, clock or randomness in core', () => {
    const words =
      /\b(Buffer|process|require|fetch|crypto|performance|setTimeout|setInterval)\b[.(]|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b/
    deepEqual(
      linesOf(['src/core'], line => words.test(line)),
      [],
    )
  })

  it('gives no two exported types one name', () => {
    const names = sourceFiles('src').flatMap(file =>
      codeLines(file).flatMap(line => {
        const [, name] = /^export (?:type|interface|class) (\w+)/.exec(line) ?? []
        return name === undefined ? [] : [{ name, file }]
      }),
    )
    ok(names.length > 500)
    const twice = [...Map.groupBy(names, ({ name }) => name)].filter(([, each]) => each.length > 1)
    deepEqual(
      twice.map(([name, each]) => `${name}: ${each.map(({ file }) => file).join(', ')}`),
      [],
    )
  })

  it('copies bytes with copyBytes, because slice copies nothing of a Buffer', () => {
    deepEqual(
      linesOf(['src'], line => /\.slice\((0?)\)/.test(line)),
      [],
    )
  })

  it('takes time, sleep and randomness from the injected host alone', () => {
    const doors = [
      /\bsystemHost\b|\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bAbortSignal\.timeout\b|\bMath\.random\b/,
      /\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bnextTick\b|\bnode:timers\b/,
      /\brandomUUID\b|\brandomFill|\bgetRandomValues\b|\brandomBytes\b.*\bfrom 'node:crypto'|\bsubtle\b/,
      /\bWeakRef\b|\bFinalizationRegistry\b/,
    ]
    const open = (line: string) => doors.some(door => door.test(line))
    // Their imports count too, up to the machine.
    const files = [...reachedFrom(hosted.flatMap(sourceFiles), machine)].filter(
      file => !/^src\/(host|mark|verifier\/timestamp\/signature)\.ts$/.test(file),
    )
    deepEqual(linesIn(files, open), [])
    const used = ['Date.now()', 'performance.now()', "import { randomBytes } from 'node:crypto'", 'await subtle.digest(text)']
    deepEqual(used.filter(open), used)
  })

  it('keeps no state in modules, so that a node in a simulation can crash and lose all of it', () => {
    const holder =
      /^(export )?(let|var)\b|^(export )?const \w+(: .+)? = (new (Map|Set|WeakMap|WeakSet|LRUCache|Array|Uint8Array)\b|\[\]|\{\}|create[A-Z])/
    const isState = (line: string) => holder.test(line) && !line.endsWith('new Uint8Array(0)')
    const measured = [
      'src/core/hash.ts: const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES).fill(NODE_PREFIX, 0, 1)',
      'src/core/policy.ts: const KEYS = new WeakMap<Policy, PolicyKeys>()',
    ]
    deepEqual(linesOf(stateless, isState).toSorted(), measured)
    const refused = [
      'let last = 0',
      'export const seen = new Map<string, number>()',
      'const rows: string[] = []',
      'const pool = createPool()',
    ]
    deepEqual(refused.filter(isState), refused)
  })

  it('imports each npm package only from the folders that docs/dependencies.md names', () => {
    const wrong = importsOf(() => true).filter(({ file, target }) => {
      const name = packageOf(target)
      return name !== undefined && !mayImport(file, name)
    })
    deepEqual(wrong, [])
  })

  it('lists every package of package.json in docs/dependencies.md, with its exact version', () => {
    const listed = Object.fromEntries([...packages].map(([name, row]) => [name, row.version]))
    deepEqual(listed, { ...dependencies, ...devDependencies })
  })

  it('lets no file import itself, by however many steps', () => {
    const sources = [...imports.keys()].filter(file => file.startsWith('src/'))
    deepEqual(
      sources.filter(file => reachedFrom(imports.get(file)?.filter(target => imports.has(target)) ?? []).has(file)),
      [],
    )
  })

  it('notices an import that points back', () => {
    equal(allowed['src/core']?.includes(partOf('src/ledger/ledger.ts')), false)
    equal(mayImport('src/core/statements/statement.ts', 'zod'), false)
    equal(mayImport('src/http/schemas/values.ts', 'zod'), true)
  })
})

/**
 * Import specifiers by file: relative ones as paths from the root, others unchanged. Dynamic
 * imports and `import('x')` types count too.
 */
function readImports(): ReadonlyMap<string, readonly string[]> {
  const api = new API({ cwd: root })
  try {
    const project = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] }).getProjects()[0]
    if (project === undefined) throw new Error('bug: no project for tsconfig.json')
    return new Map(
      project.rootFiles.map(file => {
        const source = project.program.getSourceFile(file)
        if (source === undefined) throw new Error(`bug: ${file} was not read`)
        const targets = source.imports.map(node => (node as unknown as { readonly text: string }).text)
        return [relative(root, file), targets.map(t => (t.startsWith('.') ? relative(root, resolve(dirname(file), t)) : t))]
      }),
    )
  } finally {
    api.close()
  }
}

function importsOf(wanted: (file: string) => boolean): readonly Import[] {
  return [...imports].filter(([file]) => wanted(file)).flatMap(([file, targets]) => targets.map(target => ({ file, target })))
}

/** Rows of the tables: `package` → version, and folders that may import it. */
function readPackageTable(): ReadonlyMap<string, { readonly version: string; readonly folders: readonly string[] }> {
  const rows = readFileSync(join(root, 'docs/dependencies.md'), 'utf8').matchAll(/^\| `([^`]+)` \| (\S+) \|.*\| ([^|]*) \|$/gm)
  return new Map(
    [...rows].map(([, name = '', version = '', last = '']) => [
      name,
      { version, folders: [...last.matchAll(/`([^`]+)`/g)].map(m => m[1] ?? '') },
    ]),
  )
}

function mayImport(file: string, name: string): boolean {
  const folders = packages.get(name)?.folders
  if (folders === undefined) return false
  if (file.startsWith('test/')) return true
  if (/^(scripts|bench)\//.test(file)) return folders.includes('scripts') || name in dependencies || file === 'scripts/mocha-counts.ts'
  return folders.some(folder => file === folder || file.startsWith(`${folder}/`))
}

/**
 * Every file of the project that these files import, by however many steps, and they themselves.
 * The imports of an end are not followed.
 */
function reachedFrom(starts: readonly string[], ends: readonly string[] = []): ReadonlySet<string> {
  const reached = new Set(starts)
  for (const file of reached) {
    if (ends.includes(file)) continue
    for (const target of imports.get(file) ?? []) if (imports.has(target)) reached.add(target)
  }
  return reached
}

/**
 * 'src/core' of 'src/core/hash.ts', 'src/config.ts' of itself, 'contracts' of what lies under it.
 */
function partOf(path: string): string {
  const [top = '', second = ''] = path.split('/')
  return top === 'src' ? `src/${second}` : top
}

/** The package that a specifier names; nothing for Node's own, relative and `#` ones. */
function packageOf(target: string): string | undefined {
  if (target.startsWith('#') || isBuiltin(target) || /^(src|test|scripts|bench|contracts|hardhat\.config)\b[./]/.test(target))
    return undefined
  const [scope = '', name = ''] = target.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => /\.(ts|js|mjs|cjs|tsx)$/.test(file))
    .map(file => join(folder, file))
}

/** The lines of code in these folders that are wanted, each with its file. */
function linesOf(folders: readonly string[], isWanted: (line: string) => boolean): readonly string[] {
  return linesIn(folders.flatMap(sourceFiles), isWanted)
}

function linesIn(files: readonly string[], isWanted: (line: string) => boolean): readonly string[] {
  return files
    .filter(file => !platformFiles.includes(file))
    .flatMap(file => codeLines(file).flatMap(line => (isWanted(line) ? [`${file}: ${line.trim()}`] : [])))
}

function codeLines(file: string): readonly string[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .filter(line => !/^\s*(\/\/|\/?\*)/.test(line))
}
