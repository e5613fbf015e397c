/** Files made to break a reader: each ends soon, in a reading or in one of our codes. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { crc32, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { readDocument } from '../../src/documents/read-document.ts'
import { asice, cms, DECISION, judgment, MAIL, notice, zipOf } from './files.ts'

const bytesOf = (content: string | Uint8Array) => (typeof content === 'string' ? new TextEncoder().encode(content) : content)
const codeOf = async (content: string | Uint8Array, name = 'file') => (await readDocument(name, bytesOf(content))).refused?.code
const MIB = 1024 * 1024
const READER = new URL('../../src/documents/read-document.ts', import.meta.url).href

describe('documents: hostile files', () => {
  it('reads no document type, so neither entities nor other files come in', async () => {
    const bomb = Array.from({ length: 9 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('')
    for (const doctype of [
      `<!DOCTYPE x [<!ENTITY e0 "lol">${bomb}]>`,
      '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
      '<!DOCTYPE x SYSTEM "http://x.example/x.dtd">',
    ])
      equal(await codeOf(notice().replace('<ContractNotice', `${doctype}<ContractNotice`)), 'XML_DOCTYPE')
    equal(await codeOf(notice({ inside: '<cbc:ID>&unknown;</cbc:ID>' })), 'XML_MALFORMED')
  })

  it('bounds depth, attributes and texts of XML', async () => {
    const deep = (levels: number) => `${'<a>'.repeat(levels)}${'</a>'.repeat(levels)}`
    equal(await codeOf(deep(256)), undefined)
    equal(await codeOf(deep(257)), 'XML_TOO_DEEP')
    equal(await codeOf(deep(100_000)), 'XML_TOO_DEEP')
    equal(await codeOf(`<a ${Array.from({ length: 1001 }, (_, n) => `b${n}=""`).join(' ')}/>`), 'XML_TOO_LARGE')
    equal(await codeOf(`<a b="${'x'.repeat(MIB + 1)}"/>`), 'XML_TOO_LARGE')
    equal(await codeOf(`<a>${'x'.repeat(MIB + 1)}</a>`), 'XML_TOO_LARGE')
    equal(await codeOf(notice({ inside: `<cbc:ID>${'<![CDATA[x]]>'.repeat(100_001)}</cbc:ID>` })), 'XML_TOO_LARGE')
    equal(await codeOf(notice({ inside: `<cbc:ID>${`<!-- -->${'x'.repeat(1024)}`.repeat(1025)}</cbc:ID>` })), 'XML_TOO_LARGE')
    equal(await codeOf(notice({ inside: '<cbc:ID>x</cbc:ID>'.repeat(10_001) })), 'XML_TOO_LARGE')
    // Each inner element would be looked up by all the names around it.
    const long = 'n'.repeat(10_000)
    equal(await codeOf(`<a><${long}>${'<b/>'.repeat(10_000)}</${long}></a>`), 'XML_TOO_LARGE')
  })

  it('takes little more memory than a file has for its title, or to say where it is damaged', async () => {
    const inLittle = async (text: string) => {
      const code = `import { readDocument } from ${JSON.stringify(READER)}
        import { parentPort } from 'node:worker_threads'
        const { members, refused } = await readDocument('a.json', new TextEncoder().encode(${text}))
        parentPort.postMessage([members.title?.length, refused?.code])`
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
        resourceLimits: { maxOldGenerationSizeMb: 256 },
      })
      return (await once(worker, 'message'))[0]
    }
    const decision = JSON.stringify({ ...DECISION, subject: 'TITLE' }).split('TITLE')
    deepEqual(await inLittle(`${JSON.stringify(decision)}.join('x'.repeat(${40 * MIB}))`), [500, undefined])
    deepEqual(await inLittle(`'{' + '\\n'.repeat(${40 * MIB}) + 'x}'`), [undefined, 'JSON_MALFORMED'])
  })

  it('makes few remarks about a file, however many it causes, and each once', async () => {
    const of = async (ids: readonly string[]) => {
      const all = ids.map(id => `<efbc:NoticePublicationID schemeName="ojs-notice-id">${id}</efbc:NoticePublicationID>`)
      const { remarks } = await readDocument(
        'notice.xml',
        bytesOf(notice({ extension: `<efac:Publication>${all.join('')}</efac:Publication>` })),
      )
      return remarks.filter(({ code }) => code === 'ID_UNFIT').length
    }
    equal(await of(Array.from({ length: 5000 }, (_, n) => `${n}\u200e`)), 20)
    equal(await of(Array.from({ length: 5000 }, () => 'one\u200e')), 1)
  })

  it('refuses texts that are not XML, or not in their declared encoding', async () => {
    for (const text of ['<a>', '<a></b>', '<a/><b/>', '<a b=1/>', '<', '<a>\u0001</a>', '<a>&#xD800;</a>', '<a:b/>', '<a/>x'])
      equal(await codeOf(text), 'XML_MALFORMED', text)
    equal(await codeOf('<?xml version="1.0" encoding="x-secret"?><a/>'), 'XML_ENCODING')
    equal(await codeOf(Buffer.from(judgment({ more: 'é' }), 'latin1')), 'XML_ENCODING')
    equal(await codeOf(Buffer.from([0xff, 0xfe, 0x3c, 0x00, 0x00, 0xd8, 0x3e, 0x00])), 'XML_ENCODING')
  })

  it('unpacks no archive without bound, and none that is ambiguous', async () => {
    const zeros = new Uint8Array(8 * MIB)
    equal(await codeOf(await asice({ 'a.bin': zeros }), 'a.asice'), 'ZIP_TOO_LARGE')
    equal(await codeOf(await asice({ 'a.bin': 'x', 'b.bin': zeros }), 'a.asice'), 'ZIP_TOO_LARGE')
    const zip = Buffer.from(await zipOf({ mimetype: 'application/vnd.etsi.asic-e+zip', 'a.txt': 'A', 'b.txt': 'B' }, 0))
    for (const bad of [
      Buffer.from(zip.toString('latin1').replaceAll('b.txt', 'a.txt'), 'latin1'),
      Buffer.from(zip.toString('latin1').replaceAll('b.txt', '../xt'), 'latin1'),
      zip.subarray(0, -1),
    ])
      equal(await codeOf(bad, 'a.asice'), 'ZIP_REFUSED')
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${n}.txt`, 'x']))
    const reading = await readDocument('a.asice', await asice(many))
    deepEqual([reading.inner.length, reading.remarks], [255, [{ code: 'INNER_TOO_MANY', value: '255' }]])
  })

  it('unpacks no more than 512 MiB of an archive in all', async function () {
    this.timeout(120_000) // unpacks 512 MiB
    const part = new Uint8Array(MIB)
    // The type of the container is unpacked too.
    const type = bytesOf('application/vnd.etsi.asic-e+zip')
    const parts = Array.from({ length: 511 }, (_, n) => [`${n}.bin`, part] as const)
    const last = part.subarray(0, MIB - type.length + 1)
    equal(await codeOf(packed([['mimetype', type], ...parts, ['last.bin', last]]), 'a.asice'), 'ZIP_TOO_LARGE')
  })

  it('stops reading the names in an archive at the first one too many', async () => {
    // 65,000 empty entries at one place: reading all their names took some hundred megabytes.
    const count = 65_000
    const name = (n: number) => Buffer.from(String(n).padStart(5, '0'))
    const entry = (n: number) => {
      const row = Buffer.alloc(46)
      row.writeUInt32LE(0x02014b50, 0)
      row.writeUInt16LE(name(n).length, 28)
      row.writeUInt32LE(35 * n, 42)
      return Buffer.concat([row, name(n)])
    }
    const local = (n: number) => {
      const row = Buffer.alloc(30)
      row.writeUInt32LE(0x04034b50, 0)
      row.writeUInt16LE(name(n).length, 26)
      return Buffer.concat([row, name(n)])
    }
    const numbers = Array.from({ length: count }, (_, n) => n)
    const [files, rows] = [Buffer.concat(numbers.map(local)), Buffer.concat(numbers.map(entry))]
    const end = Buffer.alloc(22)
    end.writeUInt32LE(0x06054b50, 0)
    for (const at of [8, 10]) end.writeUInt16LE(count % 65_536, at)
    end.writeUInt32LE(rows.length, 12)
    end.writeUInt32LE(files.length, 16)
    const before = process.memoryUsage().rss
    equal(await codeOf(Buffer.concat([files, rows, end]), 'a.asice'), 'ZIP_TOO_LARGE')
    ok(process.memoryUsage().rss - before < 150 * MIB)
  })

  it('refuses signed files that are nested without end, damaged, or something else', async () => {
    const prefix = cms([bytesOf('x')]).subarray(0, 32)
    const nested = new Uint8Array(400_000).fill(0x30)
    for (let at = 1; at < nested.length; at += 2) nested[at] = 0x80
    equal(await codeOf(Buffer.concat([prefix, nested]), 'a.p7m'), 'CMS_MALFORMED')
    equal(await codeOf(cms([bytesOf('x')]).subarray(0, -3), 'a.p7m'), 'CMS_MALFORMED')
    equal(await codeOf(cms([bytesOf('x')], '1.2.840.113549.1.7.5'), 'a.p7m'), 'CMS_MALFORMED')
  })

  it('refuses e-mails that are nested without end or have headers without end', async () => {
    const nested = Array.from({ length: 100 }, (_, n) => `Content-Type: multipart/mixed; boundary="b${n}"\r\n\r\n--b${n}\r\n`).join('')
    const head = 'From: a@b.example\r\nDate: x\r\nMessage-ID: <x@y>\r\n'
    equal(await codeOf(`${head}${nested}`, 'a.eml'), 'MAIL_REFUSED')
    equal(await codeOf(`${head}${`X-Filler: ${'x'.repeat(1000)}\r\n`.repeat(2000)}\r\n`, 'a.eml'), 'MAIL_REFUSED')
    const inner = `${head}Content-Type: message/rfc822\r\n\r\n`.repeat(50)
    equal((await readDocument('a.eml', bytesOf(inner))).inner.length, 1)
  })

  it('hashes a file that is too large to read, and reads nothing of it', async () => {
    equal(await codeOf(new Uint8Array(64 * MIB + 1), 'a.xml'), 'DOCUMENT_TOO_LARGE')
  })

  it('ends in a reading or in one of our codes, whatever bytes are changed', async function () {
    this.timeout(60_000)
    const files: [string, Uint8Array][] = [
      ['notice.xml', bytesOf(notice())],
      ['judgment.xml', bytesOf(judgment())],
      ['decision.json', bytesOf(JSON.stringify(DECISION))],
      ['mail.eml', bytesOf(MAIL)],
      ['signed.p7m', cms([bytesOf(notice()), bytesOf('x')])],
      ['signed.asice', await asice({ 'notice.xml': notice() })],
    ]
    const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255), cut: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.array(change, { minLength: 1, maxLength: 4 }), async ([name, bytes], changes) => {
        let damaged = bytes.slice()
        for (const { at, byte, cut } of changes) {
          const place = Math.floor(at * (damaged.length - 1))
          damaged[place] = byte
          if (cut && byte < 32) damaged = damaged.slice(0, place)
        }
        const { refused, stated } = await readDocument(name, damaged)
        if (refused !== undefined) match(refused.code, /^(?:XML|JSON|TEXT|ZIP|CMS|MAIL|DOCUMENT)_[A-Z0-9_]+$/)
        for (const { value, at } of stated) ok(value.isWellFormed() && (at ?? '').isWellFormed())
      }),
      { numRuns: 600 },
    )
  })
})

/** A ZIP archive of these files, made by hand: it packs each content once. */
function packed(files: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const known = new Map<Uint8Array, { readonly raw: Uint8Array; readonly crc: number }>()
  const of = (content: Uint8Array) => {
    const found = known.get(content) ?? { raw: deflateRawSync(content), crc: crc32(content) }
    known.set(content, found)
    return found
  }
  const pieces: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const [name, content] of files) {
    const { raw, crc } = of(content)
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0) // version needed
    shared.writeUInt16LE(8, 4) // deflate
    shared.writeUInt32LE(0x21_0000, 6) // 1 January 1980
    shared.writeUInt32LE(crc, 10)
    shared.writeUInt32LE(raw.length, 14)
    shared.writeUInt32LE(content.length, 18)
    shared.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), raw])
    const offset = Buffer.alloc(14)
    offset.writeUInt32LE(at, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, offset, Buffer.from(name)]))
    pieces.push(local)
    at += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...pieces, central, end])
}
