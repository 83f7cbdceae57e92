import { appendFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ActivityCancellationDetails } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { planParts } from '../../../src/domain/part-plan.js';
import type { FileToUpload } from '../../../src/domain/publish.js';
import { MIB_BYTES } from '../../../src/domain/units.js';
import { sha256Of } from '../../support/api.js';
import { Attempt, startTestHost, temporaryFolder, type TestHost } from '../../support/host.js';

const outcomes = (results: { file: string; outcome: string; code?: string }[]): Record<string, string> =>
  Object.fromEntries(results.map(({ file, outcome, code }) => [file, code ?? outcome]));

const partCount = ({ sizeBytes }: FileToUpload): number => {
  const plan = planParts(sizeBytes);
  return plan.kind === 'single' ? 1 : (plan.partCount ?? 0);
};

const partsSent = (host: TestHost): (number | null)[] => host.store.puts.map(({ partNumber }) => partNumber);

async function stored(host: TestHost, { artifactId }: FileToUpload): Promise<string | undefined> {
  const record = await host.records.get(artifactId);
  if (record?.status !== 'ACTIVE') return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of (await host.store.read({ key: record.key })) ?? []) chunks.push(chunk as Buffer);
  return sha256Of(Buffer.concat(chunks));
}

describe('uploadFiles', () => {
  it('brings small and large files into the store, each under its own id, and says what it made of each', async () => {
    const host = await startTestHost();
    const files = [
      await host.aFile('a.txt', 10),
      await host.aFile('logs/empty.log', 0),
      await host.aFile('medium.bin', 3 * MIB_BYTES),
      await host.aFile('large.bin', 40 * MIB_BYTES),
    ];
    const attempt = new Attempt();
    const results = await host.upload(
      { files, tags: { team: 'blue' }, retentionDays: 7, requestId: 'request-1' },
      attempt,
    );
    expect(results).toEqual(
      files.map(({ file, path, artifactId, sizeBytes }) => ({
        ...{ file, path, artifactId, sizeBytes, outcome: 'uploaded' },
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      })),
    );
    for (const [index, file] of files.entries()) expect(await stored(host, file)).toBe(results[index]?.sha256);
    expect(await host.records.get(files[0]?.artifactId ?? '')).toMatchObject({
      ...{ path: 'output/a.txt', tags: { team: 'blue' }, type: 'document', mimeType: 'text/plain', tenantId: 'acme' },
      retention: { rule: 'artifact', days: 7 },
    });
    for (const { artifactId } of files) {
      const events = await host.records.history(artifactId);
      expect(events.map(({ detail }) => detail['requestId'])).toEqual(events.map(() => 'request-1'));
    }
    expect(attempt.last).toMatchObject({ files: 4, doneFiles: 4, doneBytes: attempt.last?.totalBytes, sending: [] });
  });

  it('sends nothing of what exists with the same content, also when it is large, and nothing over what differs', async () => {
    const host = await startTestHost();
    const small = await host.aFile('a.txt', 10);
    const large = await host.aFile('large.bin', 20 * MIB_BYTES);
    const other = await host.aFile('b.txt', 10);
    const [, { sha256 = '' } = {}] = await host.upload({ files: [small, large] });
    host.store.puts.length = 0;
    const results = await host.upload({
      files: [
        { ...small, artifactId: 'x', existing: { artifactId: small.artifactId, sha256: small.sha256 ?? '' } },
        { ...large, artifactId: 'y', existing: { artifactId: large.artifactId, sha256: sha256 ?? '' } },
        { ...other, artifactId: 'z', existing: { artifactId: 'q', sha256: small.sha256 ?? '' } },
      ],
    });
    expect(outcomes(results)).toEqual({ 'a.txt': 'unchanged', 'large.bin': 'unchanged', 'b.txt': 'path_taken' });
    expect(results.slice(0, 2).map(({ artifactId }) => artifactId)).toEqual([small.artifactId, large.artifactId]);
    expect(host.store.puts).toEqual([]);
  });

  it('fails what changed since the scan, is gone, or is a link by now, and uploads the rest', async () => {
    const host = await startTestHost();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'secret.txt'), 'secret');
    const names = ['grown.txt', 'touched.txt', 'rewritten.txt', 'gone.txt', 'linked.txt', 'good.txt'];
    const files = await Promise.all(names.map((name) => host.aFile(name, 10)));
    const path = (name: string): string => join(host.root, name);
    await appendFile(path('grown.txt'), 'more');
    await utimes(path('touched.txt'), new Date(), new Date(1_000));
    const { modifiedAtMs = 0 } = files[2] ?? {};
    await writeFile(path('rewritten.txt'), '0123456789');
    await utimes(path('rewritten.txt'), new Date(), new Date(modifiedAtMs));
    await rm(path('gone.txt'));
    await rm(path('linked.txt'));
    await symlink(join(outside, 'secret.txt'), path('linked.txt'));
    expect(outcomes(await host.upload({ files }))).toEqual({
      ...{ 'grown.txt': 'source_changed', 'touched.txt': 'source_changed', 'rewritten.txt': 'source_changed' },
      ...{ 'gone.txt': 'source_changed', 'linked.txt': 'source_not_allowed', 'good.txt': 'uploaded' },
    });
    expect(host.store.puts).toHaveLength(1);
  });

  it('fails a large file that changes while it is sent, and leaves nothing of it behind', async () => {
    const host = await startTestHost();
    // More than is read ahead of what is sent.
    const file = await host.aFile('large.bin', 120 * MIB_BYTES);
    host.store.before = async ({ partNumber }) => {
      if (partNumber === 2) await appendFile(join(host.root, 'large.bin'), 'more');
    };
    expect(outcomes(await host.upload({ files: [file] }))).toEqual({ 'large.bin': 'source_changed' });
    const record = await host.records.get(file.artifactId);
    expect(record).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
    expect(await host.store.listUploads(record?.key ?? '')).toEqual([]);
  });

  it('is refused to another tenant', async () => {
    const host = await startTestHost();
    await expect(host.upload({ tenantId: 'other' })).rejects.toMatchObject({ type: 'source_not_allowed' });
  });
});

