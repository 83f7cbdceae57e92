/*
 * Which database this is. It is told in the bucket, so that two databases which work with the same one by mistake know of each other
 * (docs/decisions/0026-every-database-says-so-in-the-bucket.md).
 */

/** Errors of the database become `database_unavailable`, all of them. */
export interface DatabaseIdentity {
  /** A UUID: made with the database, and the same until {@link becomeAnother}. */
  databaseId(): Promise<string>;
  /** A UUID to be written into the bucket; remembered before this answers. Those older than a month are forgotten, but for the newest hundred. */
  issueProof(): Promise<string>;
  /** Whether this database, and not a copy of it or a later state of it, has issued that. */
  hasIssued(proof: string): Promise<boolean>;
  /** Takes another id, unless it is not the one that it is taken for any more. Safe to repeat, and for many at once. */
  becomeAnother(databaseId: string): Promise<void>;
}
