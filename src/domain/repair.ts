/** What came of the wish that an artifact looks at itself, and puts right what is not as it should be. */
export interface Repair {
  /** `nothing`: all was as it should be, or it is not for it to change. `failed`: something is wrong still. */
  outcome: 'repaired' | 'nothing' | 'failed';
  /** What was wrong, and what was done about it or stands in the way; for people. */
  note: string;
}
