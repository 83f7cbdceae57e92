/**
 * What became of the artifacts that an execution had when it was accepted to delete all of them. Those that were DELETED before,
 * or by somebody else meanwhile, are in none of the numbers.
 */
export interface DeletionCounts {
  /** Deleted by it. */
  deleted: number;
  /** Stay, because they are held. */
  held: number;
  /** Not deleted yet; each goes on by itself, however long it takes. */
  underWay: number;
  /** Not deleted, and nothing goes on: their workflows were ended from outside. An operator must look. */
  orphaned: number;
}
