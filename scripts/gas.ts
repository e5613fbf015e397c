// Measures what the contract costs, with real proofs from a real tree of a million records, on
// Hardhat's in-process network.
//
//   node scripts/gas.ts           prints the table
//   node scripts/gas.ts --write   writes docs/results/gas.md as well
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ContractFactory, type ContractTransactionResponse } from 'ethers'
import hre from 'hardhat'
import type { ContractArtifact } from './compile.ts'
import { formatResults, writePage } from './results.ts'

/** One measured transaction. `sha256Calls` and `proofLength` say why it costs what it costs. */
export type GasRow = {
  readonly call: 'anchor' | 'verifyInclusion'
  readonly what: string
  readonly records: number
  readonly proofLength: number
  readonly sha256Calls: number
  readonly gas: number
}

/**
 * Most gas that an anchor of a million records may take, and most that an inclusion check may take
 * above a call's base cost.
 */
export const LIMITS = { anchor: 80_000, inclusion: 30_000 }

const RECORDS = [1_000, 100_000, 1_000_000]
const LARGEST = 1_050_000
const TRACE_OPTIONS = { disableMemory: true, disableStack: true, disableStorage: true }

/**
 * Measures everything that docs/results/gas.md shows. Takes about ten seconds, most of it for
 * building the tree.
 */
export async function measureGas(): Promise<GasRow[]> {
  const tree = growTree(LARGEST)
  const network = await hre.network.create()
  const [signer] = await network.ethers.getSigners()
  if (!signer) throw new Error('bug: the network has no accounts')
  const artifact = JSON.parse(readFileSync(new URL('../contracts/CheckpointAnchor.json', import.meta.url), 'utf8')) as ContractArtifact
  const deployed = await new ContractFactory([...artifact.abi] as never, artifact.bytecode, signer).deploy()
  const contract = deployed.connect(signer) as unknown as Record<string, (...args: unknown[]) => Promise<ContractTransactionResponse>>
  const address = await deployed.getAddress()
  const used = async (sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) => Number((await (await sent).wait())!.gasUsed)
  const openLog = async (origin: string) => {
    await contract.openLog!(origin, signer.address)
    return (await (contract.logIdOf as unknown as (...args: unknown[]) => Promise<string>)(signer.address, origin)) as string
  }

  // A log's first anchor fills its root slot for the first time; the second is what every later one
  // costs.
  const anchor = async (what: string, from: number, to: number): Promise<GasRow> => {
    const logId = await openLog(`${what} ${from} ${to}`)
    if (from > 0) await contract.anchor!(logId, from, tree.root(from), [])
    const proof = tree.consistency(from, to)
    const gas = await used(contract.anchor!(logId, to, tree.root(to), proof))
    return { call: 'anchor', what, records: to, proofLength: proof.length, sha256Calls: consistencyCalls(from, to), gas }
  }
  const inclusion = async (size: number): Promise<GasRow> => {
    const logId = await openLog(`inclusion ${size}`)
    await contract.anchor!(logId, size, tree.root(size), [])
    const proof = tree.inclusion(0, size) // index 0 has the longest proof
    const data = deployed.interface.encodeFunctionData('verifyInclusion', [logId, size, tree.root(size), 0, tree.leaf(0), proof])
    const sent = await signer.sendTransaction({ to: address, data })
    const gas = executionOf(await network.provider.request({ method: 'debug_traceTransaction', params: [sent.hash, TRACE_OPTIONS] }))
    return { call: 'verifyInclusion', what: 'longest proof', records: size, proofLength: proof.length, sha256Calls: proof.length, gas }
  }

  const rows: GasRow[] = []
  for (const size of RECORDS) {
    rows.push(await anchor('first of its log', 0, size))
    rows.push(await anchor('1 % more records', Math.floor(size * 0.99), size))
    rows.push(await anchor('costliest earlier size', costliestFrom(size), size))
    rows.push(await inclusion(size))
  }
  rows.push(await anchor('one subtree joins an aligned tree', 2 ** 19, 2 ** 20))
  rows.push(await anchor('past a power of two, all bits set before', 2 ** 20 - 1, LARGEST))
  await network.close()
  return rows
}

/** The measured rows as a Markdown table. */
function formatGasTable(rows: readonly GasRow[]): string {
  const n = (value: number) => value.toLocaleString('en-US')
  const lines = rows.map(r => `| \`${r.call}\` | ${n(r.records)} | ${r.what} | ${r.proofLength} | ${r.sha256Calls} | ${n(r.gas)} |`)
  return ['| call | records | case | proof hashes | SHA-256 calls | gas |', '| --- | ---: | --- | ---: | ---: | ---: |', ...lines].join(
    '\n',
  )
}

