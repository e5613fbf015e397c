/** The answers to the lines of a stream, kept in little memory until the request has ended. */

/**
 * The answer to a line: an index (in a dry run, that of a known statement) with the codes of its
 * warnings, or a refusal.
 */
export type LineAnswer =
  | { readonly status: number; readonly index: number; readonly warnings?: readonly string[] }
  | { readonly status: number; readonly known?: number; readonly code?: undefined; readonly warnings?: readonly string[] }
  | { readonly status: number; readonly code: string; readonly detail: string }

const PIECE_LINES = 1000
/** The most memory for the refusals' texts of one stream. */
const MAX_DETAILS = 262_144
const DETAIL_LEFT_OUT = 'Too many lines of this stream were refused to explain each: send this line alone to learn more.'

/** The common part of equal answers: their text before and after the index, if there is one. */
type Form = { readonly before: string; readonly after: string; readonly counts: keyof Totals }
type Totals = { accepted: number; known: number; rejected: number }

/** Stores answers by line in twelve bytes each: the form of the answer, and its index. */
export function createAnswerList() {
  const forms: Form[] = []
  const formOf = new Map<string, number>()
  // by line; 0 if there is no answer yet, otherwise the position in `forms`, from 1
  let formAt = new Uint32Array(1024)
  let indexAt = new Float64Array(1024)
  let last = 0
  let detailBytes = 0
  const totals: Totals = { accepted: 0, known: 0, rejected: 0 }

  const placeOf = (key: string, form: () => Form): number => {
    const place = formOf.get(key) ?? forms.push(form())
    formOf.set(key, place)
    return place
  }
  /** The index of an answer, by its name there; without a name there is none. */
  const placeOfIndex = (
    name: 'index' | 'known' | undefined,
    { status, warnings }: { status: number; warnings?: readonly string[] },
    counts: keyof Totals,
  ): number => {
    const after = warnings === undefined || warnings.length === 0 ? '}\n' : `,"warnings":${JSON.stringify(warnings)}}\n`
    const before = `,"status":${status}`
    return placeOf(`${before},${name}${after}`, () =>
      name === undefined ? { before: '', after: before + after, counts } : { before: `${before},"${name}":`, after, counts },
    )
  }
  const placeOfAnswer = (answer: LineAnswer): number => {
    if ('index' in answer) return placeOfIndex('index', answer, answer.status === 201 ? 'accepted' : 'known')
    if (answer.code !== undefined) return placeOfRefusal(answer.status, answer.code, answer.detail)
    return answer.known === undefined ? placeOfIndex(undefined, answer, 'accepted') : placeOfIndex('known', answer, 'known')
  }
  const placeOfRefusal = (status: number, code: string, detail: string): number => {
    const rest = JSON.stringify({ status, code, detail })
    if (!formOf.has(rest) && detail !== DETAIL_LEFT_OUT) {
      if (detailBytes + rest.length > MAX_DETAILS) return placeOfRefusal(status, code, DETAIL_LEFT_OUT)
      detailBytes += rest.length
    }
    return placeOf(rest, () => ({ before: '', after: `,${rest.slice(1)}\n`, counts: 'rejected' }))
  }

  return {
    set(line: number, answer: LineAnswer): void {
      if (line >= formAt.length) {
        formAt = grown(formAt, new Uint32Array(line * 2))
        indexAt = grown(indexAt, new Float64Array(line * 2))
      }
      const place = placeOfAnswer(answer)
      formAt[line] = place
      if ('index' in answer) indexAt[line] = answer.index
      else if (answer.code === undefined) indexAt[line] = answer.known ?? 0
      if (line > last) last = line
      totals[forms[place - 1]!.counts]++
    },
    *pieces(): Generator<string> {
      for (let from = 1; from <= last; from += PIECE_LINES) {
        let text = ''
        for (let line = from; line < from + PIECE_LINES && line <= last; line++) {
          const form = forms[formAt[line]! - 1]
          if (form === undefined) continue
          text += `{"line":${line}${form.before}${form.before === '' ? '' : indexAt[line]}${form.after}`
        }
        if (text !== '') yield text
      }
      yield `${JSON.stringify(totals)}\n`
    },
  }
}

function grown<T extends Uint32Array | Float64Array>(before: T, after: T): T {
  after.set(before)
  return after
}
