/** Small invented files of the formats that are read. */
import { TextReader, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import { Constructed, Integer, ObjectIdentifier, OctetString, Sequence, Set as SetOf } from 'asn1js'

const EXTENSION_OPEN = '<ext:UBLExtensions><ext:UBLExtension><ext:ExtensionContent><efext:EformsExtension>'
const EXTENSION_CLOSE = '</efext:EformsExtension></ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions>'

export const NOTICE_ID = '11111111-2222-4333-8444-555555555555'

/** An eForms notice. `inside` replaces its members, `extension` comes before them. */
export function notice({ extension = '', inside = NOTICE_MEMBERS } = {}): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<ContractNotice xmlns="urn:oasis:names:specification:ubl:schema:xsd:ContractNotice-2"
  xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
  xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2" xmlns:efext="urn:x:efext" xmlns:efac="urn:x:efac" xmlns:efbc="urn:x:efbc">
${extension === '' ? '' : EXTENSION_OPEN + extension + EXTENSION_CLOSE}${inside}</ContractNotice>`
}

export const NOTICE_MEMBERS = `<cbc:ID schemeName="notice-id">${NOTICE_ID}</cbc:ID><cbc:ContractFolderID>folder-1</cbc:ContractFolderID>
<cbc:IssueDate>2026-02-01+01:00</cbc:IssueDate><cbc:IssueTime>10:00:00+01:00</cbc:IssueTime><cbc:VersionID>02</cbc:VersionID><cbc:NoticeLanguageCode>DEU</cbc:NoticeLanguageCode>
<cac:ContractingParty><cac:Party><cac:PartyIdentification><cbc:ID>ORG-1</cbc:ID></cac:PartyIdentification></cac:Party></cac:ContractingParty>
<cac:ProcurementProject><cbc:Name languageID="ENG">A bridge</cbc:Name><cbc:Name languageID="DEU">Eine
  Brücke</cbc:Name></cac:ProcurementProject>`

/** The extension of a notice that changes the first version of another one. */
export const changeOf = (id: string) =>
  `<efac:Changes><efbc:ChangedNoticeIdentifier>${id}-01</efbc:ChangedNoticeIdentifier><efac:ChangeReason><cbc:ReasonCode>cor-buy</cbc:ReasonCode></efac:ChangeReason></efac:Changes>`

/** A judgment in Akoma Ntoso. */
export function judgment({ manifestationDate = '2026-02-10T00:00:00', date = '2026-02-03', languages = ['eng'], more = '' } = {}): string {
  return `<?xml version="1.0"?><akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0" xmlns:uk="urn:x:uk"><judgment name="judgment"><meta><identification source="#c">
<FRBRWork><FRBRuri value="https://court.example/id/7"/><FRBRdate date="2026-02-03" name="judgment"/><FRBRalias name="ecli" value="ECLI:XX:IC:2026:7"/><FRBRname value="Invented v Example"/></FRBRWork>
<FRBRExpression><FRBRuri value="https://court.example/7/eng"/><FRBRdate date="${date}" name="judgment"/>${languages.map(code => `<FRBRlanguage language="${code}"/>`).join('')}</FRBRExpression>
<FRBRManifestation><FRBRuri value="https://court.example/7/eng.xml"/><FRBRdate date="${manifestationDate}" name="transform"/></FRBRManifestation></identification>
<proprietary source="#c"><uk:cite>[2026] IC 7</uk:cite></proprietary></meta>${more}<judgmentBody><p>Dismissed.</p></judgmentBody></judgment></akomaNtoso>`
}

export const DECISION = {
  protocolNumber: ' 7/2026 ',
  subject: 'Έγκριση\nδαπάνης',
  organizationId: '100',
  ada: '6ΑΒΓ-ΔΕΖ',
  publishTimestamp: 1_700_000_000_000,
  submissionTimestamp: 1_700_000_001_999,
  versionId: 'v-2',
  status: 'PUBLISHED',
  correctedVersionId: 'v-1' as string | null,
}

export const MAIL = [
  'From: Council <clerk@council.example>',
  'Date: Tue, 3 Feb 2026 09:05:06 +0100',
  'Message-ID: <7@council.example>',
  'Subject: =?utf-8?q?Beschl=C3=BCsse?=',
  'Content-Language: de',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b"',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'See the files.',
  ...['one', 'two'].flatMap(text => [
    '--b',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename="decision.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(text).toString('base64'),
  ]),
  '--b--',
  '',
].join('\r\n')

/** A ZIP archive; the first entries come first. */
export async function zipOf(files: Readonly<Record<string, string | Uint8Array>>, level = 6): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level, useWebWorkers: false })
  for (const [name, content] of Object.entries(files))
    await writer.add(name, typeof content === 'string' ? new TextReader(content) : new Uint8ArrayReader(content))
  return writer.close()
}

/** A signed container (ASiC-E) with these documents. */
export function asice(files: Readonly<Record<string, string | Uint8Array>>): Promise<Uint8Array> {
  return zipOf({ mimetype: 'application/vnd.etsi.asic-e+zip', ...files, 'META-INF/signatures0.xml': '<x/>' })
}

/** A CMS file of this type, signed data by default. Its document comes in parts, or is left out. */
export function cms(parts: readonly Uint8Array[] | undefined, type = '1.2.840.113549.1.7.2'): Uint8Array {
  const octets = parts?.map(part => new OctetString({ valueHex: part.slice().buffer }))
  const content = octets && (octets.length === 1 ? octets[0]! : new OctetString({ isConstructed: true, value: octets }))
  const explicit = (value: Sequence | OctetString) => new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [value] })
  const signed = new Sequence({
    value: [
      new Integer({ value: 1 }),
      new SetOf({ value: [] }),
      new Sequence({ value: [new ObjectIdentifier({ value: '1.2.840.113549.1.7.1' }), ...(content ? [explicit(content)] : [])] }),
      new SetOf({ value: [] }),
    ],
  })
  return new Uint8Array(new Sequence({ value: [new ObjectIdentifier({ value: type }), explicit(signed)] }).toBER())
}
