/** A ledger to test with: real store, real signer, counting salts. */
import type { FinalAnchor } from '../../src/anchor/final-anchors.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import type { Host } from '../../src/host.ts'
import { type Ledger, type LedgerDeps, openLedger } from '../../src/ledger/ledger.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import type { Store } from '../../src/store/port/port.ts'
import { testHost, untilAborted } from '../test-host.ts'

export const ORIGIN = 'ledger.example/test'
/** The log's secret key: 0, 1, 2, … 31. */
export const LOG_KEY = Uint8Array.from({ length: 32 }, (_, i) => i)
export const signer = createLogSigner(ORIGIN, LOG_KEY)

/** Opens a ledger of no anchors on a store; every opening has other salts. */
export function openTestLedger(
  store: Store,
  { host, ...changes }: Partial<Omit<LedgerDeps, 'host'>> & { readonly host?: Partial<Host> } = {},
): Promise<Ledger> {
  let drawn = openings++ * 1000
  const randomBytes = (count: number) => {
    const bytes = new Uint8Array(count)
    new DataView(bytes.buffer).setUint32(0, ++drawn)
    return bytes
  }
  return openLedger({
    store,
    signer,
    origin: ORIGIN,
    anchors: [],
    host: testHost({ nowMs: () => Date.UTC(2026, 0, 2), sleep: untilAborted, randomBytes, ...host }),
    ...changes,
  })
}
let openings = 1

/** A store on one disk whose head is what `readHead` returns. */
export function withHead<S extends Store>(store: S, readHead: Store['readHead']): S {
  return { ...store, readHead, confirmHead: readHead }
}

/** A statement of one document whose digest is `content`. */
export function statementOf(record: string, content = 1, changes: Partial<Statement> = {}): Statement {
  const sha256 = content.toString(16).padStart(64, '0')
  return {
    type: 'openseal/statement@v1',
    agency: 'transport.gov.example',
    kind: 'decision',
    action: 'publish',
    record,
    published: '2026-01-01T00:00:00Z',
    documents: [{ name: 'decision.pdf', mediaType: 'application/pdf', bytes: 10, sha256 }],
    ...changes,
  }
}

/** A final anchor of a checkpoint, on the development chain. */
export function anchorOf(size: number, root: string): FinalAnchor {
  return {
    type: 'evm',
    chainId: 31337,
    contract: `0x${'1'.repeat(40)}`,
    logId: `0x${'2'.repeat(64)}`,
    size,
    root,
    transaction: `0x${'3'.repeat(64)}`,
    block: { number: size, hash: `0x${'4'.repeat(64)}`, time: '2026-01-02T00:00:00Z' },
  }
}
