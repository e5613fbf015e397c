/**
 * One audit in a process of its own, by the ledger's own policy without its anchors. Arguments: the
 * ledger's URL, the state folder.
 */
import { audit } from '../src/audit/audit.ts'
import { createHttpSource } from '../src/audit/source.ts'
import { openAuditState } from '../src/audit/state.ts'
import { parsePolicy } from '../src/core/policy.ts'

const [url = '', folder = ''] = process.argv.slice(2)
const source = createHttpSource({ url, fetch, timeoutMs: 60_000, retries: 2, parallel: 8 })
const policy = { ...parsePolicy(await source.policy()), anchors: [] }
const state = await openAuditState(folder, policy.origin)
const onProgress = ({ done }: { done: number }) => process.send?.({ done })
const { verdict, findings, unfinished, from, size } = await audit({ source, policy, chains: [], state, parallel: 8, onProgress })
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
const costs = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMiB: Math.round(maxRSS / 1024) }
process.send?.({ verdict, findings, unfinished, from, size, ...costs }, () => process.exit(0))
