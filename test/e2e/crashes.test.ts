import { randomUUID } from 'node:crypto';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aFile, begin, bucketOf, clientOf, put, request } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

let stack: TestStack;
let token: string;
beforeAll(async () => {
  stack = await startTestStack();
  token = await stack.token();
});
afterAll(() => stack.stop());

const complete = (id: string, claim: { sizeBytes: number; sha256: string }) =>
  request(stack, token, { method: 'POST', path: `/v1/artifacts/${id}/upload/complete`, body: claim });

describe('a worker that is killed', () => {
  it('between begin and complete is not missed: the next one completes the upload', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'a.bin', ...claim });
    await stack.kill9Worker();
    expect(await put(begun, bytes)).toBe(200);
    await stack.startWorker();
    const client = clientOf(stack, token);
    await expect
      .poll(async () => (await complete(begun.artifact.id, claim)).status, { timeout: 60_000, interval: 1_000 })
      .toBe(200);
    expect(await client.getArtifact(begun.artifact.id)).toMatchObject({ status: 'ACTIVE', checksum: claim.sha256 });
    client.close();
  });

  it('between the delete in S3 and the one in Postgres leaves no lie: the next one finishes the deletion', async () => {
    const client = clientOf(stack, token);
    const { bytes } = aFile(4096);
    const artifact = await client.uploadArtifact(randomUUID(), bytes, { fileName: 'b.bin' });
    const gate = await holdDeletedRows();
    const bucket = bucketOf(stack);

    const deletion = client.deleteArtifact(artifact.id).catch(() => undefined);
    await expect.poll(() => bucket.listVersions(artifact.filePath), { timeout: 20_000 }).toEqual([]);
    expect(await client.getArtifact(artifact.id)).toMatchObject({ status: 'ACTIVE' });
    await stack.kill9Worker();
    await gate.open();

    await stack.startWorker();
    await expect
      .poll(async () => (await client.getArtifact(artifact.id)).status, { timeout: 60_000, interval: 500 })
      .toBe('DELETED');
    const kinds = (await client.history(artifact.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['upload_begun', 'upload_completed', 'deletion_begun', 'deleted']);
    await deletion;
    bucket.close();
    client.close();
  });
});

describe('a complete that is sent twice', () => {
  it('at the same moment is done once and answered twice', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'c.bin', ...claim });
    await put(begun, bytes);
    const answers = await Promise.all([complete(begun.artifact.id, claim), complete(begun.artifact.id, claim)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
    const history = await request(stack, token, { method: 'GET', path: `/v1/artifacts/${begun.artifact.id}/history` });
    expect((history.body['items'] as { kind: string }[]).map(({ kind }) => kind)).toEqual([
      'upload_begun',
      'upload_completed',
    ]);
  });

  it('with another checksum is refused', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'd.bin', ...claim });
    await put(begun, bytes);
    await complete(begun.artifact.id, claim);
    const again = await complete(begun.artifact.id, { ...claim, sha256: 'b'.repeat(64) });
    expect(again).toMatchObject({ status: 409, body: { code: 'complete_conflict' } });
  });
});

/** Makes the write of DELETED wait until `open`, which also ends the session that waits: its worker is dead by then. */
async function holdDeletedRows(): Promise<{ open(): Promise<void> }> {
  const admin = new PgClient({ connectionString: stack.databaseUrl });
  await admin.connect();
  await admin.query(`
    CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
    CREATE TRIGGER gate BEFORE UPDATE ON artifacts FOR EACH ROW WHEN (NEW.status = 'DELETED')
      EXECUTE FUNCTION wait_at_the_gate();
    SELECT pg_advisory_lock(42);`);
  return {
    open: async () => {
      await admin.query(`
        SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted;
        SELECT pg_advisory_unlock(42);
        DROP TRIGGER gate ON artifacts;
        DROP FUNCTION wait_at_the_gate();`);
      await admin.end();
    },
  };
}
