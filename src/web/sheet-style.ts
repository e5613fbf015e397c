/**
 * The style of printed sheets: the number of each, in the language of the page, and certificates,
 * which look on the screen as they print.
 */
import { CATALOGUES, LANGUAGE_TAGS } from '../messages/language.ts'

const SHEET = `
table.sheet{--ink:#000;--soft:#333;--paper:#fff;--panel:#fff;--line:#555;--link:#000;--warn:#000;--warn-bg:#fff;--bad:#000;--bad-bg:#fff;--card:#fff;--rule:#999;color-scheme:light;background:var(--paper);color:var(--ink);max-inline-size:54rem;margin-inline:auto;border:1px solid var(--line)}
.sheet>*>tr>td{border:0;padding:0 1.6rem}.sheet>tbody>tr>td{padding-block-end:1.6rem}.sheet>thead p{border-block-end:1px solid var(--line);padding-block:.6rem .4rem;margin:0 0 .8rem;font-size:.85rem}
.sheet p,.sheet li,.sheet dd{max-inline-size:none}.issuer{display:flex;gap:.9rem;align-items:center}.issuer>svg:first-child{inline-size:3.4rem;block-size:3.4rem;flex:none}.issuer p{margin:0}.issuer .qr{margin-inline-start:auto;flex:none;inline-size:7rem;block-size:7rem}
.subject{font-size:1.3rem;font-weight:600;line-height:1.3;margin-block-start:0}.sheet h1{margin-block-end:.2rem}.sheet .banner{border:2px solid}.commands{margin:.2rem 0}.commands li{display:grid;grid-template-columns:8.5rem 1fr;gap:0 .6rem;align-items:baseline}.commands code{white-space:pre-wrap}.sheet .sign{grid-template-columns:1fr 1fr;gap:0 1.6rem}.sheet .sign div{margin-block-start:4rem}
@media(max-width:36rem){.sheet>*>tr>td{padding-inline:.7rem}.issuer{flex-wrap:wrap}.commands li,.sheet .sign{grid-template-columns:1fr}}
@media print{table.sheet{border:0;max-inline-size:none;margin:0}.sheet>*>tr>td{padding:0}.sheet>tbody>tr{break-inside:auto}html:has(.sheet) .top{display:none}
.sheet>thead p{font-size:7.6pt;padding:0 0 1mm;margin:0 0 3mm}.issuer>svg:first-child{inline-size:15mm;block-size:15mm}.issuer .qr{inline-size:26mm;block-size:26mm;float:none}
.sheet h1{font-size:15pt}.sheet .subject{font-size:12pt;margin-block:0 2mm}.sheet h2{font-size:11pt;margin-block:3.5mm 1mm}.commands li{display:grid!important;grid-template-columns:30mm 1fr;gap:0 2mm}.commands li+li::before{content:none!important}.sheet .path{font-size:7.2pt;line-height:1.25}.steps .path .hash{font-size:7.2pt}.steps>li{break-inside:auto}.steps ul,.steps li p{break-inside:avoid}
.sheet thead{break-after:avoid}.sheet .sign div{margin-block-start:15mm}}
`

/** Browsers that know no margin boxes print their own page numbers. */
const PAGES = LANGUAGE_TAGS.map(tag => {
  const content = CATALOGUES[tag]['site.page']
    .split(/(\{\w+\})/)
    .filter(part => part !== '')
    .map(part => (part.startsWith('{') ? `counter(${part.slice(1, -1)})` : `"${part}"`))
  return `html:lang(${tag}){page:${tag}}@page ${tag}{@bottom-center{content:${content.join(' ')};font:7.6pt system-ui,sans-serif}}`
}).join('\n')

/** After all other rules, because it changes some of them for print. */
export const SHEET_STYLE = `${SHEET}@media print{${PAGES}}`
