/** The part of a store that finds statements. Its rows are written by the log's commits. */

/**
 * A digest and the indexes, ascending, of statements that list it. `more` is set if there are
 * others between the oldest and the newest of them.
 */
export type DigestIndexes = { readonly digest: string; readonly indexes: readonly number[]; readonly more?: true }

export type Lookups = {
  /**
   * Indexes of the statements that list a document with this digest, oldest first, at most `limit`.
   * The first one dates the file.
   */
  findByDigest(digest: string, limit: number): Promise<number[]>
  /**
   * The same below `before`, newest first, at most `limit`. This and the next two read no more rows
   * than they return.
   */
  listByDigest(digest: string, before: number, limit: number): Promise<number[]>
  /**
   * Digests that begin with these hex digits, ascending, only those after `after`, at most `limit`;
   * fewer if many statements list them. `more` is set if others follow. A digest with more than
   * `each` indexes gets the oldest and the newest, half of `each` from either end.
   */
  digestsWithPrefix(
    prefix: string,
    range: { readonly after?: string | undefined; readonly limit: number; readonly each: number },
  ): Promise<{ readonly digests: readonly DigestIndexes[]; readonly more?: true }>
  /** Indexes of the statements about one record below `before`, newest first, at most `limit`. */
  listByRecord(agency: string, record: string, before: number, limit: number): Promise<number[]>
  /** Indexes of an agency's statements below `before`, newest first, at most `limit`. */
  listByAgency(agency: string, before: number, limit: number): Promise<number[]>
}
