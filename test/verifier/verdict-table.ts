/**
 * The verdicts of design §7.6–8 as a table, said once more and simply: the oracle for the verifier,
 * and the page docs/verdicts.md.
 */

/** The chain's answer about an anchor. */
export const STATES = ['holds', 'answers no', 'does not answer', 'disowned', 'no code'] as const
/** The changes to the version. */
export const CHANGES = [
  'nothing',
  'a document was added',
  'a later version',
  'edited',
  'another document edited',
  'superseded',
  'withdrawn',
  'a statement that does not verify',
  'a withdrawal that was erased',
  'a statement that was erased, nobody says what it did',
  'a statement that was erased, without a tombstone',
  'its own statement erased',
] as const
/** The source that was asked about changes. */
const SOURCES = ['ledger', 'copy', 'nobody'] as const

export type State = (typeof STATES)[number]
export type ChangeOf = (typeof CHANGES)[number]
export type Source = (typeof SOURCES)[number]
export type ChainCase = { readonly state: State; readonly production: boolean }
export type Case = {
  readonly chains: readonly ChainCase[]
  readonly requireAnchors: number
  readonly change: ChangeOf
  readonly source: Source
  readonly file: boolean
}
export type Expected = { readonly verdict: string; readonly finding: string; readonly exit: number; readonly isGreen: boolean }

/** Design §8, from the top. */
const ORDER = ['unsupported', 'disowned', 'unchecked', 'test-network', 'sealed', 'withdrawn', 'edited', 'superseded', 'anchored']
const EXIT: { readonly [verdict: string]: number } = {
  unsupported: 7,
  disowned: 7,
  unchecked: 6,
  'test-network': 3,
  sealed: 3,
  withdrawn: 8,
  edited: 8,
  superseded: 8,
  anchored: 0,
}

/** The verifier's expected answer. */
export function expect({ chains, requireAnchors: r, change, source, file }: Case): Expected {
  const productionChains = chains.filter(({ production }) => production)
  const isTest = productionChains.length < r
  const count = (state: State) => (isTest ? chains : productionChains).filter(chain => chain.state === state).length
  const [h, z, n] = [count('holds'), count('answers no'), count('does not answer')]

  const applies = ['anchored']
  if (h < r) {
    if (h + n >= r) applies.push('unchecked')
    else if (h + n + z >= r) applies.push('sealed')
    else applies.push(count('disowned') > 0 ? 'disowned' : 'unsupported')
  }
  if (source !== 'nobody') {
    // Without a file every document of the version counts.
    if (change === 'another document edited' && !file) applies.push('edited')
    if (change === 'withdrawn' || change === 'edited' || change === 'superseded') applies.push(change)
    if (change === 'a statement that does not verify' || change.endsWith('was erased') || change.startsWith('a statement that was erased'))
      applies.push('unchecked')
  }
  const first = (verdicts: readonly string[]) => ORDER.find(verdict => verdicts.includes(verdict)) ?? 'bug'
  const finding = first(applies)
  const verdict = isTest ? first([...applies, 'test-network']) : finding

  const isOtherEdited = source !== 'nobody' && change === 'another document edited' && verdict === 'anchored'
  const exit = isOtherEdited ? 8 : (EXIT[verdict] ?? -1)
  const isGreen = verdict === 'anchored' && file && source === 'ledger' && (change === 'nothing' || change === 'a document was added')
  return { verdict, finding, exit: !file && (exit === 0 || exit === 8) ? 3 : exit, isGreen }
}

/** Every case with one chain or two, in whatever order. */
export function* allCases(): Generator<Case> {
  const kinds = [true, false].flatMap(production => STATES.map(state => ({ state, production })))
  const pairs = kinds.flatMap((a, at) => kinds.slice(at).map(b => [a, b]))
  // One case asks nobody: that of a withdrawal.
  for (const chains of [...kinds.map(kind => [kind]), ...pairs])
    for (const requireAnchors of [1, 2])
      for (const change of CHANGES)
        for (const source of SOURCES.filter(source => source !== 'nobody' || change === 'withdrawn'))
          for (const file of [true, false]) yield { chains, requireAnchors, change, source, file }
}

