// Compiles contracts/CheckpointAnchor.sol into the committed artifact
// contracts/CheckpointAnchor.json.
//
// The artifact is committed because a verifier pins the hash of its runtime code. Nobody needs a
// compiler to run OpenSeal. Anyone who doubts the artifact can run this script and compare.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The compiler's version, equal to that of the npm package `solc`. */
export const COMPILER_VERSION = '0.8.37'

/**
 * Settings that fix the bytecode. Without the metadata hash, the code does not depend on comments.
 * `viaIR` makes the proof loop about 700 gas cheaper. `cancun` lets the same code run on chains that
 * are some forks behind.
 */
export const COMPILER_SETTINGS = {
  optimizer: { enabled: true, runs: 1_000_000 },
  viaIR: true,
  evmVersion: 'cancun',
  metadata: { bytecodeHash: 'none', appendCBOR: false },
}

/**
 * The content of contracts/CheckpointAnchor.json. Bytecodes are 0x-prefixed hex, `codeSha256` is
 * plain hex over the runtime code's bytes.
 */
export type ContractArtifact = {
  readonly contractName: string
  readonly compiler: string
  readonly settings: typeof COMPILER_SETTINGS
  readonly abi: readonly unknown[]
  readonly bytecode: string
  readonly deployedBytecode: string
  readonly codeSha256: string
}

type CompilerOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts?: Record<string, Record<string, CompiledContract>>
}

type CompiledContract = {
  readonly abi: readonly unknown[]
  readonly evm: { readonly bytecode: { readonly object: string }; readonly deployedBytecode: DeployedBytecode }
}

type DeployedBytecode = { readonly object: string; readonly immutableReferences?: Readonly<Record<string, unknown>> }

const NAME = 'CheckpointAnchor'
const SOURCE = `contracts/${NAME}.sol`
const ROOT = new URL('../', import.meta.url)

/**
 * Compiles the contract and returns its artifact; throws on any compiler message, warnings
 * included.
 */
export function compileContract(): ContractArtifact {
  const { artifact, warnings } = compileSource(readFileSync(new URL(SOURCE, ROOT), 'utf8'))
  if (warnings.length > 0) throw new Error(warnings.join('\n'))
  return artifact
}

/** Compiles a text of the contract; throws on an error, and hands back the warnings. */
export function compileSource(content: string): { readonly artifact: ContractArtifact; readonly warnings: readonly string[] } {
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string; version(): string }
  if (!solc.version().startsWith(`${COMPILER_VERSION}+`)) throw new Error(`solc is ${solc.version()}, not ${COMPILER_VERSION}: run npm ci`)
  const input = {
    language: 'Solidity',
    sources: { [SOURCE]: { content } },
    settings: {
      ...COMPILER_SETTINGS,
      outputSelection: {
        '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.deployedBytecode.immutableReferences'] },
      },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as CompilerOutput
  const said = (isError: boolean) =>
    (output.errors ?? []).filter(({ severity }) => (severity === 'error') === isError).map(({ formattedMessage }) => formattedMessage)
  if (said(true).length > 0) throw new Error(said(true).join('\n'))
  const contract = output.contracts?.[SOURCE]?.[NAME]
  if (!contract) throw new Error(`bug: the compiler returned no ${NAME}`)
  const deployed = contract.evm.deployedBytecode
  if (Object.keys(deployed.immutableReferences ?? {}).length)
    throw new Error(`${NAME} has immutables: its code hash would differ per deployment`)
  const artifact = {
    contractName: NAME,
    compiler: solc.version(),
    settings: COMPILER_SETTINGS,
    abi: contract.abi,
    bytecode: `0x${contract.evm.bytecode.object}`,
    deployedBytecode: `0x${deployed.object}`,
    codeSha256: createHash('sha256').update(deployed.object, 'hex').digest('hex'),
  }
  return { artifact, warnings: said(false) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const artifact = compileContract()
  writeFileSync(new URL(`contracts/${NAME}.json`, ROOT), `${JSON.stringify(artifact, null, 2)}\n`)
  console.log(`contracts/${NAME}.json: ${artifact.deployedBytecode.length / 2 - 1} bytes of runtime code, SHA-256 ${artifact.codeSha256}`)
}
