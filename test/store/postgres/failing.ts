/** Connections of which one statement fails, once, as when another transaction came in the way. */
import type { Connection } from '../../../src/store/postgres/connection.ts'
import type { DatabaseLink } from '../../../src/store/postgres/link.ts'

/** The server really fails, and ends the transaction. */
const failWith = (state: string) => `DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '${state}'; END $$`
/** These cannot fail so, or only at their end. */
const NEVER = ['BEGIN ISOLATION LEVEL READ COMMITTED', 'COMMIT', 'ROLLBACK']

/** A link whose statement number `at` since `failAt` fails, with this SQLSTATE. */
export function failingOnce(of: DatabaseLink, state: string) {
  let [at, sent] = [-1, 0]
  const through = (connection: Connection): Connection => ({
    ...connection,
    run(statement, values) {
      const isChosen = !NEVER.includes(statement.text) && sent++ === at
      return isChosen ? connection.run({ text: failWith(state) }) : connection.run(statement, values)
    },
  })
  const link: DatabaseLink = { ...of, writer: through(of.writer), reader: () => through(of.reader()) }
  return {
    link,
    failAt(wanted: number) {
      at = wanted
      sent = 0
    },
    hasFailed: () => sent > at,
  }
}