/** The witnesses: the policy asks for none, enough signed, or too few did. */
const WITNESSED = ['not asked for', 'enough signed', 'too few signed'] as const
/** The time stamp of an authority that the policy names. */
const STAMPS = ['holds', 'is missing', 'is bad'] as const

export type StampCase = { readonly state: (typeof STAMPS)[number]; readonly production: boolean }

/** What vouches for a checkpoint: witnesses, chains and authorities. */
export type VoucherCase = {
  readonly witnesses: (typeof WITNESSED)[number]
  readonly chains: readonly ChainCase[]
  readonly stamps: readonly StampCase[]
  readonly requireAnchors: number
}

/** The answer, or that the policy is refused because time stamps alone would satisfy it. */
export function expectVouched({ witnesses, chains, stamps, requireAnchors }: VoucherCase): Expected | 'policy refused' {
  if (stamps.length > 0 && witnesses === 'not asked for' && requireAnchors <= stamps.length) return 'policy refused'
  if (witnesses === 'too few signed') return { verdict: 'invalid', finding: 'invalid', exit: 5, isGreen: false }
  const stamped = stamps.map(({ state, production }): ChainCase => ({ state: state === 'holds' ? state : 'answers no', production }))
  return expect({ chains: [...chains, ...stamped], requireAnchors, change: 'nothing', source: 'ledger', file: true })
}

/**
 * Every combination of witnesses with a chain or none and up to two authorities, and with two
 * chains of production and one authority or none. Of two authorities, none has a bad time stamp.
 */
export function* allVoucherCases(): Generator<VoucherCase> {
  const [chain, chains] = kindsOf(STATES, STATES)
  const [stamp, stamps] = kindsOf(STAMPS, ['holds', 'is missing'] as const)
  const several = [
    ...chain.flatMap(a => [...stamp, ...stamps].map(b => ({ chains: a, stamps: b }))),
    ...chains.flatMap(a => stamp.map(b => ({ chains: a, stamps: b }))),
  ]
  for (const witnesses of WITNESSED)
    for (const each of several)
      for (const requireAnchors of witnesses === 'too few signed' ? [1] : [1, 2, 3]) yield { witnesses, requireAnchors, ...each }
}

/** None and each of one kind, and pairs of production. */
function kindsOf<T>(states: readonly T[], ofPairs: readonly T[]) {
  const of = (state: T, production: boolean) => ({ state, production })
  const one = [[], ...[true, false].flatMap(production => states.map(state => [of(state, production)]))]
  return [one, ofPairs.flatMap((a, at) => ofPairs.slice(at).map(b => [of(a, true), of(b, true)]))] as const
}

