import { tmpdir } from 'node:os';
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../src/dev/servers/ports.js';
import { packageVersion } from '../../../src/package.js';
import { runArtifacts } from '../../support/cli.js';
import { checksOf, complaintsOf, examine, find, openSilentPort, workerEnv } from '../../support/doctor.js';
import { s3ClientOf, startTestStack, type TestStack } from '../../support/stack.js';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

const env = (more: Record<string, string> = {}): Record<string, string> => ({ ...workerEnv(stack), ...more });

/** Keys below the prefix of the probe that have a version or a marker, and unfinished uploads. */
async function leftInBucket(): Promise<string[]> {
  const client = s3ClientOf(stack.store);
  const page = await client.send(
    new ListObjectVersionsCommand({ Bucket: stack.store.bucket, Prefix: 'artifacts-probe/' }),
  );
  client.destroy();
  return [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key }) => Key ?? '');
}

/** What versitygw does not have, and what nobody has made in this stack. */
const KNOWN = ['store storage classes: degraded', 'store lifecycle rules: degraded'];
/** Whether a reconciliation was made, and how fast the store of this machine answers, is not what is looked at here. */
const ASIDE = ['temporal reconcile', 'store write and read: degraded'];
const othersOf = (report: Parameters<typeof complaintsOf>[0]): string[] =>
  complaintsOf(report).filter((complaint) => !ASIDE.some((aside) => complaint.startsWith(aside)));

describe('the doctor of a stack that is well', () => {
  test('finds nothing but what the store does not have, and leaves nothing behind', async () => {
    const asked: string[] = [];
    const report = await examine({
      ...{ env: env(), apiUrl: stack.apiUrl },
      onProgress: ({ running }) => asked.push(...running.map(({ area, check }) => `${area} ${check}`)),
    });
    expect(othersOf(report)).toEqual(KNOWN);
    expect(report.status).toBe('degraded');
    expect(asked).toContain('store expiry of URLs');
    expect(await leftInBucket()).toEqual([]);
    const skipped = report.areas.flatMap(({ checks }) => checks).filter(({ status }) => status === 'skipped');
    expect(skipped.map(({ check }) => check)).toEqual(['tokens', 'restore', 'CORS', 'upload hosts']);
    expect(find(checksOf(report, 'temporal'), 'queue artifact-lifecycle').fact).toMatch(/^1 worker: \d+@/);
    expect(find(checksOf(report, 'api'), 'build').fact).toBe(`${packageVersion()}, as the workers`);
    expect(find(checksOf(report, 'database'), 'schema').fact).toMatch(/^\d+ migrations, up to 00/);
  });

  test('says no secret', async () => {
    const url = new URL(stack.databaseUrl);
    const own = env({ AWS_SECRET_ACCESS_KEY: 'a-secret-that-is-wrong' });
    url.password = 'a-password-that-is-wrong';
    for (const databaseUrl of [stack.databaseUrl, url.href]) {
      const text = JSON.stringify(await examine({ env: { ...own, DATABASE_URL: databaseUrl } }));
      expect(text).not.toContain('a-secret-that-is-wrong');
      expect(text).not.toContain('a-password-that-is-wrong');
      expect(text).not.toContain('X-Amz-Signature');
      expect(text).not.toMatch(/:\/\/[^/\s"]*:[^/\s"]*@/);
    }
  });

  test('removes what it has written when it is interrupted', async () => {
    const user = new AbortController();
    const report = await examine({
      ...{ env: env(), signal: user.signal },
      onProgress: ({ running }) => {
        if (running.some(({ check }) => check === 'expiry of URLs')) user.abort();
      },
    });
    expect(user.signal.aborted).toBe(true);
    expect(find(checksOf(report, 'store'), 'forged URLs')).toMatchObject({ status: 'skipped' });
    expect(find(checksOf(report, 'store'), 'left behind')).toMatchObject({ status: 'ok' });
    expect(await leftInBucket()).toEqual([]);
  });
});

