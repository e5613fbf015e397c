// The committed artifact is what the source compiles to, and what runs on a chain.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import hre from 'hardhat'
import { COMPILER_SETTINGS, COMPILER_VERSION, compileContract } from '../../scripts/compile.ts'
import { ARTIFACT, deploy } from './deployment.ts'

describe('contracts/CheckpointAnchor.json', () => {
  it('is what the source compiles to, without a warning', () => {
    assert.deepEqual(ARTIFACT, JSON.parse(JSON.stringify(compileContract())), 'run: node scripts/compile.ts')
  })

  it('is compiled with the settings that Hardhat has', () => {
    const compilers = hre.config.solidity.profiles.default!.compilers
    assert.deepEqual(
      compilers.map(c => c.version),
      [COMPILER_VERSION],
    )
    const settings = compilers[0]!.settings as Record<string, unknown>
    for (const [name, value] of Object.entries(COMPILER_SETTINGS)) assert.deepEqual(settings[name], value, name)
  })

  it('names the SHA-256 of the code that a deployment has', async () => {
    const deployment = await deploy()
    const code = await deployment.runtimeCode()
    await deployment.close()
    assert.equal(code, ARTIFACT.deployedBytecode)
    assert.equal(createHash('sha256').update(code.slice(2), 'hex').digest('hex'), ARTIFACT.codeSha256)
  })

  it('has no function that sends, receives or destroys', () => {
    const abi = ARTIFACT.abi as { type: string; stateMutability?: string }[]
    assert.deepEqual(
      abi.filter(item => item.stateMutability === 'payable' || item.type === 'receive' || item.type === 'fallback'),
      [],
    )
  })

  it('prefixes every error with the name of the contract', () => {
    const abi = ARTIFACT.abi as { type: string; name?: string }[]
    const errors = abi.filter(item => item.type === 'error').map(item => item.name!)
    assert.ok(errors.length > 0)
    assert.deepEqual(
      errors.filter(name => !name.startsWith('CheckpointAnchor')),
      [],
    )
  })
})