/** The page. */
export function formatPage(): string {
  const chain = (state: State, production = true) => ({ state, production })
  const ask = (chains: readonly ChainCase[], requireAnchors: number, more: Partial<Case> = {}) =>
    expect({ chains, requireAnchors, change: 'nothing', source: 'ledger', file: true, ...more })
  const pairs = STATES.flatMap((a, at) => STATES.slice(at).map(b => [a, b] as const))
  const mixed = STATES.flatMap(a => STATES.map(b => [a, b] as const))
  const vouched = (each: VoucherCase) => {
    const answer = expectVouched(each)
    return typeof answer === 'string' ? answer : `\`${answer.verdict}\``
  }
  const outcome = ({ verdict, exit, isGreen }: Expected) => `\`${verdict}\`, ${exit}${isGreen ? ', green' : ''}`
  return [
    '# Verdicts',
    '',
    'The verdict for every combination of what the chain says, what became of the version, and who was asked. `test/verifier/verdict-table.test.ts` checks the verifier against this page and against every combination behind it. It also writes the page: `WRITE_DOCS=1 npm run mocha -- test/verifier/verdict-table.test.ts`.',
    '',
    '## What the chain says',
    'A *production* chain or authority is one that the policy calls so. If the policy names as many of them as it requires, only those count. Otherwise all count, and the result is no evidence.',
    '',
    'One chain, one required:',
    '',
    ...table(
      ['chain', 'production', 'test'],
      STATES.map(state => [state, `\`${ask([chain(state)], 1).verdict}\``, `\`${ask([chain(state, false)], 1).verdict}\``]),
    ),
    'Two production chains:',
    '',
    ...table(
      ['chains', 'one required', 'two required'],
      pairs.map(([a, b]) => [`${a}, ${b}`, ...[1, 2].map(r => `\`${ask([chain(a), chain(b)], r).verdict}\``)]),
    ),
    'A production chain beside a test chain:',
    '',
    ...table(
      ['production, test', 'one required', 'two required'],
      mixed.map(([a, b]) => [`${a}, ${b}`, ...[1, 2].map(r => `\`${ask([chain(a), chain(b, false)], r).verdict}\``)]),
    ),
    '## Witnesses and time stamps',
    'A time stamp is final, and needs no network. It stops no fork. So a policy without witnesses requires more anchors than it has authorities, or it is refused (`POLICY_NO_FORK_GUARD`). If too few of the witnesses signed, the receipt is `invalid`, whatever else vouches for it. Chains and authorities count alike: the test tries up to two of each, and up to three that are required.',
    '',
    'A time stamp alone, one anchor required:',
    '',
    ...table(
      ['time stamp', 'witnesses signed', 'no witnesses asked for', 'too few witnesses signed'],
      STAMPS.map(state => [
        state,
        ...(['enough signed', 'not asked for', 'too few signed'] as const).map(witnesses =>
          vouched({ witnesses, chains: [], stamps: [{ state, production: true }], requireAnchors: 1 }),
        ),
      ]),
    ),
    'A production chain and a production authority:',
    '',
    ...table(
      ['chain, time stamp', 'witnesses signed, one required', 'witnesses signed, two required', 'no witnesses asked for, two required'],
      STATES.flatMap(state =>
        STAMPS.map(stamp => {
          const given = { chains: [chain(state)], stamps: [{ state: stamp, production: true }] }
          const [one, two, alone] = [
            { witnesses: 'enough signed', requireAnchors: 1 },
            { witnesses: 'enough signed', requireAnchors: 2 },
            { witnesses: 'not asked for', requireAnchors: 2 },
          ] as const
          return [`${state}, ${stamp}`, ...[one, two, alone].map(each => vouched({ ...given, ...each }))]
        }),
      ),
    ),
    'A production chain that holds, beside a time stamp of a test authority:',
    '',
    ...table(
      ['time stamp', 'witnesses signed, one required', 'witnesses signed, two required'],
      STAMPS.map(state => [
        state,
        ...[1, 2].map(requireAnchors =>
          vouched({ witnesses: 'enough signed', chains: [chain('holds')], stamps: [{ state, production: false }], requireAnchors }),
        ),
      ]),
    ),
    '## What became of the version',
    'A production chain vouches for the receipt. Each cell has the verdict and the exit code. Where the ledger was not asked itself, nothing is green.',
    '',
    ...table(
      ['what became of it', 'the ledger was asked', 'a copy was asked', 'nobody was asked', 'the ledger was asked, without a file'],
      CHANGES.map(change => [
        change,
        ...SOURCES.map(source => outcome(ask([chain('holds')], 1, { change, source }))),
        outcome(ask([chain('holds')], 1, { change, file: false })),
      ]),
    ),
    'On a test chain the verdict is `test-network`, with exit code 3, and the finding says what it would be on a production chain:',
    '',
    ...table(
      ['what became of it', 'verdict', 'finding'],
      CHANGES.map(change => {
        const { verdict, finding } = ask([chain('holds', false)], 1, { change })
        return [change, `\`${verdict}\``, `\`${finding}\``]
      }),
    ),
  ].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).concat('')
}
