/**
 * Deliberate breaks of the code, one at a time, which the simulation must find. They are made in
 * the source text as it is loaded, in a process of their own; the code itself knows nothing of them.
 */
import { registerHooks } from 'node:module'

export type Break = {
  readonly name: string
  /** What is wrong then, as the results page says it. */
  readonly what: string
  /** Texts of files, each there exactly once, and what takes their place. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[]
}

const SEQUENCER = 'src/log/sequencer.ts'
const BEGUN = 'src/log/begun.ts'
const VIEW = 'src/log/view.ts'
const LEASE = 'src/anchor/lease.ts'
const STORE = 'test/simulation/faulty-store.ts'
const MEMORY = 'src/store/memory/memory.ts'

export const BREAKS: readonly Break[] = [
  {
    name: 'look-up-outside',
    what: 'Known statements are looked up before the head is locked.',
    edits: [
      {
        file: STORE,
        from: '    const isOurs = await',
        to: '    const early = await replicated.unreplicated.findIdentities(identities)\n    const isOurs = await',
      },
      { file: STORE, from: 'known: await findIdentities(identities)', to: 'known: early' },
    ],
  },
  {
    name: 'no-read-back',
    what: 'A clean commit is not read back.',
    edits: [{ file: SEQUENCER, from: 'if (!(await isIn(', to: "if ('cause' in written && !(await isIn(" }],
  },
  {
    name: 'signed-before-write',
    what: 'The head is signed before the batch is committed.',
    edits: [
      { file: SEQUENCER, from: '  const written = await commit(', to: '  await view.advance(growth)\n  const written = await commit(' },
    ],
  },
  {
    name: 'signed-when-read',
    what: 'A head that another node has sealed is signed as it was read, without a write after it.',
    edits: [
      { file: VIEW, from: "    const row = await readRow(store, 'confirmHead')", to: "    const row = await readRow(store, 'readHead')" },
    ],
  },
  {
    name: 'signed-when-begun',
    what: 'A node signs the head that its commit builds on before that commit.',
    edits: [
      {
        file: VIEW,
        from: 'ahead = { tree: found, of: tree }',
        to: 'moveTo(found)',
      },
    ],
  },
  {
    name: 'known-when-read',
    what: 'A statement is called known as soon as it is read, without a write after it.',
    edits: [
      { file: BEGUN, from: 'index !== undefined && index >= tree.head.size)', to: 'index !== undefined && index < 0)' },
      { file: SEQUENCER, from: '    await view.confirm()\n', to: '' },
    ],
  },
  {
    name: 'unknown-is-success',
    what: 'A commit without an answer is taken for done.',
    edits: [{ file: SEQUENCER, from: 'if (!(await isIn(', to: "if (!('cause' in written) && !(await isIn(" }],
  },
  {
    name: 'unknown-is-read',
    what: 'After a commit without an answer, the head is read and not confirmed.',
    edits: [{ file: SEQUENCER, from: 'await store.confirmHead() : written', to: 'await store.readHead() : written' }],
  },
  {
    name: 'commit-unguarded',
    what: 'The store takes a commit that was not built on its head.',
    edits: [{ file: MEMORY, from: '      tree.assertHead(commit.previous)\n', to: '' }],
  },
  {
    name: 'head-goes-back',
    what: 'A node takes over any head of the store, also one that does not extend its own.',
    edits: [
      { file: VIEW, from: '    if (await extendsHead(createNodes(store, found), known, found.head)) return\n', to: '    return\n' },
      { file: VIEW, from: '      if (found.head.size <= tree.head.size) return false\n      asserted', to: '      asserted' },
      { file: VIEW, from: '    if (found.head.size <= tree.head.size) return false\n    take', to: '    take' },
    ],
  },
  {
    name: 'lease-without-fence',
    what: 'Writes of the journal do not name the fence of the lease.',
    edits: [{ file: LEASE, from: '(own === undefined ? [] : [own])', to: '[]' }],
  },
  {
    name: 'anchor-unproven',
    what: 'The contract takes a checkpoint without a consistency proof.',
    edits: [{ file: 'test/simulation/chain.ts', from: '    verifyConsistency(', to: '    if (size < 0) verifyConsistency(' }],
  },
  {
    name: 'identity-cut-short',
    what: 'Statements are known by the first byte of their identity.',
    edits: [
      { file: MEMORY, from: 'identities.get(identity)),', to: 'identities.get(identity.slice(0, 2))),' },
      { file: MEMORY, from: '      identities.set(identity, index)\n', to: '      identities.set(identity.slice(0, 2), index)\n' },
    ],
  },
  {
    name: 'erased-comes-back',
    what: 'A statement that was erased is accepted again.',
    edits: [{ file: SEQUENCER, from: 'await wereErased(batch.map(statement => statement.identity))', to: '[]' }],
  },
  {
    name: 'ended-key-signs',
    what: 'A node does not ask whether another process has ended its log key.',
    edits: [
      {
        file: 'src/log/own-key.ts',
        from: '      if (!Number.isFinite(limit)) return limit\n',
        to: '      if (limit > 0) return Number.POSITIVE_INFINITY\n',
      },
    ],
  },
  {
    name: 'ended-key-seals',
    what: 'A node seals on a head that ends its log key.',
    edits: [
      { file: SEQUENCER, from: "    if (!deps.mayGoOn()) throw new BeginAgain('BEGIN_AGAIN', 'nothing may be sealed now')\n", to: '' },
    ],
  },
  {
    name: 'one-endpoint-decides',
    what: 'One endpoint of the chain stops the ledger, although another one contradicts it.',
    edits: [
      {
        file: 'src/anchor/compare.ts',
        from: 'if (conflicts.length > 0 && conflicts.length < heads.length)',
        to: 'if (conflicts.length < 0)',
      },
    ],
  },
  {
    name: 'key-kept-for-ever',
    what: 'A key that was found valid is never read again.',
    edits: [{ file: 'src/ledger/agencies/keys.ts', from: 'REREAD_KEY_MS = 1000', to: 'REREAD_KEY_MS = 1e12' }],
  },
]

/** Makes a break in the modules that this process loads from now on. */
export function breakCode({ name, edits }: Break): void {
  const root = new URL('../../', import.meta.url)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const own = edits.filter(({ file }) => new URL(file, root).href === url)
      if (own.length === 0) return loaded
      let source = String(loaded.source)
      for (const { file, from, to } of own) {
        if (source.split(from).length !== 2) throw new Error(`the break ${name} does not fit ${file} any more`)
        source = source.replace(from, () => to)
      }
      return { ...loaded, source }
    },
  })
}
