/** The compiled contract, as committed in `contracts/CheckpointAnchor.json`. */
import { readFileSync } from 'node:fs'
import { Interface, type InterfaceAbi } from 'ethers'

type Artifact = {
  readonly abi: InterfaceAbi
  /** The code that creates the contract, and the code that is then at its address: 0x-hex. */
  readonly bytecode: string
  readonly deployedBytecode: string
  /** Hex SHA-256 of the runtime code's bytes, which a verifier pins. */
  readonly codeSha256: string
}

/** CheckpointAnchor's interface and code. */
export const checkpointAnchor: Artifact = JSON.parse(
  readFileSync(new URL('../../contracts/CheckpointAnchor.json', import.meta.url), 'utf8'),
)

/** Encodes calls of the contract and decodes its answers, events and errors. */
export const anchorInterface: Interface = new Interface(checkpointAnchor.abi)
