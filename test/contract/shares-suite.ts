import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { LISTED_SHARES, TOLD_SHARE_EVENTS, type NewShare, type Shares } from '../../src/db/shares.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { MAX_LIVING_SHARES } from '../../src/domain/shares.js';
import { DAY_MS, HOUR_MS } from '../../src/domain/units.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

const AT_MS = Date.UTC(2026, 0, 3);
const ENDS_MS = AT_MS + DAY_MS;

/** What `Shares` promises, for every implementation of it. */
export function sharesSuite(name: string, subject: () => { records: ArtifactRecords; shares: Shares }): void {
  const register = (): Promise<ArtifactRecord> => subject().records.register(newArtifact());
  const aShare = (artifactId: string, given: Partial<NewShare> = {}): NewShare => ({
    id: randomUUID(),
    artifactId,
    artifactRevision: 0,
    tenantId: 'tenant-a',
    tokenHash: randomBytes(32).toString('hex'),
    actor: 'ann',
    atMs: AT_MS,
    expiresAtMs: ENDS_MS,
    maxUses: 3,
    ...given,
  });
  const use = (tokenHash: string, atMs = AT_MS + 1) => subject().shares.useShare({ tokenHash, atMs, detail: {} });
  const revoke = (artifactId: string, id: string, atMs = AT_MS + 2) =>
    subject().shares.revokeShare({ artifactId, id, actor: 'bob', atMs });
  const kindsOf = async (artifactId: string) =>
    (await subject().shares.shareHistory(artifactId)).map(({ kind }) => kind);

  describe(`${name}: links`, () => {
    test('are found by the hash of their token, and tell who made them and what they allow', async () => {
      const artifact = await register();
      const wanted = aShare(artifact.id);
      const made = await subject().shares.createShare(wanted);
      expect(made).toEqual({
        created: true,
        share: {
          id: wanted.id,
          artifactId: artifact.id,
          createdBy: 'ann',
          createdAtMs: AT_MS,
          expiresAtMs: ENDS_MS,
          maxUses: 3,
          uses: 0,
          lastUsedAtMs: null,
          revokedAtMs: null,
          revokedBy: null,
          isArtifactDeleted: false,
        },
      });
      expect(await subject().shares.findShare(wanted.tokenHash)).toEqual(made.share);
      expect(await subject().shares.findShare(randomBytes(32).toString('hex'))).toBeNull();
      expect(await subject().shares.shareHistory(artifact.id)).toEqual([
        {
          kind: 'share_created',
          actor: 'ann',
          atMs: AT_MS,
          detail: { shareId: wanted.id, expiresAt: new Date(ENDS_MS).toISOString(), maxUses: 3 },
        },
      ]);
    });

    test('need an artifact', async () => {
      const share = subject().shares.createShare(aShare(randomUUID()));
      await expect(share).rejects.toMatchObject({ code: 'artifact_not_found' });
    });

    test('made again under the same id are the same link, and only the latest token opens it', async () => {
      const { id: artifactId } = await register();
      const first = aShare(artifactId);
      const before = await subject().shares.createShare(first);
      const later = { ...first, atMs: AT_MS + 5, expiresAtMs: ENDS_MS + 5, tokenHash: randomBytes(32).toString('hex') };
      expect(await subject().shares.createShare(later)).toEqual({ ...before, created: false });
      expect(await subject().shares.findShare(first.tokenHash)).toBeNull();
      expect(await use(first.tokenHash)).toBeNull();
      expect(await use(later.tokenHash)).toMatchObject({ id: first.id, uses: 1 });
      expect(await kindsOf(artifactId)).toEqual(['share_created', 'share_renewed', 'share_used']);

      for (const other of [{ maxUses: 4 }, { expiresAtMs: ENDS_MS + 1_000 }])
        await expect(subject().shares.createShare({ ...first, ...other })).rejects.toMatchObject({
          code: 'share_conflict',
        });
      await revoke(artifactId, first.id);
      await expect(subject().shares.createShare(first)).rejects.toMatchObject({
        code: 'share_ended',
        details: { reason: 'revoked' },
      });
    });

    test('made under one id by 20 at once are one link, opened by exactly one of the tokens', async () => {
      const { id: artifactId } = await register();
      const one = aShare(artifactId);
      const tries = Array.from({ length: 20 }, () => ({ ...one, tokenHash: randomBytes(32).toString('hex') }));
      const made = await Promise.all(tries.map((wanted) => subject().shares.createShare(wanted)));
      expect(made.filter(({ created }) => created)).toHaveLength(1);
      const found = await Promise.all(tries.map(({ tokenHash }) => subject().shares.findShare(tokenHash)));
      expect(found.filter((share) => share !== null)).toHaveLength(1);
      expect(await subject().shares.listShares(artifactId, AT_MS)).toHaveLength(1);
    });

    test('are used as often as they may be, however many ask at once, and each use is in the audit', async () => {
      const { id: artifactId } = await register();
      const wanted = aShare(artifactId);
      const { tokenHash, id } = wanted;
      await subject().shares.createShare(wanted);
      const answers = await Promise.all(Array.from({ length: 20 }, () => use(tokenHash)));
      expect(answers.flatMap((share) => share?.uses ?? []).sort()).toEqual([1, 2, 3]);
      expect(await subject().shares.findShare(tokenHash)).toMatchObject({ uses: 3, lastUsedAtMs: AT_MS + 1 });
      const used = (await subject().shares.shareHistory(artifactId)).slice(1);
      expect(used.map(({ kind, actor, detail }) => [kind, actor, detail])).toEqual(
        [1, 2, 3].map((number) => ['share_used', 'link', { shareId: id, use: number }]),
      );
    });

    test('keep what is known of a use in the audit', async () => {
      const { id: artifactId } = await register();
      const wanted = aShare(artifactId);
      await subject().shares.createShare(wanted);
      await subject().shares.useShare({ tokenHash: wanted.tokenHash, atMs: AT_MS, detail: { address: '192.0.2.7' } });
      const detail = { shareId: wanted.id, use: 1, address: '192.0.2.7' };
      expect((await subject().shares.shareHistory(artifactId)).at(-1)).toMatchObject({ kind: 'share_used', detail });
    });

    test('can be used until the instant they expire, and not at it', async () => {
      const { id: artifactId } = await register();
      const wanted = aShare(artifactId);
      await subject().shares.createShare(wanted);
      expect(await use(wanted.tokenHash, ENDS_MS)).toBeNull();
      expect(await use(wanted.tokenHash, ENDS_MS + 1)).toBeNull();
      expect(await use(wanted.tokenHash, ENDS_MS - 1)).toMatchObject({ uses: 1 });
    });

    test('are revoked once, by whoever was first, and cannot be used from then on', async () => {
      const { id: artifactId } = await register();
      const wanted = aShare(artifactId);
      await subject().shares.createShare(wanted);
      const revoked = await revoke(artifactId, wanted.id);
      expect(revoked).toMatchObject({ revokedAtMs: AT_MS + 2, revokedBy: 'bob' });
      const again = await subject().shares.revokeShare({ artifactId, id: wanted.id, actor: 'eve', atMs: AT_MS + 9 });
      expect(again).toEqual(revoked);
      expect(await use(wanted.tokenHash, AT_MS + 3)).toBeNull();
      expect(await kindsOf(artifactId)).toEqual(['share_created', 'share_revoked']);
    });

    test('that have ended anyway are not revoked', async () => {
      const { id: artifactId } = await register();
      const spent = aShare(artifactId, { maxUses: 1 });
      await subject().shares.createShare(spent);
      await use(spent.tokenHash);
      expect(await revoke(artifactId, spent.id)).toMatchObject({ uses: 1, revokedAtMs: null });
      const over = aShare(artifactId);
      await subject().shares.createShare(over);
      expect(await revoke(artifactId, over.id, ENDS_MS)).toMatchObject({ revokedAtMs: null });
    });

    test('of another artifact are not there', async () => {
      const wanted = aShare((await register()).id);
      await subject().shares.createShare(wanted);
      const other = await register();
      expect(await revoke(other.id, wanted.id)).toBeNull();
      expect(await subject().shares.listShares(other.id, AT_MS)).toEqual([]);
      expect(await subject().shares.shareHistory(other.id)).toEqual([]);
      expect(await use(wanted.tokenHash)).toMatchObject({ uses: 1 });
    });

    test('die with their artifact, and do not come back with it', async () => {
      const { records, shares } = subject();
      const { id: artifactId } = await register();
      const before = aShare(artifactId);
      await shares.createShare(before);
      const change = changeOf(artifactId, 1, { status: 'DELETED' });
      await records.change({ ...change, event: { kind: 'deleted', actor: 'ann', detail: {} } });
      expect(await shares.findShare(before.tokenHash)).toMatchObject({ isArtifactDeleted: true });
      expect(await use(before.tokenHash)).toBeNull();
      const back = { ...changeOf(artifactId, 2, { status: 'ACTIVE' }), atMs: AT_MS };
      await records.change({ ...back, event: { kind: 'undeleted', actor: 'ann', detail: {} } });
      expect(await use(before.tokenHash)).toBeNull();
      const after = aShare(artifactId, { artifactRevision: 2 });
      await shares.createShare(after);
      expect(await use(after.tokenHash)).toMatchObject({ uses: 1, isArtifactDeleted: false });
      const [first, second] = await shares.listShares(artifactId, AT_MS);
      expect([first?.id, second?.id]).toEqual([after.id, before.id]);
    });

    test('are limited in number while they can be used, and listed with those first', async () => {
      const { id: artifactId } = await register();
      const wanted = Array.from({ length: MAX_LIVING_SHARES }, (_, index) =>
        aShare(artifactId, { maxUses: 1, atMs: AT_MS + index }),
      );
      for (const share of wanted) await subject().shares.createShare(share);
      const late = { atMs: AT_MS + 900 };
      const refused = subject().shares.createShare(aShare(artifactId, late));
      await expect(refused).rejects.toMatchObject({ code: 'too_many_shares' });
      await use(wanted.at(-1)!.tokenHash);
      await subject().shares.createShare(aShare(artifactId, late));
      const listed = await subject().shares.listShares(artifactId, AT_MS + 900);
      expect(listed).toHaveLength(MAX_LIVING_SHARES + 1);
      expect(listed.length).toBeLessThan(LISTED_SHARES);
      expect(listed[0]).toMatchObject({ createdAtMs: AT_MS + 900 });
      expect(listed.at(-1)).toMatchObject({ id: wanted.at(-1)!.id, uses: 1 });
    });

    test('are removed some time after their life has ended, and their audit stays', async () => {
      const { shares } = subject();
      const { id: artifactId } = await register();
      const [over, living] = [aShare(artifactId), aShare(artifactId, { expiresAtMs: ENDS_MS + HOUR_MS })];
      for (const share of [over, living]) await shares.createShare(share);
      for (const share of [over, living]) await revoke(artifactId, share.id);
      await shares.removeExpired(ENDS_MS);
      expect(await shares.findShare(over.tokenHash)).not.toBeNull();
      await shares.removeExpired(ENDS_MS + 1);
      expect(await shares.findShare(over.tokenHash)).toBeNull();
      expect((await shares.listShares(artifactId, AT_MS)).map(({ id }) => id)).toEqual([living.id]);
      expect(await kindsOf(artifactId)).toEqual(['share_created', 'share_created', 'share_revoked', 'share_revoked']);
      await shares.removeExpired(ENDS_MS + 1);
    });

    test('tell of the latest events when there are very many', async () => {
      const { id: artifactId } = await register();
      const wanted = aShare(artifactId, { maxUses: TOLD_SHARE_EVENTS + 5, expiresAtMs: AT_MS + HOUR_MS });
      await subject().shares.createShare(wanted);
      for (let i = 0; i < TOLD_SHARE_EVENTS + 1; i += 1) await use(wanted.tokenHash);
      const told = await subject().shares.shareHistory(artifactId);
      expect(told).toHaveLength(TOLD_SHARE_EVENTS);
      expect([told[0]?.detail['use'], told.at(-1)?.detail['use']]).toEqual([2, TOLD_SHARE_EVENTS + 1]);
    });
  });
}
