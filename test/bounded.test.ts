/** Answers of bounded size. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { readBounded } from '../src/bounded.ts'

/** A response whose body comes in these parts, and how much of it was taken. */
function responseOf(parts: readonly (readonly number[])[], failing = false) {
  const state = { pulled: 0, cancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const part = parts[state.pulled++]
        if (part !== undefined) controller.enqueue(Uint8Array.from(part))
        else if (failing) controller.error(new TypeError('terminated'))
        else controller.close()
      },
      cancel() {
        state.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { response: new Response(body), state }
}

describe('bounded', () => {
  it('joins the parts of a body in their order', async () => {
    const { response } = responseOf([[1, 2], [], [3], [4, 5, 6]])
    deepEqual(await readBounded(response.body, 100), Uint8Array.of(1, 2, 3, 4, 5, 6))
  })

  it('takes as many bytes as are allowed, and not one more', async () => {
    deepEqual(await readBounded(responseOf([[1, 2], [3]]).response.body, 3), Uint8Array.of(1, 2, 3))
    equal(
      await readBounded(
        responseOf([
          [1, 2],
          [3, 4],
        ]).response.body,
        3,
      ),
      undefined,
    )
  })

  it('does not read on once there is too much, and lets the sender know', async () => {
    const { response, state } = responseOf([[1, 2], [3, 4], [5], [6]])
    equal(await readBounded(response.body, 3), undefined)
    deepEqual(state, { pulled: 2, cancelled: true })
  })

  it('takes an answer without a body for an empty one, and rejects one that breaks off', async () => {
    deepEqual(await readBounded(new Response(null).body, 1), new Uint8Array(0))
    await rejects(readBounded(responseOf([[1]], true).response.body, 100), TypeError)
  })
})