describe('an attempt after a crash', () => {
  /** Lets the first attempt die with the store, after some of its work. */
  async function crash(host: TestHost, files: FileToUpload[], isAfter: (puts: number) => boolean): Promise<Attempt> {
    const attempt = new Attempt();
    host.store.before = () => Promise.resolve(isAfter(host.store.puts.length) ? 503 : undefined);
    await expect(host.upload({ files }, attempt)).rejects.toMatchObject({ type: 'storage_unavailable' });
    host.store.before = async () => {};
    return attempt;
  }

  it('does not send the parts again that have arrived', async () => {
    const host = await startTestHost();
    const file = await host.aFile('large.bin', 80 * MIB_BYTES);
    const first = await crash(host, [file], (puts) => puts >= 2);
    const before = partsSent(host);
    expect(before.length).toBeGreaterThanOrEqual(2);
    host.store.puts.length = 0;
    const [result] = await host.upload({ files: [file] }, new Attempt(2, first.last));
    expect(result).toMatchObject({ outcome: 'uploaded' });
    expect(await stored(host, file)).toBe(result?.sha256);
    const after = partsSent(host);
    expect(after.filter((part) => new Set(before).has(part))).toEqual([]);
    expect(before.length + after.length).toBe(partCount(file));
  });

  it('does not look at files again that the last heartbeat told as done', async () => {
    const host = await startTestHost();
    const files = await Promise.all(Array.from({ length: 30 }, (_, index) => host.aFile(`${index}.txt`, 10)));
    const first = await crash(host, files, (puts) => puts >= 12);
    const done = first.last?.doneFiles ?? 0;
    expect(done).toBeGreaterThan(0);
    host.lifecycle.calls.length = 0;
    const results = await host.upload({ files }, new Attempt(2, first.last));
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['uploaded']));
    expect(host.lifecycle.calls.filter(({ verb }) => verb === 'beginUpload')).toHaveLength(30 - done);
    expect(host.store.puts).toHaveLength(30);
  });

  it('finds complete what an attempt completed whose heartbeats were lost', async () => {
    const host = await startTestHost();
    const files = [await host.aFile('a.txt', 10), await host.aFile('large.bin', 20 * MIB_BYTES)];
    const first = await host.upload({ files });
    host.store.puts.length = 0;
    expect(await host.upload({ files }, new Attempt(2))).toEqual(first);
    expect(host.store.puts).toEqual([]);
  });

  it('reads a checkpoint of a version that it does not know as none', async () => {
    const host = await startTestHost();
    const files = [await host.aFile('a.txt', 10)];
    const results = await host.upload({ files }, new Attempt(2, { v: 99, done: [{ index: 0, outcome: 'uploaded' }] }));
    expect(await stored(host, files[0] as FileToUpload)).toBe(results[0]?.sha256);
  });

  it('that overlaps with the one before does no harm', async () => {
    const host = await startTestHost();
    const files = [await host.aFile('a.txt', 10), await host.aFile('large.bin', 40 * MIB_BYTES)];
    const [zombie, second] = await Promise.all([host.upload({ files }), host.upload({ files }, new Attempt(2))]);
    expect(second).toEqual(zombie);
    expect(outcomes(second)).toEqual({ 'a.txt': 'uploaded', 'large.bin': 'uploaded' });
    expect(await stored(host, files[1] as FileToUpload)).toBe(second[1]?.sha256);
  });
});

