/**
 * The audit's sentences in English: they fix the set of keys that every other language must have.
 * `{name}` is a placeholder.
 */

/** Texts that are the same in every language: names, paths and numbers. */
export const auditNames = {
  'at.none': '',
  'at.file': '{file}',
  'at.reason': '{reason}',
  'at.path': '{path}',
  'at.path.reason': '{path}: {reason}',
  'at.endpoint.reason': '{endpoint}, {chainId}: {reason}',
  'at.endpoint': '{endpoint}, {chainId}',
} as const

/**
 * Every sentence of `openseal audit`: what it ends in, each finding, each reason why it could not
 * finish, where, and its report.
 */
export const auditEn = {
  ...auditNames,

  // The result of an audit
  clean: 'The ledger is consistent.',
  inconsistent: 'The ledger is NOT consistent.',
  unfinished: 'The audit could not be finished.',
  'clean.more': 'Its entries ({size}) give the root hash that it signs.',
  'inconsistent.more': 'Findings: {count}.',
  'unfinished.nothing': 'Nothing could be examined.',
  'unfinished.more': 'No contradiction was found in what was examined.',

  // The facts of an audit, on the terminal and in its report
  title: 'Audit of {origin}',
  'fact.ledger': 'Ledger',
  'fact.address': 'Address',
  'fact.time': 'Made',
  'fact.policy': 'Policy',
  'fact.policy.own': 'the auditor’s own copy',
  'fact.policy.ledger': 'the ledger’s own word',
  'fact.entries': 'Entries',
  'fact.read': 'Read in this run',
  'fact.read.range': '{from} to {to}',
  'fact.read.none': 'nothing: all entries were known',
  'fact.root': 'Root hash',
  'fact.statements': 'Statements compared',
  'fact.erased': 'Statements erased',
  'fact.tiles': 'Tiles compared',
  'fact.anchors': 'Anchors compared',
  'heading.findings': 'Findings',
  'heading.notices': 'Notices',
  'heading.unfinished': 'Not examined',
  'heading.evidence': 'Evidence',
  'heading.anchors': 'Anchors',
  'heading.shows': 'What this shows',
  'findings.none': 'None.',
  'evidence.about':
    'Both checkpoints as the ledger signed them, and the proof, are kept in these folders. Anyone with the ledger’s key can check them.',
  'anchors.none': 'No anchor was read from a chain.',
  'anchors.caption': 'Every anchor, oldest first',
  'anchors.caption.newest': 'The newest {shown} of {count, plural, one {# anchor} other {# anchors}}, oldest first',
  'anchors.chart':
    'Entries anchored over time: from {first} on {from} to {last} on {to}, in {count, plural, one {# anchor} other {# anchors}}.',
  'anchors.entries': '{count, plural, one {# entry} other {# entries}}',
  'column.time': 'Time',
  'column.entries': 'Entries',
  'column.root': 'Root hash',
  'column.chain': 'Chain and block',
  'column.transaction': 'Transaction',
  'cell.block': '{chainId} ({endpoint}), block {block}',
  'cell.notFinal': 'not final yet',
  'shows.entries':
    'The entries up to this size are the ones that the ledger signed. Each statement that is still there is the one that its entry commits to.',
  'shows.anchors': 'Where an anchor is listed, the chain vouches that the tree of that size existed at that time.',
  'shows.test': 'The anchors are on a test network, which anyone who runs it can reset: they are no evidence.',
  'shows.not': 'It does not show that what the records say is true.',
  'remark.trust': 'The policy is the ledger’s own word. Keep a copy, and use that next time (openseal policy --out FILE).',
  'remark.state': 'Nothing was remembered: with --state DIR a later run can tell whether history was rewritten.',
  progress: 'auditing',
  'progress.chain': 'reading the chain',

  // Evidence, checked by someone else
  'proof.two-checkpoints': 'Proven: the ledger has signed two different root hashes for one number of entries.',
  'proof.rewritten': 'Proven: the later checkpoint that the ledger has signed does not continue the earlier one.',
  'proof.nothing': 'The ledger has signed both checkpoints. They do not contradict each other by themselves.',
  'proof.earlier': 'Earlier',
  'proof.later': 'Later',
  'proof.checkpoint': '{size, plural, one {# entry} other {# entries}}, root hash {root}',

  // Findings: something contradicts what the ledger signed or anchored
  AUDIT_CHECKPOINT_FORGED: 'The checkpoint is not signed as the policy asks.',
  AUDIT_HISTORY_REWRITTEN: 'The ledger shows a history that does not continue the one it signed before.',
  AUDIT_TWO_CHECKPOINTS: 'The ledger has signed two different checkpoints of one size.',
  AUDIT_TREE_SHRANK: 'The ledger shows fewer entries than it signed before.',
  AUDIT_ROOT_MISMATCH: 'The entries do not give the root hash that the checkpoint signs.',
  AUDIT_ENTRY_CHANGED: 'An entry is not the one in the tree.',
  AUDIT_ENTRY_DROPPED: 'An entry of the tree is missing from the entries served.',
  AUDIT_ENTRIES_SWAPPED: 'Entries of the tree are served in another order.',
  AUDIT_TILE_MISMATCH: 'A tile does not hold the hashes of what is below it.',
  AUDIT_STATEMENT_CHANGED: 'A statement is not the one that its entry commits to.',
  AUDIT_STATEMENTS_SWAPPED: 'Statements are not served in the order of their entries.',
  AUDIT_STATEMENT_UNREADABLE: 'A statement has a form that no ledger may record.',
  AUDIT_STATEMENT_DAMAGED: 'The ledger says that a statement it holds is damaged, and does not serve it.',
  AUDIT_ERASURE_UNPROVEN: 'The ledger says that a statement was erased, but no tombstone in the log says so.',
  AUDIT_GENESIS_MISMATCH: 'The first entry does not bind the origin, key and anchors of the policy.',
  AUDIT_KEY_CHANGE: 'The ledger changes its key from, or to, one that the policy does not know.',
  AUDIT_ANCHOR_MOVED: 'The block or the time of an anchor on the chain is not what the ledger says.',
  AUDIT_STAMPS_UNREAD:
    'The policy names a time-stamp authority. The audit checks chains and witnesses, and no time stamps: each receipt’s check does.',
  AUDIT_KEY_FOLLOWED:
    'The log’s key has changed since the policy was pinned. The old key and the chain vouch for the change, and the audit followed it.',
  AUDIT_CHAINS_CHANGED:
    'The log has changed the chains that vouch for it, and the policy has other chains from there on. The audit asked only those of the policy.',
  AUDIT_CHAINS_KNOWN: 'The log has changed the chains that vouch for it. The policy has this change, too.',
  AUDIT_ANCHOR_MISSING: 'The ledger names an anchor that the chain does not have.',
  AUDIT_ANCHOR_MISMATCH: 'The chain holds another root hash for that size.',
  AUDIT_ANCHOR_STORAGE: 'The events of the contract and its storage do not agree.',
  AUDIT_ANCHOR_ORDER: 'The anchors on the chain do not grow from one to the next.',
  AUDIT_CHAIN_AHEAD: 'The chain holds a larger tree than the ledger shows.',
  AUDIT_CHAIN_REORG: 'The chain no longer has a block that it had called final.',
  AUDIT_CONTRACT_CODE: 'The contract at the address in the policy has different code.',
  AUDIT_LOG_CLOSED: 'The log was closed on the chain, and the ledger goes beyond the last size that its owner vouches for.',

  // Reasons why something was not examined
  AUDIT_LEDGER_UNREACHABLE: 'The ledger did not answer.',
  AUDIT_LEDGER_TIMEOUT: 'The ledger did not finish its answer in time.',
  AUDIT_LEDGER_BUSY: 'The ledger is overloaded, and asks you to come back later.',
  AUDIT_LEDGER_FAILED: 'The ledger reported an internal error.',
  AUDIT_LEDGER_MISSING: 'The ledger does not serve something that it must.',
  AUDIT_LEDGER_CUT_OFF: 'An answer of the ledger broke off.',
  AUDIT_LEDGER_TOO_LARGE: 'An answer of the ledger is larger than any correct one.',
  AUDIT_LEDGER_TYPE: 'An answer is not of the kind that a ledger gives. Is this the address of a ledger?',
  AUDIT_LEDGER_REDIRECT: 'The ledger points to another address. Give that address, if it is the ledger that you mean.',
  AUDIT_LEDGER_UNREADABLE: 'An answer of the ledger cannot be read.',
  AUDIT_TOO_MANY: 'There are too many findings to go on: the rest was not examined.',
  AUDIT_ERASURE_LATER: 'A statement was erased while the audit ran: its tombstone is later than the audited tree. Run the audit again.',
  AUDIT_STATEMENT_ERASING:
    'Somebody has asked to erase a statement, and the ledger no longer shows it. Run the audit again when it is erased.',
  AUDIT_CHAIN_NOT_ASKED: 'No endpoint was named for a chain of the policy. Name one with --rpc.',
  AUDIT_CHAIN_UNREACHABLE: 'An endpoint of the chain did not answer.',
  AUDIT_CHAIN_OTHER: 'An endpoint serves a chain other than the one in the policy.',
  AUDIT_CHAIN_EVENTS: 'An endpoint does not serve the events of the contract. Use another one.',
  AUDIT_CHAIN_UNREADABLE: 'An answer of an endpoint does not come from this contract.',
  AUDIT_CHAIN_UNSETTLED: 'The chain changed its newest blocks while it was read.',
  AUDIT_CHAIN_BEHIND: 'An endpoint does not know the newest blocks yet.',
  AUDIT_ENDPOINTS_DISAGREE: 'Two endpoints of one chain do not show the same anchors. Ask a third one.',
  AUDIT_ANCHORS_UNKNOWN: 'The ledger names anchors in a place that the policy does not know.',
  AUDIT_COSIGNATURES_FEW:
    'Not enough of the policy’s witnesses have cosigned a checkpoint of this ledger: nobody can tell whether every reader is shown the same entries.',
  AUDIT_KEY_UNCHECKED:
    'The log’s key has changed since the policy was pinned, and the chain does not vouch for the change yet or could not be asked.',
  AUDIT_STATE_LOCKED: 'Another audit uses this state folder. Let it end, or give each audit its own folder.',
  AUDIT_STATE_DAMAGED: 'The state folder is damaged. Keep it with its evidence, and use a new one.',
  AUDIT_STATE_OTHER: 'The state folder belongs to another ledger. Give each ledger its own folder.',
  AUDIT_STATE_UNWRITABLE: 'The state folder cannot be written.',

  // Where: the detail beside a finding or a reason
  'at.origins': '{file} is from {other}, not from {origin}',
  'at.path.status': '{path} (status {status})',
  'at.path.location': '{path} points to {location}',
  'at.path.type': '{path} came as {type}',
  'at.path.bytes': '{path} has more than {bytes, plural, one {# byte} other {# bytes}}',
  'at.path.seconds': '{path}, after {seconds, plural, one {# second} other {# seconds}}',
  'at.origin': 'its origin is {origin}',
  'at.quorum': 'cosigned by {count} of {quorum, plural, one {# witness} other {# witnesses}}',
  'at.entry': 'entry {index}',
  'at.entries': 'entries {indexes}',
  'at.entries.more': 'entries {indexes} and {more} more',
  'at.bundle': 'the entries from {index} on cannot be told apart',
  'at.extra': 'more entries are served than the tree has, from {index} on',
  'at.tile': 'tile {tile}, hash {at}',
  'at.tile.length': 'tile {tile} does not have {width, plural, one {# hash} other {# hashes}}',
  'at.statement': 'statement {index}',
  'at.statements': 'statements {indexes}',
  'at.statements.more': 'statements {indexes} and {more} more',
  'at.statement.reason': 'statement {index}: {reason}',
  'at.root': 'our own computation: {root}; signed: {signed}',
  'at.root.independent': 'computed with merkletreejs: {root}; signed: {signed}',
  'at.roots': 'for {size, plural, one {# entry} other {# entries}}: {earlier} and {now}',
  'at.rewritten': 'the root of its first {size, plural, one {# entry} other {# entries}} was {earlier}, and no longer is',
  'at.shrank': 'from {earlier, plural, one {# entry} other {# entries}} to {size}',
  'at.genesis.none': 'the ledger is empty',
  'at.genesis.erased': 'the ledger has erased it',
  'at.genesis.kind': 'it is of another kind',
  'at.genesis.origin': 'it is from {origin}',
  'at.genesis.key': 'its key is not in the policy: {key}',
  'at.genesis.anchor': 'it does not name contract {contract} on chain {chainId}',
  'at.keyChange': 'entry {index}: from {before} to {after}',
  'at.chainsChange': 'entry {index}: from then on {chains}',
  'at.moved': 'size {size}, named: block {told}, on the chain: block {block}, chain {chainId} ({endpoint})',
  'at.authority': '{name}',
  'at.anchor': 'size {size}, root {root}, chain {chainId} ({endpoint})',
  'at.anchor.times': 'size {size}: time {event} by the event, {stored} by the storage, chain {chainId} ({endpoint})',
  'at.anchor.latest': 'the last event is of size {event}, the storage of size {stored}, chain {chainId} ({endpoint})',
  'at.anchor.order': 'size {size} comes after size {before}, chain {chainId} ({endpoint})',
  'at.ahead':
    'size {anchored} is anchored on chain {chainId} ({endpoint}), the ledger shows {size, plural, one {# entry} other {# entries}}',
  'at.closed':
    'the last good size is {last} on chain {chainId} ({endpoint}), the ledger shows {size, plural, one {# entry} other {# entries}}',
  'at.block': 'block {block}, chain {chainId} ({endpoint})',
  'at.behind': 'the anchor of size {size} is said to be in block {block}, the endpoint {endpoint} ends at block {head}',
  'at.behind.block': 'block {block} is not there, it ends at block {head}, chain {chainId} ({endpoint})',
  'at.code': 'SHA-256 {code} at {contract}, chain {chainId} ({endpoint})',
  'at.chain': 'contract {contract} on chain {chainId}',
  'at.unknown': '{count, plural, one {# anchor} other {# anchors}}, contract {contract} on chain {chainId}',
  'at.endpoints': '{first} and {second}, chain {chainId}, from size {size} on',
  'at.endpoints.code': '{first} and {second}, chain {chainId}, by the code of the contract',
  'at.findings': 'findings: {count}',
} as const

/** A key of the audit's sentences. */
export type AuditMessageKey = keyof typeof auditEn

/** The audit's sentences of one language. */
export type AuditMessages = Readonly<Record<AuditMessageKey, string>>