/** The text of docs/results/gas.md. */
export function formatGasPage(rows: readonly GasRow[]): string {
  return formatResults({
    title: 'Gas of the contract',
    command: 'npm run gas -- --write',
    about:
      'Measured on Hardhat’s in-process network, with real proofs from one tree of 1,050,000 records. For `anchor`, the figure is all the gas of the transaction. For `verifyInclusion`, it is the gas of the check alone, which another contract pays on top of its own call.',
    body: formatGasTable(rows),
  })
}

/**
 * Gas that a traced transaction's execution took, from its first step to its last: without the
 * 21,000 and the calldata.
 */
function executionOf(trace: unknown): number {
  const steps = (trace as { structLogs: { gas: number; gasCost: number; depth: number }[] }).structLogs.filter(step => step.depth === 1)
  const [first, last] = [steps[0]!, steps.at(-1)!]
  return first.gas - last.gas + last.gasCost
}

/**
 * SHA-256 calls of a consistency check: a left sibling is hashed into both roots, a right one into
 * the new root only.
 */
function consistencyCalls(from: number, to: number): number {
  if (from === 0) return 0
  let [place, last, calls] = [from - 1, to - 1, 0]
  for (; place % 2 === 1; place = Math.floor(place / 2)) last = Math.floor(last / 2)
  for (; last > 0; place = Math.floor(place / 2)) {
    calls += place % 2 === 1 ? 2 : place === last ? 0 : 1
    last = Math.floor(last / 2)
  }
  return calls
}

/** An earlier size from which an anchor of `to` takes the most SHA-256 calls. */
function costliestFrom(to: number): number {
  let best = 1
  for (let from = 1; from < to; from++) if (consistencyCalls(from, to) > consistencyCalls(best, to)) best = from
  return best
}

/**
 * A tree over the leaf hashes of "0", "1", …, with every perfect subtree's hash kept, so that any
 * smaller tree's proofs can be read off.
 */
function growTree(size: number) {
  const levels = [Buffer.alloc(size * 32)]
  for (let i = 0; i < size; i++) hash('sha256', `\0${i}`, 'buffer').copy(levels[0]!, i * 32)
  const node = Buffer.alloc(65, 1)
  const hashNode = (left: Buffer, right: Buffer) => {
    left.copy(node, 1)
    right.copy(node, 33)
    return hash('sha256', node, 'buffer')
  }
  const at = (level: number, index: number) => levels[level]!.subarray(index * 32, index * 32 + 32)
  for (let width = Math.floor(size / 2); width > 0; width = Math.floor(width / 2)) {
    const level = Buffer.alloc(width * 32)
    for (let i = 0; i < width; i++) hashNode(at(levels.length - 1, 2 * i), at(levels.length - 1, 2 * i + 1)).copy(level, i * 32)
    levels.push(level)
  }

  /**
   * Hash over leaves [start, end), where start is a multiple of the smallest power of two that is
   * not below end - start.
   */
  const range = (start: number, end: number): Buffer => {
    const k = split(end - start)
    return k * 2 === end - start || k === 0.5
      ? at(Math.log2(end - start), start / (end - start))
      : hashNode(range(start, start + k), range(start + k, end))
  }
  const path = (index: number, start: number, end: number): Buffer[] => {
    if (end - start === 1) return []
    const middle = start + split(end - start)
    return index < middle ? [...path(index, start, middle), range(middle, end)] : [...path(index, middle, end), range(start, middle)]
  }
  const subproof = (from: number, start: number, end: number): Buffer[] => {
    if (from === end) return start === 0 ? [] : [range(start, end)]
    const middle = start + split(end - start)
    return from <= middle ? [...subproof(from, start, middle), range(middle, end)] : [...subproof(from, middle, end), range(start, middle)]
  }
  const hex = (b: Buffer) => `0x${b.toString('hex')}`
  return {
    leaf: (index: number) => hex(at(0, index)),
    root: (to: number) => hex(range(0, to)),
    inclusion: (index: number, to: number) => path(index, 0, to).map(hex),
    consistency: (from: number, to: number) => (from === 0 ? [] : subproof(from, 0, to).map(hex)),
  }
}

/** The largest power of two below n; 0.5 for 1. */
function split(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await measureGas()
  console.log(formatGasTable(rows))
  if (process.argv.includes('--write')) writePage('gas', formatGasPage(rows))
}
