/**
 * The pages of the ledger's own entries, each shown as what it is: the founding, a change of the
 * key or of the chains, the notice of an erasure, a time stamp. And the page of an entry that is
 * damaged in the store.
 */
import type { AnchorsChange } from '../../core/statements/anchors-change.ts'
import type { Erasure } from '../../core/statements/erasure.ts'
import type { Genesis, GenesisAnchor } from '../../core/statements/genesis.ts'
import type { KeyChange } from '../../core/statements/key-change.ts'
import type { TimestampEntry } from '../../core/statements/timestamp.ts'
import { type Html, html, type Piece } from '../../html.ts'
import { sayNumber } from '../../messages/say.ts'
import type { Frame, Page } from '../layout.ts'
import type { Dates, LogStatement } from '../records.ts'
import { renderTime } from '../time.ts'
import { renderLedgerDate, WITHOUT } from './entry-list.ts'

/** One of the ledger's own entries. */
export type LogEntryData = { readonly index: number; readonly statement: LogStatement; readonly dates: Dates }

/** Its page: what it is, since when it has been here, and its facts. */
export function logEntryPage(frame: Frame, { index, statement, dates }: LogEntryData): Page {
  const { say, base } = frame
  const { title, lead, facts } = tell(frame, statement)
  const since = renderLedgerDate(say, dates)
  return {
    title: `${title} (${say('record.entry', { index })})`,
    description: lead,
    main: html`<h1>${title}</h1>
<p class="lead">${lead}</p>
${since && html`<p>${since}</p>`}
<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
<dt>${say('result.index')}</dt><dd>${index}</dd></dl>
${statement.type === 'openseal/genesis@v1' && html`<p>${say('founding.compare')} <a href="/policy.json">${say('about.policy')}</a></p>`}
<p class="row no-print"><a class="button quiet" href="/v1/records/${index}/receipt" download="${index}.receipt.json">${say('record.receipt')}</a> <a href="${base}/records">${say('home.all')}</a></p>`,
  }
}

/** The page of an entry whose statement does not match the log. */
export function damagedPage({ say, base }: Frame, index: number): Page {
  const title = `${say('record.entry', { index })}: ${say(WITHOUT.damaged)}`
  return {
    title,
    noIndex: true,
    main: html`<h1>${title}</h1><p>${say('record.damaged')}</p>
<p class="row no-print"><a class="button quiet" href="${base}/verify">${say('verify.title')}</a> <a href="${base}/records">${say('home.all')}</a></p>`,
  }
}

type Told = { readonly title: string; readonly lead: string; readonly facts: readonly (readonly [string, Piece])[] }

function tell(frame: Frame, statement: LogStatement): Told {
  if (statement.type === 'openseal/genesis@v1') return tellFounding(frame, statement)
  if (statement.type === 'openseal/key@v1') return tellKeyChange(frame, statement)
  if (statement.type === 'openseal/anchors@v1') return tellAnchorsChange(frame, statement)
  if (statement.type === 'openseal/timestamp@v1') return tellTimestamp(frame, statement)
  return tellErasure(frame, statement)
}

function tellFounding({ say }: Frame, { origin, logKey, anchors, created }: Genesis): Told {
  return {
    title: say('record.genesis'),
    lead: say('founding.lead'),
    facts: [
      [say('founding.name'), html`<bdi>${origin}</bdi>`],
      [say('founding.created'), renderTime(say, created)],
      [say('founding.key'), mono(logKey)],
      ...(anchors.length === 0
        ? [[say('anchors.network'), say('founding.noChain')] as const]
        : anchors.flatMap(place => tellPlace(say, place))),
    ],
  }
}

function tellPlace(say: Frame['say'], { chainId, contract, logId, codeSha256 }: GenesisAnchor): Told['facts'] {
  return [
    [say('anchors.network'), chainId],
    [say('founding.contract'), mono(contract)],
    ...(codeSha256 === undefined ? [] : [[say('founding.code'), mono(codeSha256)] as const]),
    [say('founding.log'), mono(logId)],
  ]
}

function tellKeyChange({ say }: Frame, { oldKey, newKey, fromSize, created }: KeyChange): Told {
  return {
    title: say('record.keyChange'),
    lead: say('keyChange.lead'),
    facts: [
      [say('keyChange.created'), renderTime(say, created)],
      [say('keyChange.old'), mono(oldKey)],
      [say('keyChange.new'), mono(newKey)],
      [say('keyChange.from'), sayNumber(say, fromSize)],
    ],
  }
}

function tellAnchorsChange({ say }: Frame, { anchors, created }: AnchorsChange): Told {
  return {
    title: say('record.anchorsChange'),
    lead: say('anchorsChange.lead'),
    facts: [[say('anchorsChange.created'), renderTime(say, created)], ...anchors.flatMap(place => tellPlace(say, place))],
  }
}

function tellErasure({ say, base }: Frame, { index, reason, by }: Erasure): Told {
  return {
    title: say('record.tombstone'),
    lead: say('tombstone.lead'),
    facts: [
      [say('record.erasedTitle'), html`<a href="${base}/records/${index}">${say('record.entry', { index })}</a>`],
      [say('record.reason'), say(`erased.reason.${reason.code}`)],
      [say('tombstone.by'), say(`tombstone.${by}`)],
    ],
  }
}

function tellTimestamp({ say }: Frame, { size, sha256, created }: TimestampEntry): Told {
  return {
    title: say('record.timestamp'),
    lead: say('timestamp.lead'),
    facts: [
      [say('anchors.covers'), sayNumber(say, size)],
      [say('timestamp.hash'), mono(sha256)],
      [say('timestamp.created'), renderTime(say, created)],
    ],
  }
}

function mono(text: string): Html {
  return html`<span class="hash">${text}</span>`
}
