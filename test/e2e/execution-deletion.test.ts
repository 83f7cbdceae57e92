import { execFile, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { mapConcurrently } from '../../src/domain/concurrency.js';
import type { Artifact, ArtifactClient, DeletionCounts } from '../../src/sdk/index.js';
import { runArtifacts, type CliResult } from '../support/cli.js';
import { aFile, begin, bucketOf, clientOf } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const run = promisify(execFile);

let stack: TestStack;
let token: string;
let client: ArtifactClient;
let database: PgClient;
beforeAll(async () => {
  stack = await startTestStack();
  token = await stack.token();
  client = clientOf(stack, token);
  database = new PgClient({ connectionString: stack.databaseUrl });
  await database.connect();
});
afterAll(async () => {
  client.close();
  await database.end();
  await stack.stop();
});

const upload = (executionId: string, count: number): Promise<Artifact[]> =>
  mapConcurrently(Array(count).fill(null), 8, () =>
    client.uploadArtifact(executionId, aFile(20).bytes, { fileName: randomUUID() }),
  );

/** How many deletions of an execution were accepted. */
const requests = async (executionId: string): Promise<number> =>
  (await database.query('SELECT FROM execution_deletions WHERE execution_id = $1', [executionId])).rowCount ?? 0;

const living = async (executionId: string): Promise<number> => (await client.listArtifacts(executionId)).length;

const artifacts = (args: string[], onStart: (child: ChildProcess) => void = () => undefined): Promise<CliResult> =>
  runArtifacts(args, { cwd: tmpdir(), env: { ARTIFACTS_URL: stack.apiUrl, ARTIFACTS_TOKEN: token }, onStart });

const temporal = async (...args: string[]): Promise<void> => {
  await run(inject('temporalBinary'), [...args, '--address', stack.temporalAddress, '--namespace', stack.namespace]);
};

/** Keeps the row of one artifact from becoming DELETED, until `open`. */
async function holdBack({ id }: Artifact): Promise<{ open(): Promise<void> }> {
  await database.query(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = 'query_canceled'; END $$;
    CREATE TRIGGER gate BEFORE UPDATE ON artifacts FOR EACH ROW
      WHEN (NEW.status = 'DELETED' AND NEW.id = '${id}') EXECUTE FUNCTION refuse();`);
  return {
    open: async () => {
      await database.query('DROP TRIGGER gate ON artifacts; DROP FUNCTION refuse();');
    },
  };
}

describe('deleting all artifacts of an execution', () => {
  it('goes on when the caller is killed in the middle, and whoever asks again gets the whole number', async () => {
    const executionId = randomUUID();
    const [last, ...others] = await upload(executionId, 60);
    const gate = await holdBack(last!);
    let caller: ChildProcess | undefined;
    const killed = artifacts(['delete', '--execution', executionId], (child) => (caller = child));
    await expect.poll(() => living(executionId), { interval: 20 }).toBeLessThan(60);
    caller?.kill('SIGKILL');
    expect((await killed).code).toBeNull();
    // The last one is held back, so it is in the middle however fast the others go.
    await expect.poll(() => living(executionId), { interval: 200 }).toBe(1);

    // Who asks after the last one is gone begins a new deletion, of nothing: the gate opens when the second request was accepted.
    const again = artifacts(['delete', '--execution', executionId]);
    await expect.poll(() => requests(executionId), { interval: 20 }).toBe(2);
    await gate.open();
    expect(await again).toEqual({ code: 0, out: `Deleted ${others.length + 1}.\n`, err: '' });
    expect((await artifacts(['delete', '--execution', executionId])).out).toBe('Deleted 0.\n');
  });

  it('survives that API and worker are killed in the middle, with the right number for who still waits', async () => {
    const executionId = randomUUID();
    const [last] = await upload(executionId, 120);
    const gate = await holdBack(last!);
    const bucket = bucketOf(stack);
    let killing: Promise<void> | undefined;
    let leftAtKill = 0;
    const kill = async ({ underWay }: DeletionCounts): Promise<void> => {
      leftAtKill = underWay;
      await Promise.all([stack.kill9Worker(), stack.kill9Api()]);
      await stack.startApi();
      await stack.startWorker();
      await gate.open();
    };
    const onProgress = (counts: DeletionCounts): void => {
      if (counts.deleted > 0) killing ??= kill(counts);
    };
    expect(await client.deleteExecutionArtifacts(executionId, { onProgress })).toBe(120);
    expect(leftAtKill).toBeGreaterThan(0);
    await killing;
    expect(await living(executionId)).toBe(0);
    const first = (await client.listArtifacts(executionId, { status: 'DELETED' }))[0]!;
    expect(await bucket.head({ key: first.filePath })).toBeNull();
    bucket.close();
  });

  it('gives all who ask at once the same number, takes unfinished uploads too, and leaves later ones alone', async () => {
    const executionId = randomUUID();
    const [last] = await upload(executionId, 30);
    const gate = await holdBack(last!);
    const { sha256, sizeBytes } = aFile(20);
    const unfinished = await begin(stack, token, { executionId, fileName: 'half.bin', sha256, sizeBytes });
    // More than ten at once must wait until Temporal takes their message, and may come too late to join.
    const numbers = Array.from({ length: 8 }, () => client.deleteExecutionArtifacts(executionId));
    await expect.poll(() => requests(executionId), { interval: 20 }).toBe(8);
    await gate.open();
    expect(new Set(await Promise.all(numbers))).toEqual(new Set([31]));
    expect((await client.getArtifact(unfinished.artifact.id)).deletionReason).toBe('requested');

    await upload(executionId, 20);
    const deleting = client.deleteExecutionArtifacts(executionId);
    await expect.poll(() => living(executionId), { interval: 20 }).toBeLessThan(20);
    const [later] = await upload(executionId, 1);
    expect(await deleting).toBe(20);
    expect(await client.listArtifacts(executionId)).toMatchObject([{ id: later?.id }]);
  });

  it('says what is held and stays, and what nobody can delete any more', async () => {
    const executionId = randomUUID();
    const [held, orphaned] = await upload(executionId, 4);
    await temporal('workflow', 'signal', '--workflow-id', held!.workflowId, '--name', 'addHold');
    await temporal('workflow', 'terminate', '--workflow-id', orphaned!.workflowId);
    await expect.poll(async () => (await client.getArtifact(held!.id)).holds.length).toBe(1);
    const { out } = await artifacts(['delete', '--execution', executionId]);
    expect(out).toBe(
      'Deleted 2. 1 is held and stays. 1 cannot be deleted: tell an operator that the workflow is gone.\n',
    );
    const rest = (await client.listArtifacts(executionId)).map(({ id }) => id);
    expect(rest.sort()).toEqual([held!.id, orphaned!.id].sort());
  });
});