describe('the doctor of a stack that is not', () => {
  test('names what refuses: keys, password, namespace and a host without a worker', async () => {
    const url = new URL(stack.databaseUrl);
    url.pathname = '/none';
    const report = await examine({
      env: env({ AWS_SECRET_ACCESS_KEY: 'wrong', DATABASE_URL: url.href, TEMPORAL_NAMESPACE: 'none' }),
      apiUrl: stack.store.endpoint,
    });
    expect(report.status).toBe('failed');
    expect(find(checksOf(report, 'store'), 'bucket').fact).toContain('refuses these credentials');
    expect(find(checksOf(report, 'database'), 'connection').fact).toBe('there is no database of this name');
    expect(find(checksOf(report, 'temporal'), 'namespace').fact).toBe('there is no namespace of this name');
    expect(find(checksOf(report, 'api'), 'alive').fact).toContain('something else answers');
    expect(
      checksOf(report, 'store')
        .slice(1, -1)
        .map(({ status }) => status),
    ).not.toContain('ok');
  });

  test.each([
    ['nothing listens', (): Promise<Ports> => closedPorts()],
    ['nothing is ever said', (): Promise<Ports> => silentPorts()],
  ])('ends in seconds when %s at the addresses, and finds each of them', async (_what, open) => {
    const { port, close } = await open();
    const address = `127.0.0.1:${port}`;
    const sinceMs = performance.now();
    const report = await examine({
      env: env({
        S3_ENDPOINT: `http://${address}`,
        DATABASE_URL: `postgresql://a:b@${address}/c`,
        TEMPORAL_ADDRESS: address,
      }),
      apiUrl: `http://${address}`,
    });
    await close();
    // Each check has 15 seconds; a connection that nobody answers is given up by the system after minutes.
    expect(performance.now() - sinceMs).toBeLessThan(90_000);
    expect(complaintsOf(report)).toEqual([
      ...['store bucket: failed', 'database connection: failed', 'temporal server: failed', 'api alive: failed'],
    ]);
    for (const { checks } of report.areas)
      for (const check of checks)
        if (check.status === 'failed') expect([check.effect, check.remedy]).not.toContain(undefined);
  });

  test('tells of one dependency that is away, and examines the others', async () => {
    const report = await examine({ env: env({ S3_BUCKET: 'none-of-this-name' }) });
    expect(othersOf(report)).toEqual(['store bucket: failed']);
    expect(find(checksOf(report, 'store'), 'bucket').remedy).toContain('Create it');
  });

  test('says which variables are wrong, and still asks the API', async () => {
    const report = await examine({ env: env({ UNDELETE_DAYS: 'seven' }), apiUrl: stack.apiUrl });
    expect(complaintsOf(report)).toEqual(['configuration values: failed']);
    expect(find(checksOf(report, 'configuration'), 'values').fact).toContain('UNDELETE_DAYS');
    expect(find(checksOf(report, 'api'), 'ready').status).toBe('ok');
  });
});

describe('artifacts doctor', () => {
  const run = (args: string[], more: Record<string, string> = {}) =>
    runArtifacts(['doctor', ...args], { cwd: tmpdir(), env: { ...env(more), ARTIFACTS_URL: stack.apiUrl } });

  test('exits with 0 when something is degraded, and with 1 when that is not allowed', async () => {
    const [lenient, strict] = await Promise.all([run([]), run(['--strict', '--json', '--host', 'nobody'])]);
    expect(lenient.code).toBe(0);
    for (const line of lenient.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(lenient.out).toContain('  degraded  storage classes');
    expect(lenient.out).not.toContain('\u001b');
    expect(strict.code).toBe(1);
    expect(strict.err).toContain('--strict');
    const report = JSON.parse(strict.out) as Awaited<ReturnType<typeof examine>>;
    expect(find(checksOf(report, 'temporal'), 'queue artifact-upload.nobody')).toMatchObject({
      status: 'degraded',
      fact: 'no worker asks for work',
      remedy: 'Run on the host: artifacts worker --upload --host nobody',
    });
  });

  test('exits with 1 when something failed, and says so', async () => {
    const { code, out, err } = await run([], { S3_BUCKET: 'none-of-this-name' });
    expect(code).toBe(1);
    expect(out).toContain('there is no bucket of this name');
    expect(err).toContain('1 check failed.');
  });
});

interface Ports {
  port: number;
  close: () => Promise<void>;
}

const closedPorts = async (): Promise<Ports> => ({ port: await freePort(), close: () => Promise.resolve() });
const silentPorts = (): Promise<Ports> => openSilentPort();
