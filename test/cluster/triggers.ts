/** Triggers by which the database of a cluster fails, or tells what was written. */

type Sql = (text: string) => Promise<readonly { readonly [column: string]: unknown }[]>

/** The server sends every seventh statement that writes a table back with 40001, at SERIALIZABLE only. */
export async function refuseWrites(sql: Sql) {
  const tables = (await sql("SELECT tablename FROM pg_tables WHERE schemaname = 'openseal'")).map(({ tablename }) => String(tablename))
  const all = (text: (table: string) => string) => sql(tables.map(text).join(';'))
  // A sequence does not go back with its transaction.
  await sql(`CREATE FUNCTION public.again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('public.run_' || TG_TABLE_NAME) % 7 = 0 AND current_setting('default_transaction_isolation') = 'serializable' THEN
      PERFORM nextval('public.refused_' || TG_TABLE_NAME);
      RAISE EXCEPTION 'again' USING ERRCODE = '40001';
    END IF;
    RETURN NULL; END $$`)
  await all(table => `CREATE SEQUENCE public.run_${table}; CREATE SEQUENCE public.refused_${table}`)
  await sql('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ledger')
  await all(table => `CREATE TRIGGER again AFTER INSERT OR UPDATE OR DELETE ON openseal.${table} EXECUTE FUNCTION public.again()`)
  return {
    /** The tables in which a write was sent back. */
    async tables() {
      const rows = await sql("SELECT sequencename FROM pg_sequences WHERE sequencename LIKE 'refused_%' AND last_value > 1")
      return rows.map(({ sequencename }) => String(sequencename).replace('refused_', ''))
    },
    end: () => all(table => `DROP TRIGGER again ON openseal.${table}`),
  }
}

/** The server says that its disk is full when a statement is to be kept. */
export async function fillDisk(sql: Sql) {
  await sql(`CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON openseal.statement EXECUTE FUNCTION public.full_disk()`)
  return { end: () => sql('DROP TRIGGER full_disk ON openseal.statement') }
}

/** The server notes from which ports the journal of the anchorer is written. */
export async function noteJournal(sql: Sql) {
  await sql(`CREATE TABLE public.written (at bigserial, port integer);
    CREATE FUNCTION public.note_written() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
      'BEGIN INSERT INTO public.written (port) VALUES (inet_client_port()); RETURN NULL; END';
    CREATE TRIGGER note AFTER INSERT OR UPDATE ON openseal.document FOR EACH ROW
      WHEN (convert_from(NEW.collection, 'UTF8') IN ('anchors', 'anchorer', 'final-anchors')) EXECUTE FUNCTION public.note_written()`)
  return {
    /** The writes after one of them, in their order. */
    async after(at: number) {
      const rows = await sql(`SELECT at::int, port FROM public.written WHERE at > ${at} ORDER BY at`)
      return rows as { readonly at: number; readonly port: number }[]
    },
    end: () => sql('DROP TRIGGER note ON openseal.document'),
  }
}
