import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import { runArtifacts, type CliResult } from '../support/cli.js';

const FOREIGN = `<Rule><ID>tidy logs</ID><Filter><And><Prefix>logs/</Prefix><Tag><Key>team</Key><Value>blue &amp; green</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule>`;
const ROLE = 'arn:aws:iam::123456789012:role/artifacts-worker';

interface Bucket {
  name: string;
  /** The command line, as an operator runs it. */
  artifacts: (...args: string[]) => Promise<CliResult>;
}

async function newBucket(server: { endpoint: string; accessKey: string; secretKey: string }): Promise<Bucket> {
  const name = `apply-${randomUUID()}`;
  const credentials = { accessKeyId: server.accessKey, secretAccessKey: server.secretKey };
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  client.destroy();
  const env = {
    ...{ S3_ENDPOINT: server.endpoint, S3_BUCKET: name, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    ...{ AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey },
  };
  return { name, artifacts: (...args) => runArtifacts(['bucket', ...args], { cwd: '/', env }) };
}

interface Report {
  findings: { part: string; name: string; state: string; outcome?: string }[];
  proofs?: { object: string; outcome: string }[];
}
const reportOf = ({ out }: CliResult): Report => JSON.parse(out) as Report;

describe('artifacts bucket on moto', () => {
  const motoBucket = (): Promise<Bucket> =>
    newBucket({ endpoint: inject('moto').endpoint, accessKey: 'any', secretKey: 'any' });
  /** As it stands in the store: moto checks no signatures, so anybody may ask. */
  const lifecycleUrl = ({ name }: Bucket): string => `${inject('moto').endpoint}/${name}?lifecycle`;
  const storedRules = async (bucket: Bucket): Promise<string[]> => {
    const text = await (await fetch(lifecycleUrl(bucket))).text();
    return [...text.matchAll(/<Rule>.*?<\/Rule>/gs)].map(([rule]) => rule.replaceAll(/>\s+</g, '><'));
  };

  it('apply changes what plan shows and check misses; the second one changes nothing, and a foreign rule is there to the byte', async () => {
    const bucket = await motoBucket();
    const body = `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${FOREIGN}</LifecycleConfiguration>`;
    expect((await fetch(lifecycleUrl(bucket), { method: 'PUT', body })).status).toBe(200);
    const [foreign] = await storedRules(bucket);
    expect(foreign).toContain('<Value>blue &amp; green</Value>');

    const planned = await bucket.artifacts('plan', '--json', '--role', `worker=${ROLE}`);
    expect(planned.code).toBe(0);
    const missing = reportOf(planned).findings.filter(({ state }) => state === 'missing');
    expect(missing).toHaveLength(11);
    expect(await storedRules(bucket)).toEqual([foreign]);
    expect((await bucket.artifacts('check')).code).toBe(6);

    const first = await bucket.artifacts('apply', '--json', '--role', `worker=${ROLE}`);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(reportOf(first).findings.filter(({ outcome }) => outcome === 'added')).toHaveLength(11);
    const rules = await storedRules(bucket);
    expect(rules[0]).toBe(foreign);
    expect(rules).toHaveLength(7);

    const second = await bucket.artifacts('apply', '--json', '--role', `worker=${ROLE}`);
    expect(second.code).toBe(0);
    expect(reportOf(second).findings.filter(({ outcome }) => outcome !== undefined)).toEqual([]);
    expect(await storedRules(bucket)).toEqual(rules);
    expect((await bucket.artifacts('check')).code).toBe(0);
  });

  it('leaves a foreign rule that may delete artifacts, tells it, and fails', async () => {
    const bucket = await motoBucket();
    const rule = `<Rule><ID>mine</ID><Filter><And><Prefix>artifacts/</Prefix><Tag><Key>team</Key><Value>blue</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>`;
    await fetch(lifecycleUrl(bucket), {
      method: 'PUT',
      body: `<LifecycleConfiguration>${rule}</LifecycleConfiguration>`,
    });
    const applied = await bucket.artifacts('apply');
    expect(applied.code).toBe(6);
    expect(applied.out).toMatch(/mine +! FOREIGN/);
    expect(applied.out).toContain('may delete artifacts that are permanent, held or live longer');
    expect((await storedRules(bucket))[0]).toContain('<ID>mine</ID>');
  });
});

describe('artifacts bucket on versitygw', () => {
  it('applies what the store knows, and says what it does not', async () => {
    const bucket = await newBucket(inject('versitygw'));
    const applied = await bucket.artifacts('apply', '--cors-origin', 'https://app.example');
    expect(applied).toMatchObject({ code: 0, err: '' });
    for (const line of [/publicAccess +all +not supported/, /lifecycle +all +not supported/, /versioning +\+ added/])
      expect(applied.out).toMatch(line);
    expect(applied.out).toMatch(/direct-upload +\+ added/);
    const second = await bucket.artifacts('apply', '--cors-origin', 'https://app.example');
    expect(second.out).toContain('Nothing to change.');
    expect((await bucket.artifacts('check', '--cors-origin', 'https://app.example')).code).toBe(0);
    expect((await bucket.artifacts('check', '--cors-origin', 'https://other.example')).code).toBe(6);
  });

  it('goes on when the store refuses one part, and fails', async () => {
    const bucket = await newBucket(inject('versitygw'));
    const applied = await bucket.artifacts('apply', '--role', `worker=${ROLE}`);
    expect(applied.code).toBe(6);
    expect(applied.out).toMatch(/policy +DurableArtifactsWorker +! REFUSED/);
    expect(applied.out).toMatch(/versioning +\+ added/);
  });

  it('never makes a bucket, and says who has to', async () => {
    const server = inject('versitygw');
    const env = {
      S3_ENDPOINT: server.endpoint,
      S3_BUCKET: `absent-${randomUUID()}`,
      AWS_ACCESS_KEY_ID: server.accessKey,
    };
    const answer = await runArtifacts(['bucket', 'apply'], {
      cwd: '/',
      env: { ...env, AWS_SECRET_ACCESS_KEY: server.secretKey },
    });
    expect(answer.code).toBe(5);
    expect(answer.err).toContain('An operator must create the bucket or correct S3_BUCKET.');
  });
});
