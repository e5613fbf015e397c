/**
 * The code that the verify page loads once there is something to check: the largest part of its
 * code. A reader who only looks at the page does not wait for it.
 */
export {
  createJsonRpcReader,
  fetchUntil,
  fingerprint,
  isTrustList,
  openReport,
  parsePolicy,
  parseTrustList,
  planChecks,
  readEndpoint,
  readPasted,
  readPolicy,
  readReceipt,
  recognizeZipped,
  withoutRepeats,
} from '../../verifier/index.ts'
export { readBlob } from './read-blob.ts'