describe('an outage', () => {
  it('of one file does not keep the others, and the next attempt takes up that one alone', async () => {
    const host = await startTestHost();
    const files = await Promise.all(Array.from({ length: 20 }, (_, index) => host.aFile(`${index}.txt`, 10)));
    host.store.before = ({ key }) => Promise.resolve(key.endsWith('/3.txt') ? 500 : undefined);
    const first = new Attempt();
    await expect(host.upload({ files }, first)).rejects.toMatchObject({ type: 'storage_unavailable' });
    expect(first.last).toMatchObject({ doneFiles: 19 });
    host.store.before = async () => {};
    host.store.puts.length = 0;
    await host.upload({ files }, new Attempt(2, first.last));
    expect(host.store.puts).toHaveLength(1);
  });

  it('of Temporal fails the attempt and not the files', async () => {
    const host = await startTestHost();
    const files = await Promise.all(Array.from({ length: 40 }, (_, index) => host.aFile(`${index}.txt`, 10)));
    host.lifecycle.failure = new ArtifactError('workflows_unavailable', 'nobody there');
    const first = new Attempt();
    await expect(host.upload({ files }, first)).rejects.toMatchObject({
      type: 'workflows_unavailable',
      nonRetryable: false,
    });
    // Not every file was tried in vain.
    expect(host.lifecycle.calls.length).toBeLessThan(40);
    host.lifecycle.failure = null;
    const results = await host.upload({ files }, new Attempt(2, first.last));
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['uploaded']));
  });

  it('for a reason that nobody knows is the fault of the file in the end', async () => {
    const host = await startTestHost();
    const files = [await host.aFile('a.txt', 10), await host.aFile('b.txt', 10)];
    host.lifecycle.before = async (verb) => {
      await Promise.resolve();
      const { artifactId } = host.lifecycle.calls.at(-1) ?? {};
      if (verb === 'completeUpload' && artifactId === files[0]?.artifactId) throw new Error('a bug');
    };
    const first = new Attempt();
    await expect(host.upload({ files }, first)).rejects.toMatchObject({ type: 'internal' });
    expect(outcomes(await host.upload({ files }, new Attempt(3, first.last)))).toEqual({
      'a.txt': 'internal',
      'b.txt': 'uploaded',
    });
  });
});

