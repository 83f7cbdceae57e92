import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inject, onTestFinished } from 'vitest';
import { freePort } from '../../src/dev/servers/ports.js';
import { createLocalBucket } from '../../src/storage/bucket/create-local-bucket.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Variables of an API over a database and a bucket of its own, and no Temporal: nobody listens at its address. Whoever asks drops the database.
 * @param secret signs its tokens.
 */
export async function apiEnvironment(secret: string): Promise<{ env: Record<string, string>; database: TestDatabase }> {
  const database = await createTestDatabase(inject('databaseUrl'));
  const { endpoint, accessKey, secretKey } = inject('versitygw');
  const bucket = `api-${randomUUID()}`;
  await createLocalBucket({ endpoint, bucket, accessKeyId: accessKey, secretAccessKey: secretKey });
  const env = {
    API_PORT: '0',
    AUTH_JWT_SECRET: secret,
    DATABASE_URL: database.databaseUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
  };
  return { env, database };
}

/** The API in a process of its own. */
export interface ApiProcess {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
  ended: Promise<number | null>;
}

/** Starts it with these variables alone; ends with the test. */
export function launchApi(env: Record<string, string>, overrides: Record<string, string> = {}): ApiProcess {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/api/server.ts'], {
    cwd: packageRoot,
    env: { PATH, NODE_NO_WARNINGS: '1', ...env, ...overrides },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output, ended };
}

/** Where it listens. @throws with what it said when it ends instead. */
export async function urlOf({ output, child }: ApiProcess): Promise<string> {
  while (child.exitCode === null) {
    const url = /^api: listening on (http:\S+)$/m.exec(output.stdout)?.[1];
    if (url !== undefined) return url;
    await sleep(50);
  }
  throw new Error(`The server has ended:\n${output.stdout}${output.stderr}`);
}
