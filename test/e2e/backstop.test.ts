import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wantedBucket } from '../../src/domain/bucket/wanted.js';
import { DAY_MS } from '../../src/domain/units.js';
import { applyBucket } from '../../src/operator/bucket/index.js';
import type { Artifact, ArtifactClient } from '../../src/sdk/index.js';
import type { BucketSettings } from '../../src/storage/bucket/bucket-settings.js';
import { createS3BucketSettings } from '../../src/storage/s3/bucket-settings.js';
import { actionsOn } from '../support/bucket-rules.js';
import { wishes } from '../support/bucket-wishes.js';
import { runArtifacts } from '../support/cli.js';
import { aFile, clientOf, sha256Of } from '../support/e2e.js';
import { openLifeWorld, type LifeWorld } from '../support/life-world.js';
import { startTestStack } from '../support/stack.js';

/** Nearly always long enough for the worker to be killed. */
const LIFE_MS = 8_000;
const SETTLE = { interval: 200 };
/** Users may give tags that look like ours; they match nothing. */
const TAGS = { retention: 'expiring', 'x-artifact-retention': 'expiring', team: 'blue' };

/*
 * Every worker is away for longer than an artifact lives. What the bucket then does is worked out from the rules that are stored in it and the
 * tags, keys, sizes and times that its objects have, a year later, and done to them as S3 would.
 */
describe.each([{ versioning: true }, { versioning: false }])(
  'with every worker away for a year (%o)',
  ({ versioning }) => {
    let world: LifeWorld;
    let client: ArtifactClient;
    let settings: BucketSettings;

    beforeAll(async () => {
      world = await openLifeWorld(await startTestStack({ store: 'moto', versioning }));
      client = clientOf(world.stack, await world.stack.token());
      const { accessKeyId, secretAccessKey, ...store } = world.stack.store;
      settings = createS3BucketSettings({ ...store, credentials: { accessKeyId, secretAccessKey } });
    });
    afterAll(async () => {
      settings.close();
      client.close();
      await world.close();
      await world.stack.stop();
    });

    /** By its command, or where that would turn versions on, its lifecycle part alone. */
    async function giveRules(): Promise<void> {
      if (!versioning) {
        const part = wantedBucket(wishes()).filter((wanted) => wanted.part === 'lifecycle');
        expect((await applyBucket(settings, part)).map(({ outcome }) => outcome)).toEqual(Array(6).fill('added'));
        return;
      }
      const { endpoint, bucket, accessKeyId, secretAccessKey } = world.stack.store;
      const env = {
        S3_ENDPOINT: endpoint,
        S3_BUCKET: bucket,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      };
      const applied = await runArtifacts(['bucket', 'apply'], { cwd: '/', env });
      expect(applied).toMatchObject({ code: 0 });
    }

    interface Uploaded {
      artifact: Artifact;
      sha256: string;
    }

    const upload = async (name: string): Promise<Uploaded> => {
      const { bytes, sha256 } = aFile(200_000);
      return { artifact: await client.uploadArtifact(randomUUID(), bytes, { fileName: name, tags: TAGS }), sha256 };
    };

    /** Artifacts whose time came when the worker was gone already: where it was too late for that, others, with more time. */
    async function overUnwatched(lifeMs = LIFE_MS): Promise<Uploaded[]> {
      const files = [await upload('over.bin'), await upload('long-over.bin')];
      const deadline = new Date(Date.now() + lifeMs);
      const asked = files.map(({ artifact }) => client.setRetention(artifact.id, { expiresAt: deadline }));
      const isAccepted = (await Promise.allSettled(asked)).every(({ status }) => status === 'fulfilled');
      await world.stack.kill9Worker();
      const leftMs = deadline.getTime() - Date.now();
      if (isAccepted && leftMs > 0) {
        await sleep(leftMs + 500);
        return files;
      }
      await world.stack.startWorker();
      return overUnwatched(3 * lifeMs);
    }

    /** What the stored rules do with the object by then; done to it. */
    async function passBy(key: string, nowMs: number): Promise<string[]> {
      const stored = await settings.read('lifecycle');
      const done: string[] = [];
      const [newest, ...older] = await world.bucket.listVersions(key);
      for (const version of newest === undefined ? [] : [newest, ...older]) {
        if (version.isDeleteMarker) continue;
        const info = await world.bucket.head(version);
        const tags = await world.bucket.getTags(version);
        if (info === null || tags === null) throw new Error(`${key} is gone`);
        const noncurrentSinceMs = version === newest ? null : info.lastModifiedMs + 366 * DAY_MS;
        const object = { key, tags, sizeBytes: info.sizeBytes, bornMs: info.lastModifiedMs, noncurrentSinceMs };
        for (const action of actionsOn(stored, object, nowMs)) {
          done.push(`${action.kind} by ${action.ruleId}`);
          if (action.kind === 'move') continue;
          if (action.kind === 'expire' && versioning) await world.bucket.addDeleteMarker(key);
          else await world.bucket.deleteVersion(key, version.versionId);
        }
      }
      return done;
    }

    it('the bucket removes what is over and nothing else, and the worker that comes back records the truth', async () => {
      await giveRules();
      const [permanent, held, long] = [await upload('kept.bin'), await upload('held.bin'), await upload('long.bin')];
      await client.keepForever(permanent.artifact.id, 'evidence');
      await client.addHold(held.artifact.id, { reason: 'case 17' });
      await client.setRetention(long.artifact.id, 400);
      const [over, longOver] = (await overUnwatched()) as [Uploaded, Uploaded];
      expect(await client.getArtifact(over.artifact.id)).toMatchObject({ status: 'ACTIVE' });

      const aYearLater = Date.now() + 367 * DAY_MS;
      for (const { artifact } of [permanent, held, long]) {
        const done = await passBy(artifact.filePath, aYearLater);
        expect(done.filter((action) => !action.startsWith('move'))).toEqual([]);
      }
      const expired = 'expire by ExpireOldArtifacts';
      for (const { artifact } of [over, longOver])
        expect(await passBy(artifact.filePath, aYearLater)).toContain(expired);
      if (versioning)
        expect(await passBy(longOver.artifact.filePath, Date.now() + 734 * DAY_MS)).toEqual([
          'remove by durable-artifacts/noncurrent-versions',
        ]);
      for (const { artifact } of [over, longOver])
        expect(await world.bucket.head({ key: artifact.filePath })).toBeNull();

      await world.stack.startWorker();
      for (const { artifact } of [over, longOver]) {
        await expect
          .poll(() => client.getArtifact(artifact.id), SETTLE)
          .toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
        expect(await world.bucket.listVersions(artifact.filePath)).toEqual([]);
        const [deleted] = (await world.records.history(artifact.id)).filter(({ kind }) => kind === 'deleted');
        expect(deleted?.detail).toMatchObject({ reason: 'expired', provenAbsentAt: expect.any(String) as string });
      }
      for (const { artifact, sha256 } of [permanent, held, long]) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of await client.downloadArtifact(artifact.id)) chunks.push(chunk);
        expect(sha256Of(Buffer.concat(chunks))).toBe(sha256);
      }
    });
  },
);