describe('an attempt that is ended', () => {
  const SHUTDOWN = new ActivityCancellationDetails({ workerShutdown: true });
  const CANCELLED = new ActivityCancellationDetails({ cancelRequested: true });

  /** Begins, and ends it in the middle of the large file. */
  async function endedInTheMiddle(details: ActivityCancellationDetails) {
    const host = await startTestHost();
    const files = [await host.aFile('a.txt', 10), await host.aFile('large.bin', 80 * MIB_BYTES)];
    const attempt = new Attempt();
    let sent = 0;
    host.store.before = async ({ partNumber }) => {
      if (partNumber !== null && (sent += 1) === 3) {
        attempt.cancel(details.workerShutdown ? 'WORKER_SHUTDOWN' : 'CANCELLED', details);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await expect(host.upload({ files }, attempt)).rejects.toMatchObject({ name: 'CancelledFailure' });
    host.store.before = async () => {};
    const [small, large] = await Promise.all(files.map(({ artifactId }) => host.records.get(artifactId)));
    return { host, files, attempt, small, large };
  }

  it('by the end of its worker hands over: the upload stays, and the next attempt goes on', async () => {
    const { host, files, attempt, large } = await endedInTheMiddle(SHUTDOWN);
    expect(large).toMatchObject({ status: 'UPLOADING' });
    const before = partsSent(host).slice(1);
    expect(before.length).toBeGreaterThanOrEqual(2);
    expect(attempt.last).toMatchObject({ doneFiles: 1 });
    host.store.puts.length = 0;
    const results = await host.upload({ files }, new Attempt(2, attempt.last));
    expect(outcomes(results)).toEqual({ 'a.txt': 'uploaded', 'large.bin': 'uploaded' });
    expect(partsSent(host).filter((part) => new Set(before).has(part))).toEqual([]);
  });

  it('by the workflow removes what was begun and keeps what is complete', async () => {
    const { host, small, large } = await endedInTheMiddle(CANCELLED);
    expect(small).toMatchObject({ status: 'ACTIVE' });
    expect(large).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
    expect(await host.store.listUploads(large?.key ?? '')).toEqual([]);
  });

  it('by the workflow also removes what an attempt before it may have begun', async () => {
    const host = await startTestHost();
    const files = [await host.aFile('a.bin', 20 * MIB_BYTES), await host.aFile('b.bin', 20 * MIB_BYTES)];
    host.store.outage = 'storage_unavailable';
    await host.upload({ files }).catch(() => undefined);
    host.store.outage = null;
    const attempt = new Attempt(2);
    attempt.cancel('CANCELLED', CANCELLED);
    await expect(host.upload({ files }, attempt)).rejects.toMatchObject({ name: 'CancelledFailure' });
    for (const { artifactId } of files) {
      const record = await host.records.get(artifactId);
      expect([undefined, 'DELETED']).toContain(record?.status);
    }
  });
});

describe('its progress', () => {
  it('is told while a large file is sent, and never goes down', async () => {
    const host = await startTestHost();
    const files = [await host.aFile('large.bin', 40 * MIB_BYTES)];
    const attempt = new Attempt();
    const told: number[] = [];
    attempt.onTold(({ doneBytes }) => told.push(doneBytes));
    host.store.before = async ({ partNumber }) => {
      if ((partNumber ?? 0) <= 3) await new Promise((resolve) => setTimeout(resolve, 1_200));
    };
    await host.upload({ files }, attempt);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.some((bytes) => bytes > 0 && bytes < 40 * MIB_BYTES)).toBe(true);
    expect(told.at(-1)).toBe(40 * MIB_BYTES);
  });
});
