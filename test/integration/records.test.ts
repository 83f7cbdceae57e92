import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { freePort } from '../../src/dev/servers/ports.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

type ClosableRecords = ArtifactRecords & { close(): Promise<void> };

let database: TestDatabase;
let pool: Pool;
let records: ClosableRecords;

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl);
  records = createArtifactRecords(pool);
});

afterAll(async () => {
  await records.close();
  await database.drop();
});

describe('under concurrency', () => {
  test('of 50 that register one path exactly one wins, and all others learn its id', async () => {
    const executionId = randomUUID();
    const artifacts = Array.from({ length: 50 }, () => newArtifact({ executionId, path: 'output/one.txt' }));
    const outcomes = await Promise.allSettled(artifacts.map((artifact) => records.register(artifact)));
    const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
    expect(winners).toHaveLength(1);
    const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(losers).toHaveLength(49);
    for (const loser of losers)
      expect(loser).toMatchObject({ code: 'path_taken', details: { artifactId: winners[0] } });
    const { rows } = await pool.query('SELECT artifact_id FROM artifact_events WHERE execution_id = $1', [executionId]);
    expect(rows).toEqual([{ artifact_id: winners[0] }]);
  });

  test('one registration repeated 20 times at once is one row with one event, and all answers agree', async () => {
    const artifact = newArtifact();
    const answers = await Promise.all(Array.from({ length: 20 }, () => records.register(artifact)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await records.history(artifact.id)).toHaveLength(1);
  });

  test('one change repeated 20 times at once is written once, and all answers agree', async () => {
    const { id } = await records.register(newArtifact());
    const tries = Array.from({ length: 20 }, (_, index) => records.change(changeOf(id, 1, { etag: `e${index}` })));
    const answers = await Promise.all(tries);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await records.history(id)).toHaveLength(2);
  });

  test('pages neither skip nor repeat a row while others are inserted', async () => {
    const executionId = randomUUID();
    const before = Array.from({ length: 40 }, (_, index) =>
      newArtifact({ executionId, createdAtMs: 1_000_000 + index }),
    );
    for (const artifact of before) await records.register(artifact);
    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = await records.list({ executionId, limit: 7, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      // Newer ones go to the front, which has been read; they must not push rows into the next page again.
      await records.register(newArtifact({ executionId, createdAtMs: 2_000_000 + seen.length }));
    }
    expect(seen).toEqual(before.map(({ id }) => id).reverse());
  });

  test('a registration waits for a change of the execution’s retention and inherits the new one', async () => {
    const { executionId } = await records.register(newArtifact());
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('UPDATE executions SET retention_days = 77 WHERE id = $1', [executionId]);
    const registering = records.register(newArtifact({ executionId }));
    await untilWaiting(1);
    await client.query('COMMIT');
    client.release();
    expect((await registering).retention).toEqual({ rule: 'execution', days: 77 });
  });

  test('a change of the execution’s retention waits for a registration, and so finds the row that inherits it', async () => {
    const { executionId } = await records.register(newArtifact());
    const artifact = newArtifact({ executionId });
    const client = await pool.connect();
    await client.query('BEGIN');
    // Holds the registration up in the middle: its path may or may not be taken.
    await client.query(
      `INSERT INTO artifacts (execution_id, file_name, file_path, file_size) VALUES ($1, 'f', $2, 1)`,
      [executionId, artifact.key],
    );
    const registering = records.register(artifact);
    await untilWaiting(1);
    const changing = pool.query('UPDATE executions SET retention_days = 77 WHERE id = $1', [executionId]);
    await untilWaiting(2);
    await client.query('ROLLBACK');
    client.release();
    expect((await registering).retention).toEqual({ rule: 'default', days: 30 });
    await changing;
  });

  test('a deletion of the execution waits for a registration, and so has it', async () => {
    const { executionId } = await records.register(newArtifact());
    const artifact = newArtifact({ executionId });
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO artifacts (execution_id, file_name, file_path, file_size) VALUES ($1, 'f', $2, 1)`,
      [executionId, artifact.key],
    );
    const registering = records.register(artifact);
    await untilWaiting(1);
    const id = randomUUID();
    const beginning = records.beginExecutionDeletion({ executionId, id, runId: id, actor: 'agent', atMs: Date.now() });
    await untilWaiting(2);
    await client.query('ROLLBACK');
    client.release();
    await registering;
    const scope = await beginning;
    expect((await records.listUndeleted({ ...scope, afterOrdinal: 0, limit: 9 })).map((row) => row.id)).toContain(
      artifact.id,
    );
  });
});

describe('atomically', () => {
  test('a change whose event cannot be written leaves the row as it was', async () => {
    const { id } = await records.register(newArtifact());
    const change = changeOf(id, 1, { status: 'ACTIVE' });
    // 41 characters do not fit into artifact_events.kind.
    const kind = 'x'.repeat(41) as typeof change.event.kind;
    const failing = records.change({ ...change, event: { ...change.event, kind } });
    await expect(failing).rejects.toMatchObject({ code: 'invalid_request' });
    expect((await records.get(id))?.status).toBe('UPLOADING');
  });

  test('a row that cannot be changed leaves no event', async () => {
    const { id } = await records.register(newArtifact());
    await expect(records.change(changeOf(id, 1, { sizeBytes: 6 * 1024 ** 3 }))).rejects.toThrow('size_allowed');
    expect(await records.history(id)).toHaveLength(1);
    expect((await records.change(changeOf(id, 1, { sizeBytes: 5 }))).sizeBytes).toBe(5);
  });

  test('a value that no column takes is refused for good and leaves no execution behind', async () => {
    const artifact = newArtifact({ mimeType: `text/${'x'.repeat(200)}` });
    await expect(records.register(artifact)).rejects.toMatchObject({ code: 'invalid_request', retryable: false });
    expect(await records.getExecution(artifact.executionId)).toBeNull();
  });

  test('text that Postgres cannot keep is stored with replacement characters', async () => {
    const { id } = await records.register(newArtifact({ actor: 'nul\u0000' }));
    const retention = { rule: 'permanent', by: 'ann', reason: 'half \ud83d of a pair', atMs: 1 } as const;
    const { retention: kept } = await records.change(changeOf(id, 1, { retention }));
    expect(kept).toEqual({ ...retention, reason: 'half \ufffd of a pair' });
    expect((await records.history(id))[0]?.actor).toBe('nul\ufffd');
  });

  test('rows written by others keep their microseconds from page to page', async () => {
    const { executionId } = await records.register(newArtifact({ createdAtMs: 0 }));
    await pool.query(
      `INSERT INTO artifacts (execution_id, file_name, file_path, file_size, created_at)
       SELECT $1::uuid, 'f', 'artifacts/' || $1::uuid || '/output/' || n, 1, '2026-01-01T00:00:00.123000Z'::timestamptz + n * interval '1 microsecond'
       FROM generate_series(1, 9) AS n`,
      [executionId],
    );
    const paths: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = await records.list({ executionId, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      paths.push(...page.items.map(({ path }) => path));
      cursor = page.nextCursor;
    }
    expect(paths.slice(0, 9)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1].map((n) => `output/${n}`));
    expect(paths).toHaveLength(10);
  });
});

describe('when the database is away', () => {
  test('every call is database_unavailable, retryable, and tells no password', async () => {
    const away = createArtifactRecords(
      createPool(`postgresql://artifacts:secret-word@127.0.0.1:${await freePort()}/a`),
    );
    const id = randomUUID();
    const calls = [
      away.ping(),
      away.get(id),
      away.list({ executionId: id, limit: 1 }),
      away.search({ tenantId: 'a', executionIds: null, limit: 1 }),
      away.listUpcoming({ tenantId: 'a', executionIds: null, untilMs: 1, limit: 1 }),
      away.register(newArtifact()),
      away.change(changeOf(id, 1, {})),
      away.attachUpload(id, 'u'),
      away.history(id),
      away.findByPath(id, 'output/x'),
      away.getExecution(id),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      const error: unknown = outcome.status === 'rejected' ? outcome.reason : null;
      expect(error).toBeInstanceOf(ArtifactError);
      expect(error).toMatchObject({ code: 'database_unavailable', retryable: true });
      expect(String(error)).not.toContain('secret-word');
    }
    await away.close();
  });

  test('a server that accepts connections and says nothing is given up on after seconds', async () => {
    const silent = createServer((socket) => socket.resume());
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
    const waiting = createArtifactRecords(createPool(`postgresql://a:b@127.0.0.1:${port}/c`));
    const startedMs = Date.now();
    await expect(waiting.ping()).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(Date.now() - startedMs).toBeLessThan(30_000);
    await waiting.close();
    await new Promise((resolve) => silent.close(resolve));
  });

  test('a statement that takes too long is cancelled', async () => {
    const slow = createPool(database.databaseUrl, { statementTimeoutMs: 100 });
    const impatient = createArtifactRecords(slow);
    const { id } = await records.register(newArtifact());
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM artifacts WHERE id = $1 FOR UPDATE', [id]);
    await expect(impatient.change(changeOf(id, 1, {}))).rejects.toMatchObject({ code: 'database_unavailable' });
    await holder.query('ROLLBACK');
    holder.release();
    // On a busy machine 100 ms may be too short for any statement.
    const changed = () => impatient.change(changeOf(id, 1, { etag: 'now' })).then(({ etag }) => etag, String);
    await expect.poll(changed).toBe('now');
    await impatient.close();
  });

  test('killed connections are replaced: idle ones unnoticed, a busy one after one error', async () => {
    const idleErrors: Error[] = [];
    const hurt = createPool(database.databaseUrl, { max: 3, onIdleError: (error) => idleErrors.push(error) });
    const survivor = createArtifactRecords(hurt);
    const kill = (): Promise<unknown> =>
      pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_terminate_backend%'`,
      );
    await Promise.all([survivor.ping(), survivor.ping(), survivor.ping()]);
    await kill();
    await expect.poll(() => idleErrors.length).toBeGreaterThanOrEqual(1);
    await expect.poll(() => hurt.idleCount).toBe(0);
    await survivor.ping();

    const { id } = await records.register(newArtifact());
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 /* pg_terminate_backend spares it */ FROM artifacts WHERE id = $1 FOR UPDATE', [id]);
    const stuck = expect(survivor.change(changeOf(id, 1, {}))).rejects.toMatchObject({ code: 'database_unavailable' });
    await expect.poll(() => waitingForLocks(holder)).toBe(1);
    await kill();
    await stuck;
    await holder.query('ROLLBACK');
    holder.release();
    expect(await survivor.history(id)).toHaveLength(1);
    expect((await survivor.change(changeOf(id, 1, { etag: 'after' }))).etag).toBe('after');
    await survivor.close();
  });
});

/** Until so many statements wait for locks. */
const untilWaiting = (count: number): Promise<void> => expect.poll(() => waitingForLocks(pool)).toBe(count);

async function waitingForLocks(client: { query: Pool['query'] }): Promise<number> {
  const { rowCount } = await client.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
     /* pg_terminate_backend spares it */`,
  );
  return rowCount ?? 0;
}
