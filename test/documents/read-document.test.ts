/** The values that files state, format by format, and where in the file they are. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readDocument } from '../../src/documents/read-document.ts'
import type { DocumentReading } from '../../src/documents/reading.ts'
import { asice, cms, DECISION, judgment, MAIL, NOTICE_ID, NOTICE_MEMBERS, notice, zipOf } from './files.ts'

const bytesOf = (content: string | Uint8Array) => (typeof content === 'string' ? new TextEncoder().encode(content) : content)
const read = (content: string | Uint8Array, name = 'file') => readDocument(name, bytesOf(content))
const readJson = (value: unknown) => read(JSON.stringify(value), 'a.json')
const placesOf = ({ stated }: DocumentReading) => Object.fromEntries(stated.map(({ member, value, at }) => [`${member} ${value}`, at]))
const codesOf = ({ remarks }: DocumentReading) => remarks.map(({ code, value }) => (value === undefined ? code : `${code} ${value}`))
const document = (name: string, mediaType: string, content: string | Uint8Array) => ({
  name,
  mediaType,
  bytes: bytesOf(content).length,
  sha256: createHash('sha256').update(content).digest('hex'),
})

describe('documents/read-document: eForms', () => {
  it('reads a notice, its title in its own language, and one moment from date and time', async () => {
    const reading = await read(notice(), 'notice.xml')
    deepEqual(reading.format, 'eforms')
    deepEqual(reading.members, {
      kind: 'procurement',
      record: NOTICE_ID,
      revision: '02',
      identifiers: [
        { scheme: 'ted-notice', value: NOTICE_ID },
        { scheme: 'local', value: 'folder-1' },
      ],
      language: 'de',
      title: 'Eine Brücke',
      published: '2026-02-01T09:00:00Z',
    })
    deepEqual(placesOf(reading), {
      'kind procurement': undefined,
      [`record ${NOTICE_ID}`]: '/ContractNotice/cbc:ID',
      'revision 02': '/ContractNotice/cbc:VersionID',
      [`identifiers ted-notice=${NOTICE_ID}`]: '/ContractNotice/cbc:ID',
      'identifiers local=folder-1': '/ContractNotice/cbc:ContractFolderID',
      'language de': '/ContractNotice/cbc:NoticeLanguageCode',
      'title Eine Brücke': '/ContractNotice/cac:ProcurementProject/cbc:Name',
      'published 2026-02-01T09:00:00Z': '/ContractNotice/cbc:IssueDate + /ContractNotice/cbc:IssueTime',
    })
    deepEqual(codesOf(reading), [])
  })

  it('takes a change notice for an amendment of the notice that it changes', async () => {
    const changed = '99999999-2222-4333-8444-555555555555'
    const changes = (reason: string) =>
      `<efac:Changes><efbc:ChangedNoticeIdentifier>${changed}-01</efbc:ChangedNoticeIdentifier>${reason}</efac:Changes>`
    const code = '<efac:ChangeReason><cbc:ReasonCode>cor-buy</cbc:ReasonCode></efac:ChangeReason>'
    const reading = await read(notice({ extension: changes(code) }))
    const { action, record, target, revision, reason } = reading.members
    deepEqual([action, record, target, revision, reason], ['amend', changed, '01', `${NOTICE_ID}-02`, { code: 'correction' }])
    deepEqual(codesOf(reading), [`CHANGE_OF_RECORD ${changed}-01`])
    const silent = await read(notice({ extension: changes('') }))
    deepEqual([silent.members.action, silent.members.reason, codesOf(silent)[0]], ['amend', undefined, 'REASON_UNSTATED'])
  })

  it('does not guess which notice is changed if it is named in another way', async () => {
    const extension = '<efac:Changes><efbc:ChangedNoticeIdentifier>403922-2019</efbc:ChangedNoticeIdentifier></efac:Changes>'
    const reading = await read(notice({ extension }))
    deepEqual([reading.members.record, reading.members.action], [NOTICE_ID, undefined])
    deepEqual(codesOf(reading), ['CHANGE_UNRESOLVED 403922-2019'])
  })

  it('leaves out a date that is not a moment', async () => {
    for (const [before, after] of [
      ['<cbc:IssueTime>10:00:00+01:00', '<cbc:IssueTime>10:00:00Z'],
      ['<cbc:IssueTime>10:00:00+01:00</cbc:IssueTime>', ''],
      ['2026-02-01+01:00', '2026-02-01'],
      ['2026-02-01', '2026-02-31'],
    ] as const) {
      const reading = await read(notice({ inside: NOTICE_MEMBERS.replace(before, after) }))
      deepEqual([reading.members.published, reading.remarks.map(({ code }) => code)], [undefined, ['DATE_NOT_EXACT']], after)
    }
  })

  it('names the buyer, and the ids that the Publications Office gave', async () => {
    const extension = `<efac:Organizations><efac:Organization><efac:Company><cac:PartyIdentification><cbc:ID>ORG-1</cbc:ID></cac:PartyIdentification><cac:PartyName><cbc:Name>Port of Example</cbc:Name></cac:PartyName></efac:Company></efac:Organization></efac:Organizations>
<efac:Publication><efbc:NoticePublicationID schemeName="ojs-notice-id">2026/S 001-7</efbc:NoticePublicationID><efbc:NoticePublicationID schemeName="ojs-notice-id">n.a.</efbc:NoticePublicationID></efac:Publication>`
    const { agencyHint, members } = await read(notice({ extension }))
    deepEqual([agencyHint, members.identifiers?.at(-1)], ['Port of Example', { scheme: 'ojs', value: '2026/S 001-7' }])
  })

  it('reads other encodings by what they declare', async () => {
    const plain = await read(notice())
    const text = notice()
    const latin1 = Buffer.from(text.replace('UTF-8', 'ISO-8859-1'), 'latin1')
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text.replace('UTF-8', 'UTF-16'), 'utf16le')])
    for (const bytes of [latin1, utf16, Buffer.from(`\ufeff${text}`)]) deepEqual((await read(bytes)).members, plain.members)
  })
})

describe('documents/read-document: Akoma Ntoso', () => {
  it('reads work, expression and manifestation, and takes the manifestation with its date for the version', async () => {
    const reading = await read(judgment())
    deepEqual(reading.format, 'akoma-ntoso')
    deepEqual(reading.members, {
      kind: 'decision',
      record: 'https://court.example/id/7',
      revision: 'https://court.example/7/eng.xml@2026-02-10T00:00:00',
      identifiers: [
        { scheme: 'akn-work', value: 'https://court.example/id/7' },
        { scheme: 'akn-expression', value: 'https://court.example/7/eng' },
        { scheme: 'akn-manifestation', value: 'https://court.example/7/eng.xml' },
        { scheme: 'ecli', value: 'ECLI:XX:IC:2026:7' },
        { scheme: 'ncn', value: '[2026] IC 7' },
      ],
      title: 'Invented v Example',
      language: 'en',
    })
    equal(placesOf(reading)['record https://court.example/id/7'], '/akomaNtoso/judgment/meta/identification/FRBRWork/FRBRuri/@value')
    deepEqual(codesOf(reading), ['DATE_NOT_EXACT 2026-02-03'])
    const other = await read(judgment({ manifestationDate: '2026-03-01' }))
    equal(other.members.record, reading.members.record)
    equal(other.members.revision, 'https://court.example/7/eng.xml@2026-03-01')
  })

  it('takes a date with time and zone, and no language if there are several', async () => {
    const { members } = await read(judgment({ date: '2026-02-03T10:00:00+02:00' }))
    equal(members.published, '2026-02-03T08:00:00Z')
    const bilingual = await read(judgment({ languages: ['fra', 'nld'], date: '' }))
    deepEqual([bilingual.members.language, codesOf(bilingual)], [undefined, ['LANGUAGE_SEVERAL fra, nld']])
  })

  it('does not mistake the metadata of a part for that of the document', async () => {
    const part =
      '<attachments><attachment><doc><meta><identification><FRBRWork><FRBRuri value="x"/></FRBRWork></identification></meta></doc></attachment></attachments>'
    equal((await read(judgment({ more: part }))).members.record, 'https://court.example/id/7')
  })
})

describe('documents/read-document: JSON', () => {
  it("reads Diavgeia's decisions: a corrected version is amended", async () => {
    const reading = await readJson(DECISION)
    deepEqual(reading.format, 'diavgeia')
    deepEqual(reading.members, {
      kind: 'decision',
      record: '6ΑΒΓ-ΔΕΖ',
      revision: 'v-2',
      target: 'v-1',
      action: 'amend',
      reason: { code: 'correction' },
      identifiers: [
        { scheme: 'ada', value: '6ΑΒΓ-ΔΕΖ' },
        { scheme: 'local', value: '7/2026' },
      ],
      title: 'Έγκριση δαπάνης',
      published: '2023-11-14T22:13:21Z',
    })
    equal(placesOf(reading)['published 2023-11-14T22:13:21Z'], '/submissionTimestamp')
    const first = await readJson({ ...DECISION, correctedVersionId: null, status: 'REVOKED', privateData: true })
    deepEqual(
      [first.members.action, first.members.target, codesOf(first)],
      [undefined, undefined, ['STATUS_OTHER REVOKED', 'PRIVATE_DATA']],
    )
  })

  it('does not take a list of versions for a version', async () => {
    const reading = await readJson({ ada: DECISION.ada, versions: [{ versionId: 'v-1' }] })
    deepEqual([reading.format, reading.members.record, codesOf(reading)], ['diavgeia-history', undefined, ['HISTORY_ONLY']])
  })

  it('reads one OC4IDS project, alone or in a package, and does not choose among several', async () => {
    const project = { id: 'oc4ids-abc123-1', updated: '2026-01-02T00:00:00Z', title: 'A road', language: 'en' }
    const file = { uri: 'u', publishedDate: '2026-01-03T10:00:00+01:00', publisher: { name: 'Roads' }, projects: [project] }
    const reading = await readJson(file)
    deepEqual(reading.members, {
      kind: 'procurement',
      record: project.id,
      revision: project.updated,
      identifiers: [{ scheme: 'oc4ids', value: project.id }],
      title: 'A road',
      language: 'en',
      published: '2026-01-03T09:00:00Z',
    })
    deepEqual([reading.agencyHint, placesOf(reading)['title A road']], ['Roads', '/projects/0/title'])
    deepEqual((await readJson(project)).members.record, project.id)
    const several = await readJson({ ...file, projects: [project, project] })
    deepEqual([several.members.record, codesOf(several)], [undefined, ['RECORDS_SEVERAL 2']])
  })

  it('reads Open Civic Data and the data of Legistar', async () => {
    const bill = await readJson({
      id: 'ocd-bill/1-2',
      identifier: 'HB 1',
      title: 'A bill',
      updated_at: '2026-01-01T00:00:00Z',
      jurisdiction: { name: 'Example' },
    })
    deepEqual(bill.members, {
      kind: 'decision',
      record: 'ocd-bill/1-2',
      revision: '2026-01-01T00:00:00Z',
      identifiers: [{ scheme: 'local', value: 'HB 1' }],
      title: 'A bill',
    })
    equal(bill.agencyHint, 'Example')
    const matter = await readJson([
      { MatterId: 7, MatterGuid: 'G-1', MatterRowVersion: 'AAA=', MatterFile: 'Res 1', MatterTitle: 'A matter' },
    ])
    deepEqual(
      [matter.format, matter.members.record, matter.members.revision, matter.members.identifiers, matter.members.title],
      [
        'legistar',
        'G-1',
        'AAA=',
        [
          { scheme: 'local', value: 'Res 1' },
          { scheme: 'local', value: '7' },
        ],
        'A matter',
      ],
    )
    equal(placesOf(matter)['record G-1'], '/0/MatterGuid')
  })

  it('recognises OCDS in its wrappings, and does not take other data for it', async () => {
    const release = '{"ocid":"A","id":"1"}'
    for (const text of [release, `[${release}]`, `${release}\n${release}\n`, `{"releases":[${release}]}`, `{"records":[${release}]}`])
      equal((await read(text, 'a.json')).format, 'ocds', text)
    equal((await read(await zipOf({ 'a.json': release }), 'a.zip')).format, 'ocds')
    equal((await read(Uint8Array.of(0x1f, 0x8b, 8), 'a.json.gz')).format, 'ocds')
    for (const other of ['{"records":[{"id":1}]}', '{"a":1}', '[]', '{"a":1}\n{"a":2}\n']) deepEqual(await read(other, 'a.json'), NOTHING)
    deepEqual(await read(await zipOf({ '[Content_Types].xml': '<x/>', 'a.json': release }), 'a.docx'), NOTHING)
  })

  it('refuses JSON that does not parse or can be read in two ways, and no text that only begins like it', async () => {
    for (const [text, code] of [
      ['{"ada":"x"', 'JSON_MALFORMED'],
      ['', 'JSON_MALFORMED'],
      ['not JSON', 'JSON_MALFORMED'],
      ['{"ada":"x","ada":"y"}', 'JSON_DUPLICATE_KEY'],
      ['{"ada":"\\ud800"}', 'JSON_SURROGATE'],
      [Buffer.from('{"ada":"é"}', 'latin1'), 'TEXT_NOT_UTF8'],
      [`${'['.repeat(200)}${']'.repeat(200)}`, 'JSON_DEPTH'],
    ] as const)
      equal((await read(text, 'a.json')).refused?.code, code, String(text).slice(0, 40))
    deepEqual(await read('[Draft] Minutes', 'minutes.txt'), NOTHING)
  })
})

describe('documents/read-document: e-mails and signed files', () => {
  it('reads a mail by its Message-ID, and lists its attachments under names of their own', async () => {
    const reading = await read(MAIL, 'mail.eml')
    deepEqual(reading.members, {
      record: '7@council.example',
      identifiers: [{ scheme: 'message-id', value: '7@council.example' }],
      title: 'Beschlüsse',
      language: 'de',
      published: '2026-02-03T08:05:06Z',
    })
    deepEqual(placesOf(reading)['record 7@council.example'], 'Message-ID')
    equal(reading.agencyHint, 'Council')
    deepEqual(reading.inner, [document('decision.pdf', 'application/pdf', 'one'), document('2-decision.pdf', 'application/pdf', 'two')])
    equal((await read(MAIL, 'saved')).format, 'mail')
    deepEqual(await read('Note: this is no mail.\n', 'note.txt'), NOTHING)
  })

  it('lists the documents of a signed container, and reads the only one', async () => {
    const both = await read(await asice({ 'a.pdf': 'A', 'b/c.xml': notice() }), 'file.asice')
    deepEqual([both.format, both.members, both.stated], ['asice', {}, []])
    deepEqual(both.inner, [document('a.pdf', 'application/pdf', 'A'), document('b/c.xml', 'application/xml', notice())])
    const one = await read(await asice({ 'notice.xml': notice() }), 'notice.xml')
    deepEqual([one.format, one.members.record, one.inner[0]?.name], ['asice', NOTICE_ID, '2-notice.xml'])
    equal(placesOf(one)['revision 02'], 'notice.xml: /ContractNotice/cbc:VersionID')
  })

  it('takes the document out of a .p7m in one part or in several, as DER, PEM and base64, signed twice too', async () => {
    const content = bytesOf(notice())
    const parts = [content.subarray(0, 100), content.subarray(100, 101), content.subarray(101)]
    const der = cms([content])
    const base64 = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')
    for (const file of [der, cms(parts), base64, `-----BEGIN PKCS7-----\n${base64}\n-----END PKCS7-----\n`]) {
      const reading = await read(file, 'notice.xml.p7m')
      deepEqual([reading.format, reading.members.record], ['cms', NOTICE_ID])
      deepEqual(reading.inner, [document('notice.xml', 'application/xml', content)])
    }
    const twice = await read(cms([der]), 'notice.xml.p7m.p7m')
    deepEqual([twice.members.record, twice.inner.map(({ name }) => name)], [NOTICE_ID, ['notice.xml.p7m', 'notice.xml']])
    match(placesOf(twice)['revision 02'] ?? '', /^notice\.xml\.p7m: notice\.xml: \//)
    equal((await read(cms([cms([cms([cms([content])])])]), 'x.p7m')).refused?.code, 'DOCUMENT_TOO_DEEP')
  })

  it('says that a detached signature and an encrypted file hold no document', async () => {
    deepEqual(codesOf(await read(cms(undefined), 'a.p7m')), ['INNER_DETACHED'])
    deepEqual(codesOf(await read(cms([bytesOf('x')], '1.2.840.113549.1.7.3'), 'a.p7m')), ['INNER_ENCRYPTED'])
  })
})

describe('documents/read-document: ids', () => {
  it('leaves out an id that a statement cannot carry', async () => {
    for (const ada of ['a\u202eb', 'x'.repeat(513), 'a\nb', ' a']) {
      const reading = await readJson({ ...DECISION, ada })
      deepEqual([reading.members.record, reading.remarks[0]?.code], [undefined, 'ID_UNFIT'], JSON.stringify(ada))
    }
  })

  it('states nothing of any other file', async () => {
    for (const [name, content] of [
      ['a.pdf', '%PDF-1.7\n'],
      ['a.xml', '<x/>'],
      ['a.txt', 'text'],
      ['empty', ''],
    ] as const)
      deepEqual(await read(content, name), NOTHING)
  })
})

const NOTHING = { members: {}, stated: [], inner: [], remarks: [] }
