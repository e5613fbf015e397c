/**
 * Asks each question of an endpoint once: thousands of releases in a package share few checkpoints.
 */
import { toHex } from '../../core/bytes.ts'
import type { ChainReader } from '../chain-reader.ts'

/** A reader that keeps each answer, failures included. Make one for each run of checks. */
export function rememberAnswers(reader: ChainReader): ChainReader {
  const answers = new Map<string, Promise<unknown>>()
  const once = <T>(question: readonly unknown[], ask: () => Promise<T>): Promise<T> => {
    const key = JSON.stringify(question)
    const known = answers.get(key) as Promise<T> | undefined
    const answer = known ?? ask()
    if (known === undefined) answers.set(key, answer)
    return answer
  }
  const { name, serves } = reader
  return {
    serves,
    ...(name === undefined ? {} : { name }),
    chainId: () => once(['chainId'], () => reader.chainId()),
    codeSha256: contract => once(['code', contract], () => reader.codeSha256(contract)),
    anchoredAt: query => once(['anchoredAt', { ...query, root: toHex(query.root) }], () => reader.anchoredAt(query)),
    lastGoodSize: query => once(['lastGoodSize', query], () => reader.lastGoodSize(query)),
    blockNumber: () => once(['blockNumber'], () => reader.blockNumber()),
  }
}
