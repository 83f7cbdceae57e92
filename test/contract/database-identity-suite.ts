import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { DatabaseIdentity } from '../../src/db/database-identity.js';
import { UUID } from '../../src/domain/ids.js';

/** What `DatabaseIdentity` promises, for every implementation of it. */
export function databaseIdentitySuite(name: string, subject: () => DatabaseIdentity): void {
  describe(`${name}: which database it is`, () => {
    test('stays the same, and is a UUID', async () => {
      const id = await subject().databaseId();
      expect(id).toMatch(UUID);
      expect(await subject().databaseId()).toBe(id);
    });

    test('knows the proofs that it has issued, and no others', async () => {
      const [one, other] = [await subject().issueProof(), await subject().issueProof()];
      expect(one).toMatch(UUID);
      expect(one).not.toBe(other);
      expect([await subject().hasIssued(one), await subject().hasIssued(other)]).toEqual([true, true]);
      expect(await subject().hasIssued(randomUUID())).toBe(false);
    });

    test('becomes another once, however many ask for it at the same time', async () => {
      const before = await subject().databaseId();
      await Promise.all([1, 2, 3].map(() => subject().becomeAnother(before)));
      const after = await subject().databaseId();
      expect(after).toMatch(UUID);
      expect(after).not.toBe(before);
      await subject().becomeAnother(before);
      expect(await subject().databaseId()).toBe(after);
    });
  });
}
