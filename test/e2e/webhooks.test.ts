import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Artifact, ArtifactClient } from '../../src/sdk/index.js';
import { aFile, clientOf } from '../support/e2e.js';
import { startReceiver, type ReceivedWebhook, type Receiver } from '../support/receiver.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const WAIT = { interval: 100 };

type IsGenuine = (secret: string, headers: Record<string, string>, body: Uint8Array) => boolean;

/** The check that the documentation gives to receivers, as printed there. */
async function documentedCheck(): Promise<IsGenuine> {
  const page = await readFile(fileURLToPath(new URL('../../docs/operators.md', import.meta.url)), 'utf8');
  const [, code = ''] = /<!-- signature check -->\s+```js\n([\s\S]*?)```/.exec(page) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'durable-artifacts-webhooks-'));
  try {
    await writeFile(join(folder, 'check.mjs'), code);
    const module = (await import(pathToFileURL(join(folder, 'check.mjs')).href)) as { isGenuine: IsGenuine };
    return module.isGenuine;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const of = (receiver: Receiver, { id }: Artifact): ReceivedWebhook[] =>
  receiver.received.filter(({ message }) => message.data.artifactId === id);
const accepted = (receiver: Receiver, artifact: Artifact): ReceivedWebhook[] =>
  of(receiver, artifact).filter(({ status }) => status === 200);
const onceEach = (webhooks: ReceivedWebhook[]): ReceivedWebhook[] =>
  [...new Map(webhooks.toReversed().map((webhook) => [webhook.headers['webhook-id'], webhook])).values()].toReversed();
const typesOf = (webhooks: ReceivedWebhook[]): string[] => webhooks.map(({ message }) => message.type);

/** Everything in a history that is payload. */
function bytesIn(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(bytesIn) : [];
}

const LIFE = ['artifact.upload_completed', 'artifact.retention_changed', 'artifact.deleted'];

/** Uploaded, kept for ever, deleted. */
async function live(client: ArtifactClient): Promise<Artifact> {
  const artifact = await client.uploadArtifact(randomUUID(), aFile(10).bytes, { fileName: 'life.txt' });
  await client.keepForever(artifact.id, 'evidence');
  await client.deleteArtifact(artifact.id);
  return artifact;
}

describe('webhooks', () => {
  let stack: TestStack;
  let client: ArtifactClient;
  let one: Receiver;
  let two: Receiver;
  beforeAll(async () => {
    [one, two] = await Promise.all([startReceiver(), startReceiver()]);
    stack = await startTestStack({
      env: {
        WEBHOOK_URLS: `${one.url}?token=s3cret, ${two.url}`,
        WEBHOOK_SECRET: SECRET,
        WEBHOOK_ALLOW_PRIVATE: 'true',
      },
    });
    client = clientOf(stack, await stack.token());
  });
  afterAll(async () => {
    client.close();
    await stack.stop();
    await Promise.all([one.close(), two.close()]);
  });

  it('tell of a life, in order, genuine, and with what its history says', async () => {
    const isGenuine = await documentedCheck();
    const artifact = await live(client);
    await expect.poll(() => [one, two].map((receiver) => accepted(receiver, artifact).length), WAIT).toEqual([3, 3]);
    const history = (await client.history(artifact.id)).filter(({ kind }) => LIFE.includes(`artifact.${kind}`));
    for (const receiver of [one, two]) {
      const webhooks = accepted(receiver, artifact);
      expect(typesOf(webhooks)).toEqual(LIFE);
      expect(webhooks.map(({ headers, body }) => isGenuine(SECRET, headers, body))).toEqual([true, true, true]);
      expect(webhooks.map(({ message }) => message.data.detail)).toEqual(history.map(({ detail }) => detail));
      expect(webhooks.map(({ message }) => message.data.status)).toEqual(['ACTIVE', 'ACTIVE', 'DELETED']);
      const [first] = webhooks;
      if (first === undefined) throw new Error('nothing came');
      expect(isGenuine(SECRET, first.headers, Buffer.concat([first.body, Buffer.from(' ')]))).toBe(false);
      expect(isGenuine(`whsec_${Buffer.alloc(32, 8).toString('base64')}`, first.headers, first.body)).toBe(false);
      const old = { ...first.headers, 'webhook-timestamp': '1614265330' };
      expect(isGenuine(SECRET, old, first.body)).toBe(false);
      expect(JSON.stringify(webhooks.map(({ message }) => message))).not.toMatch(/X-Amz-|s3cret/);
    }
  });

  it('that are not accepted are sent again, each accepted once and in order, while the other receiver waits for nothing', async () => {
    const failed = new Set<string>();
    one.answerWith(({ data: { artifactId, changeNumber } }) => {
      const id = `${artifactId} ${changeNumber}`;
      if (failed.has(id)) return 200;
      failed.add(id);
      return 500;
    });
    const artifact = await live(client);
    await expect.poll(() => typesOf(accepted(one, artifact)), WAIT).toEqual(LIFE);
    one.answerWith(() => 200);
    expect(of(one, artifact).map(({ status }) => status)).toEqual([500, 200, 500, 200, 500, 200]);
    const ids = of(one, artifact).map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(3);
    await expect.poll(() => typesOf(of(two, artifact)), WAIT).toEqual(LIFE);
  });

  it('survive a worker that is killed while a receiver is away', async () => {
    two.answerWith(() => 503);
    const artifact = await live(client);
    await expect.poll(() => of(two, artifact).length, WAIT).toBeGreaterThan(0);
    await stack.kill9Worker();
    two.answerWith(() => 200);
    await stack.startWorker();
    // The worker may have been killed after a receiver had accepted and before that was recorded: then it is told again, under the same id.
    for (const receiver of [two, one])
      await expect.poll(() => typesOf(onceEach(accepted(receiver, artifact))), WAIT).toEqual(LIFE);
  });

  it('end green when all is delivered, and the URL with its secret is nowhere in Temporal', async () => {
    const artifact = await live(client);
    await expect.poll(() => [one, two].map((receiver) => accepted(receiver, artifact).length), WAIT).toEqual([3, 3]);
    const connection = await Connection.connect({ address: stack.temporalAddress });
    try {
      const temporal = new Client({ connection, namespace: stack.namespace });
      const handle = temporal.workflow.getHandle(`${artifact.workflowId}/webhooks`);
      await expect.poll(async () => (await handle.describe()).status.name, WAIT).toBe('COMPLETED');
      const { events } = await handle.fetchHistory();
      const payloads = Buffer.concat(bytesIn(events)).toString();
      expect(payloads).toContain(`${new URL(one.url).host}#`);
      expect(payloads).not.toContain('s3cret');
    } finally {
      await connection.close();
    }
  });
});

describe('webhooks that may not go to private addresses', () => {
  let stack: TestStack;
  let client: ArtifactClient;
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    const { port } = new URL(receiver.url);
    const urls = [`https://127.0.0.1:${port}`, `https://localhost:${port}`, `https://[::ffff:127.0.0.1]:${port}`];
    stack = await startTestStack({ env: { WEBHOOK_URLS: urls.join(','), WEBHOOK_SECRET: SECRET } });
    client = clientOf(stack, await stack.token());
  });
  afterAll(async () => {
    client.close();
    await stack.stop();
    await receiver.close();
  });

  it('do not reach loopback, end red and say why, and delay nobody', async () => {
    const artifact = await client.uploadArtifact(randomUUID(), aFile(10).bytes, { fileName: 'quiet.txt' });
    expect(artifact.status).toBe('ACTIVE');
    const connection = await Connection.connect({ address: stack.temporalAddress });
    try {
      const temporal = new Client({ connection, namespace: stack.namespace });
      const handle = temporal.workflow.getHandle(`${artifact.workflowId}/webhooks`);
      await expect(handle.result()).rejects.toMatchObject({
        cause: {
          type: 'WebhookGivenUp',
          details: [
            {
              givenUp: Array.from(
                { length: 3 },
                () => expect.objectContaining({ code: 'webhook_address_refused' }) as object,
              ),
            },
          ],
        },
      });
      await expect(handle.result()).rejects.toMatchObject({
        cause: { message: expect.stringContaining('which is not a public address') as string },
      });
    } finally {
      await connection.close();
    }
    expect(receiver.connections()).toBe(0);
  });
});
