/** Pasted text: fingerprints as common tools print them. */
import assert from 'node:assert/strict'
import { readPasted } from '../../../src/verifier/app/pasted.ts'

const DIGITS = 'aB'.repeat(32)
const SMALL = DIGITS.toLowerCase()
const files = (text: string) => {
  const pasted = readPasted('pasted', text)
  return pasted.kind === 'given' ? pasted.files.map(({ name, read }) => [name, read.digest.sha256]) : pasted
}

describe('verifier/app/pasted', () => {
  it('accepts bare fingerprints, in upper case too, with their prefixes, and the output of sha256sum', () => {
    for (const text of [DIGITS, ` 0x${DIGITS} `, `sha256:${DIGITS}\n`, `\ufeff${DIGITS.toUpperCase()}`])
      assert.deepEqual(files(text), [[SMALL, SMALL]])
    assert.deepEqual(files(`${DIGITS}  a b.pdf\r\n\\${DIGITS} *c.pdf\n`), [
      ['a b.pdf', SMALL],
      ['c.pdf', SMALL],
    ])
  })

  it('reads the output of certutil, of any Windows and in any language', () => {
    const ends = 'CertUtil: -hashfile command completed successfully.\r\n'
    assert.deepEqual(files(`SHA256 hash of dec 002.pdf:\r\n${DIGITS}\r\n${ends}`), [['dec 002.pdf', SMALL]])
    const spaced = DIGITS.replace(/..(?!$)/g, '$& ')
    assert.deepEqual(files(`SHA256 hash of file a.pdf:\r\n${spaced}\r\n${ends}`), [['a.pdf', SMALL]])
    assert.deepEqual(files(`SHA256-Hash von a.pdf:\r\n${DIGITS}\r\nCertUtil: -hashfile-Befehl wurde erfolgreich ausgeführt.`), [
      ['a.pdf', SMALL],
    ])
  })

  it('reads the output of Get-FileHash, as a table and as a list', () => {
    const path = 'C:\\Users\\a b\\dec.pdf'
    const line = '---------       ----                                                                   ----'
    const table = `Algorithm       Hash                                                                   Path\n${line}\nSHA256          ${DIGITS}       ${path}\n\n`
    assert.deepEqual(files(table), [[path, SMALL]])
    assert.deepEqual(files(`Algorithm : SHA256\nHash      : ${DIGITS}\nPath      : ${path}`), [[path, SMALL]])
  })

  it('reads the output of sha256sum --tag, BSD and OpenSSL', () => {
    for (const text of [`SHA256 (a (1).pdf) = ${DIGITS}`, `SHA256(a (1).pdf)= ${DIGITS}`, `SHA2-256(a (1).pdf)= ${DIGITS}`])
      assert.deepEqual(files(text), [['a (1).pdf', SMALL]], text)
  })

  it('names a hash of another kind by its length or its label, only where there is no SHA-256', () => {
    for (const [digits, algorithm] of [
      [32, 'MD5'],
      [40, 'SHA-1'],
      [96, 'SHA-384'],
      [128, 'SHA-512'],
    ] as const) {
      const hash = 'aB'.repeat(digits / 2)
      for (const text of [hash, `X (a.pdf) = ${hash}`, `X  ${hash}  C:\\a`, `Algorithm : X\nHash : ${hash}`])
        assert.deepEqual(readPasted('pasted', text), { kind: 'other-hash', algorithm }, text)
      assert.deepEqual(files(`${hash}\n${DIGITS}`), [[SMALL, SMALL]])
    }
    for (const text of [`SHA3-256(a)= ${DIGITS}`, `SHA3-256  ${DIGITS}  a`, `Algorithm : SHA3-256\nHash : ${DIGITS}`])
      assert.deepEqual(readPasted('pasted', text), { kind: 'other-hash', algorithm: 'SHA3-256' })
  })

  it('takes the text of receipts, alone, in a list or in lines, and nothing else', () => {
    const receipt = '{"type":"openseal/receipt@v1","statement":{"documents":[{"sha256":"aa"}]}}'
    const lines = `${receipt}\n{"index":2,"receipt":${receipt}}\n`
    for (const [text, count] of [
      [` ${receipt}\n`, 1],
      [`[${receipt},${receipt}]`, 2],
      [lines, 2],
      [receipt.slice(0, -1), 1],
    ] as const) {
      const pasted = readPasted('pasted', text)
      assert.ok(pasted.kind === 'given')
      assert.equal(pasted.receipts.length, count, text)
      if (!text.startsWith(receipt.slice(0, -1))) assert.deepEqual(pasted.receipts[0]?.digests, ['aa'])
    }
  })

  it('judges no other JSON as a receipt: a document, a policy, or what merely looks like them', () => {
    for (const text of ['{}', '[]', '{"statement":{}}', '{"type":"openseal/policy@v1"}', '[{"a":1}]', '{"a":', '[1'])
      assert.deepEqual(readPasted('pasted', text), { kind: 'nothing' }, text)
    for (const text of ['', ' ', '<b>', `${DIGITS}x`, 'g'.repeat(64), `x${'a'.repeat(31)}`, `=${'a'.repeat(64)}`, 'a'.repeat(33)])
      assert.deepEqual(readPasted('pasted', text), { kind: 'nothing' }, text)
  })

  it('treats a fingerprint as a file that was not read', () => {
    const read = { digest: { bytes: 0, sha256: SMALL }, releases: [], releasesLeftOut: 0 }
    assert.deepEqual(readPasted('pasted', SMALL), { kind: 'given', files: [{ name: SMALL, isFingerprint: true, read }], receipts: [] })
  })
})
