/** Reading files in chunks. */
import assert from 'node:assert/strict'
import { toUtf8 } from '../../../src/core/bytes.ts'
import { digestsOf } from '../../../src/documents/digest.ts'
import { MAX_RELEASE_BYTES } from '../../../src/documents/ocds/outline.ts'
import { createFileReader } from '../../../src/verifier/app/file-reader.ts'
import { readBytes } from '../read-bytes.ts'

describe('verifier/app/file-reader', () => {
  it('reads a file in chunks to the digests of its bytes', () => {
    for (const text of ['', 'plain', ' {"b":1.0,"a":2}', '[1', '{"a":1,"a":2}']) {
      const bytes = toUtf8(text)
      for (const chunkBytes of [1, 3, 100]) {
        const { digest } = readBytes(bytes, chunkBytes)
        const { sha256, jcs } = digestsOf(bytes)
        assert.deepEqual([digest.sha256, digest.jcs, digest.bytes], [sha256, jcs, bytes.length])
      }
    }
  })

  it('keeps nothing of a chunk whose memory is filled again', () => {
    const bytes = Buffer.from(JSON.stringify({ a: 'x'.repeat(50), b: 2 }))
    for (const chunk of [Buffer.alloc(10), new Uint8Array(10)]) {
      const reader = createFileReader()
      for (let at = 0; at < bytes.length; at += chunk.length) {
        chunk.set(bytes.subarray(at, at + chunk.length))
        reader.update(chunk.subarray(0, bytes.length - at))
      }
      assert.deepEqual(reader.finish().digest, digestsOf(bytes))
    }
  })

  it('keeps no JSON that is too large, and says so', () => {
    const { digest, json } = readBytes(toUtf8('{"a":1}'), 2, { maxJsonBytes: 5 })
    assert.deepEqual([digest.jcs, digest.jcsReason, json], [undefined, 'larger than 5 bytes', undefined])
  })

  it('finds the releases of a package each by its RFC 8785 form, and keeps the rest where one is refused', () => {
    const release = { ocid: 'ocds-1', id: 'r1', tender: { b: 1, a: null } }
    const text = `{"uri":"u","releases":[${JSON.stringify(release)},7,{"id":"no ocid"},{"id":"x","id":"y"}]}`
    const { jcs } = digestsOf(toUtf8(JSON.stringify(release)))
    const [first, second, third, ...more] = readBytes(toUtf8(text)).releases
    assert.deepEqual([first?.name, first?.position, first?.digest?.sha256, first?.digest?.jcs], ['ocds-1 r1', 1, jcs, jcs])
    assert.deepEqual([second?.name, second?.position], ['no ocid', 2])
    assert.ok(third && third.digest === undefined && third.refused.includes('appears twice'))
    assert.deepEqual(more, [])
  })

  it('finds those embedded in the records of a record package, also past the size that is kept', () => {
    const text = JSON.stringify({
      uri: 'u',
      records: [
        { ocid: 'a', releases: [{ ocid: 'a', id: '1' }] },
        { ocid: 'b', releases: [{ ocid: 'b', id: 2 }] },
      ],
    })
    assert.deepEqual(
      readBytes(toUtf8(text), 7, { maxJsonBytes: 10 }).releases.map(({ name }) => name),
      ['a 1', 'b 2'],
    )
  })

  it('reads as many releases as it is told to, and counts the others', () => {
    const text = JSON.stringify({ releases: ['1', '2', '3', '4'].map(id => ({ ocid: 'a', id })) })
    const { releases, releasesLeftOut } = readBytes(toUtf8(text), 7, { maxReleases: 3 })
    assert.deepEqual([releases.map(({ name }) => name), releasesLeftOut], [['a 1', 'a 2', 'a 3'], 1])
  })

  it('treats an incomplete package as a plain file', () => {
    for (const text of ['{"releases":[],"releases":[]}', '{"releases":[{"id":1}', '[{"id":1}]', '{"ocid":"a","id":"1"}', 'releases'])
      assert.deepEqual(readBytes(toUtf8(text)).releases, [], text)
  })

  it('treats a file as JSON only if it begins with an object or a list, after any white space of JSON', () => {
    for (const text of ['\t{"a":1}', '\n{"a":1}', '\r{"a":1}', ' [1]', '\r\n\t [1,2]']) {
      const { digest, json } = readBytes(toUtf8(text), 1)
      assert.deepEqual([digest.jcs, json], [digestsOf(toUtf8(text)).jcs, toUtf8(text)], JSON.stringify(text))
    }
    for (const text of ['7', '"a"', '\f{"a":1}', '\v[1]', '\\[1]', '(1']) {
      const { digest, json } = readBytes(toUtf8(text), 1)
      assert.deepEqual([digest.jcs, digest.jcsReason, json], [undefined, undefined, undefined], JSON.stringify(text))
    }
  })

  it('says why JSON has no RFC 8785 form', () => {
    const { digest, json } = readBytes(toUtf8('{"a":1,"a":2}'))
    assert.equal(digest.jcs, undefined)
    assert.match(digest.jcsReason ?? '', /appears twice/)
    assert.ok(json)
  })

  it('keeps JSON up to the size that is kept', () => {
    const { digest, json } = readBytes(toUtf8('{"a":1}'), 3, { maxJsonBytes: 7 })
    assert.deepEqual([digest.jcs, json], [digestsOf(toUtf8('{"a":1}')).jcs, toUtf8('{"a":1}')])
  })

  it('names a release by the ocid and id that it has, and does not name one without either', () => {
    const releases = [{ ocid: 'o', id: 7 }, { id: 'i' }, { ocid: 'o' }, { id: true, ocid: {} }, {}]
    const read = readBytes(toUtf8(JSON.stringify({ releases }))).releases
    assert.deepEqual(
      read.map(({ name }) => name),
      ['o 7', 'i', 'o', undefined, undefined],
    )
    assert.deepEqual(
      read.map(release => 'name' in release),
      [true, true, true, false, false],
    )
  })

  it('refuses a release whose number is not exact, and one that is too large, each with the reason', () => {
    const [inexact] = readBytes(toUtf8('{"releases":[{"id":"n","v":12345678901234567890}]}')).releases
    assert.ok(inexact && inexact.digest === undefined && /not exact/.test(inexact.refused))
    const reader = createFileReader()
    reader.update(toUtf8('{"releases":[{"id":"'))
    const filler = new Uint8Array(4 * 1024 * 1024).fill(0x78)
    for (let read = 0; read <= MAX_RELEASE_BYTES; read += filler.length) reader.update(filler)
    reader.update(toUtf8('"}]}'))
    assert.deepEqual(reader.finish().releases, [{ position: 1, refused: 'too large', code: 'RELEASE_TOO_LARGE' }])
  })

  it('counts none as left out where the file turns out to be no package', () => {
    const { releases, releasesLeftOut } = readBytes(toUtf8('{"releases":[{"id":1},{"id":2}]'), 7, { maxReleases: 1 })
    assert.deepEqual([releases, releasesLeftOut], [[], 0])
  })
})
