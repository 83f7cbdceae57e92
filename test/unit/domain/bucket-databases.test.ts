import { describe, expect, it } from 'vitest';
import {
  AT_WORK_MS,
  conflictOf,
  databaseNameOf,
  isAtWork,
  parseNote,
  type BucketDatabase,
} from '../../../src/domain/bucket-databases.js';
import { databaseKey, databaseOfKey, executionOfKey } from '../../../src/domain/keys.js';

const OURS = '11111111-1111-4111-8111-111111111111';
const THEIRS = '22222222-2222-4222-8222-222222222222';
const theirs: BucketDatabase = { id: THEIRS, name: 'artifacts at staging:5432', sinceMs: 0, seenMs: 1_000 };
const alone = { id: OURS, own: null, isCopy: false, others: [] };

describe('databases of a bucket', () => {
  it('are no conflict while there is only one', () => {
    expect(conflictOf(alone)).toBeNull();
    expect(conflictOf({ ...alone, own: { ...theirs, id: OURS } })).toBeNull();
  });

  it('are told by name when there are several, with where to read on', () => {
    const conflict = conflictOf({ ...alone, others: [theirs] });
    expect(conflict).toContain(`database ${THEIRS} (artifacts at staging:5432)`);
    expect(conflict).toContain(OURS);
    expect(conflict).toContain('artifacts bucket databases');
  });

  it('are in conflict with a copy of one of them', () => {
    expect(conflictOf({ ...alone, isCopy: true })).toContain('restored from a backup');
  });

  it('are at work for a while after they said something', () => {
    expect(isAtWork(theirs, 1_000 + AT_WORK_MS - 1)).toBe(true);
    expect(isAtWork(theirs, 1_000 + AT_WORK_MS)).toBe(false);
  });

  it('have a name without user and password', () => {
    expect(databaseNameOf('postgresql://app:secret@db.internal:6432/artifacts?sslmode=verify-full')).toBe(
      'artifacts at db.internal:6432',
    );
    expect(databaseNameOf('postgresql:///artifacts')).toBe('artifacts at this machine');
    expect(databaseNameOf('no address')).toBe('an address that is none');
  });

  it('have a key beside the artifacts', () => {
    expect(databaseOfKey(databaseKey(OURS))).toBe(OURS);
    expect(executionOfKey(databaseKey(OURS))).toBeNull();
    for (const key of [`artifacts/${OURS}`, 'artifacts-databases/', `${databaseKey(OURS)}/x`])
      expect(databaseOfKey(key)).toBeNull();
  });
});

describe('what a database says of itself', () => {
  const note = { version: 1, databaseId: OURS, name: 'ours', since: '2026-01-01T00:00:00.000Z', proof: THEIRS };

  it('is read as it was written', () => {
    expect(parseNote(JSON.stringify(note), OURS)).toEqual(note);
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['nothing', 'null'],
    ['of another database', JSON.stringify({ ...note, databaseId: THEIRS })],
    ['of another version', JSON.stringify({ ...note, version: 2 })],
    ['without a proof', JSON.stringify({ ...note, proof: 'x' })],
    ['without a time', JSON.stringify({ ...note, since: 'long ago' })],
    ['without a name', JSON.stringify({ ...note, name: null })],
  ])('is not believed when it is %s', (_what, text) => {
    expect(parseNote(text, OURS)).toBeNull();
  });
});
