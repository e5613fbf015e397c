/**
 * The tables, all in the schema `openseal`, and their making. They are plain: no sequences, no
 * triggers, no partitions, no extensions. Rows are written once, except for `head`, `edge` and
 * `document`; only an erasure removes others. Text is stored as UTF-8 bytes, which any string fits
 * into, and which every database sorts alike.
 *
 *   ledger     the version of these tables, and what tells this database from others
 *   head       one row: size and root. A seal locks it first and writes it last. `beat` changes
 *              when a node confirms what it has read. `is_retired` ends all seals
 *   edge       the growing edge, as in `../level/head.ts`
 *   tile, bundle, statement   by index
 *   identity   the identity of each statement, once
 *   lookup     by kind (digest, record, agency) and a SHA-256, the indexes
 *   batch      the size after each commit, and when it was made
 *   document   named documents. `document_lock` has one row, which their writers change first
 *   remains    erased records whose bytes may be left, see `erase.ts`
 */
import { toHex } from '../../core/bytes.ts'
import { EMPTY_ROOT } from '../../core/hash.ts'
import type { Host } from '../../host.ts'
import { StoreError } from '../port/errors.ts'
import type { Connection } from './connection.ts'
import { sqlState } from './connection.ts'

/** The version of the tables. */
const VERSION = 1

/** The tables and their columns. */
const TABLES: { readonly [name: string]: string } = {
  ledger: '(id smallint PRIMARY KEY CHECK (id = 1), version integer NOT NULL, uid text NOT NULL)',
  head: '(id smallint PRIMARY KEY CHECK (id = 1), size bigint NOT NULL, root bytea NOT NULL, beat bigint NOT NULL, is_retired boolean NOT NULL DEFAULT false) WITH (fillfactor = 10)',
  edge: '(size bigint PRIMARY KEY, is_whole boolean NOT NULL, row bytea NOT NULL)',
  tile: '(level smallint, idx bigint, bytes bytea NOT NULL, PRIMARY KEY (level, idx))',
  bundle: '(idx bigint PRIMARY KEY, bytes bytea NOT NULL)',
  statement: '(idx bigint PRIMARY KEY, body bytea NOT NULL)',
  identity: '(key bytea PRIMARY KEY, idx bigint NOT NULL)',
  lookup: '(kind smallint, key bytea, idx bigint, PRIMARY KEY (kind, key, idx))',
  batch: '(size bigint PRIMARY KEY, time_ms bigint NOT NULL)',
  document: '(collection bytea, key bytea, value bytea NOT NULL, PRIMARY KEY (collection, key))',
  document_lock: '(id smallint PRIMARY KEY CHECK (id = 1), beat bigint NOT NULL) WITH (fillfactor = 10)',
  remains: '(idx bigint PRIMARY KEY)',
}

/** Hashes do not compress, and few rows of the edge are dead before they are swept. */
const STORAGE = [
  'ALTER TABLE openseal.tile ALTER COLUMN bytes SET STORAGE EXTERNAL',
  'ALTER TABLE openseal.bundle ALTER COLUMN bytes SET STORAGE EXTERNAL',
  'ALTER TABLE openseal.edge SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)',
]

/** Otherwise VACUUM leaves a table as it is, with no more than a warning. */
const MAY_VACUUM = `(pg_has_role(c.relowner, 'USAGE') OR pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE')
  OR CASE WHEN current_setting('server_version_num')::int >= 170000 THEN has_table_privilege(c.oid, 'MAINTAIN') ELSE false END)`

/** How often a node that was overtaken in making the tables looks again. */
const TRIES = 50
const AGAIN_MS = 100
/** Another node makes the same tables: something exists, deadlock, serialization, in the catalogue. */
const OVERTAKEN = ['23505', '42P06', '42P07', '42710', '40001', '40P01', 'XX000']

/**
 * The unique id of the tables of a database, which the first start makes, whichever node comes
 * first.
 * @throws StoreError STORE_SCHEMA, STORE_RIGHTS
 */
export async function ensureSchema(connection: Connection, host: Pick<Host, 'randomBytes' | 'sleep'>): Promise<string> {
  for (let tries = 1; ; tries++) {
    const uid = await readSchema(connection)
    if (uid !== undefined) return uid
    try {
      await createSchema(connection, toHex(host.randomBytes(16)))
    } catch (cause) {
      if (sqlState(cause) === '42501')
        throw new StoreError(
          'STORE_RIGHTS',
          'The database user may not create the schema openseal. Let the user own the database, or GRANT CREATE ON DATABASE to it.',
          { cause },
        )
      if (!OVERTAKEN.includes(sqlState(cause) ?? '') || tries === TRIES) throw cause
      await host.sleep(AGAIN_MS)
    }
  }
}

/** The unique id; undefined if there are no tables yet. */
async function readSchema({ run }: Connection): Promise<string | undefined> {
  const found = await run({
    text: `SELECT c.relname, has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
        AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE') AND ${MAY_VACUUM}
      FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' WHERE n.nspname = 'openseal'`,
  })
  const tables = new Map(found.rows as [string | null, boolean][])
  if (tables.size === 0) return undefined
  const barred = [...tables].filter(([name, isAllowed]) => name !== null && !isAllowed).map(([name]) => name)
  if (barred.length > 0)
    throw new StoreError(
      'STORE_RIGHTS',
      `The database user may not read, write and vacuum the tables ${barred.sort().join(', ')} of the schema openseal: use their owner, or GRANT it SELECT, INSERT, UPDATE, DELETE and, from PostgreSQL 17 on, MAINTAIN.`,
    )
  const missing = Object.keys(TABLES).filter(name => !tables.has(name))
  if (missing.length > 0)
    throw new StoreError(
      'STORE_SCHEMA',
      `The schema openseal of this database lacks ${missing.join(', ')}: it is damaged, or not of OpenSeal. Use another database.`,
    )
  const { rows } = await run({ text: 'SELECT version, uid FROM openseal.ledger' })
  const [[version, uid] = [0, '']] = rows as [number, string][]
  if (version === VERSION) return uid
  const whose = version > VERSION ? 'a newer OpenSeal: start that one' : 'another OpenSeal'
  throw new StoreError('STORE_SCHEMA', `The tables of this database have version ${version}, not ${VERSION}. They are of ${whose}.`)
}

/** All tables or none, so that a node never finds some of them. */
async function createSchema({ run }: Connection, uid: string): Promise<void> {
  const rows = [
    ['INSERT INTO openseal.head VALUES (1, 0, $1, 0)', EMPTY_ROOT],
    ['INSERT INTO openseal.document_lock VALUES (1, 0)'],
    ['INSERT INTO openseal.ledger VALUES (1, $1, $2)', VERSION, uid],
  ] as const
  try {
    await run({ text: 'BEGIN' })
    await run({ text: 'CREATE SCHEMA openseal' })
    for (const [name, columns] of Object.entries(TABLES)) await run({ text: `CREATE TABLE openseal.${name} ${columns}` })
    for (const text of STORAGE) await run({ text })
    for (const [text, ...values] of rows) await run({ text }, values)
    const { command } = await run({ text: 'COMMIT' })
    if (command !== 'COMMIT') throw new StoreError('STORE_SCHEMA', 'The tables could not be made. Start again.')
  } catch (cause) {
    await run({ text: 'ROLLBACK' }).catch(() => {})
    throw cause
  }
}
