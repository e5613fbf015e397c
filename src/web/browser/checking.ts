/**
 * The code that the verify page loads once there is something to check: the largest part of its
 * code, which a reader who only looks at the page need not wait for.
 */
export {
  createJsonRpcReader,
  fetchUntil,
  parsePolicy,
  planChecks,
  readPasted,
  readPolicy,
  recognize,
  recognizeZipped,
} from '../../verifier/index.ts'
export { readBlob } from './read-blob.ts'
