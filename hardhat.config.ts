// The Solidity compiler's settings and the in-process network of the contract tests.
import { createRequire } from 'node:module'
import hardhatEthers from '@nomicfoundation/hardhat-ethers'
import { defineConfig } from 'hardhat/config'
import { COMPILER_SETTINGS, COMPILER_VERSION } from './scripts/compile.ts'

export default defineConfig({
  plugins: [hardhatEthers],
  // The compiler comes from npm, so nothing is downloaded at build time.
  solidity: {
    version: COMPILER_VERSION,
    path: createRequire(import.meta.url).resolve('solc/soljson.js'),
    settings: COMPILER_SETTINGS,
  },
  paths: { sources: './contracts', tests: './test/contracts', artifacts: './artifacts', cache: './cache' },
})
