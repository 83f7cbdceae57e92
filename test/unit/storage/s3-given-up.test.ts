import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore, Revocable } from '../../../src/storage/object-store.js';
import { createS3ObjectStore } from '../../../src/storage/s3/index.js';
import { codeOf } from '../../contract/object-store/fixtures.js';

/*
 * A store that takes requests and never answers. What the adapter must not do then is to send a deletion again, by the SDK's own
 * retries, when whoever wanted it has decided otherwise.
 */

let server: Server;
let requests: IncomingMessage[];
let store: ObjectStore;
/** Statuses that are answered before the store falls silent. */
let answers: number[];
beforeEach(async () => {
  requests = [];
  answers = [];
  server = createServer((request, response) => {
    requests.push(request);
    request.resume();
    const status = answers.shift();
    if (status !== undefined) response.writeHead(status).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  store = createS3ObjectStore({
    bucket: 'artifacts',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
});
afterEach(() => {
  store.close();
  server.closeAllConnections();
  server.close();
});

const calls: [string, (options: Revocable) => Promise<unknown>][] = [
  ['deleteVersion', (options) => store.deleteVersion('a/b', 'v1', options)],
  ['addDeleteMarker', (options) => store.addDeleteMarker('a/b', options)],
  ['putTags', (options) => store.putTags({ key: 'a/b' }, { a: '1' }, options)],
];

describe.each(calls)('%s', (_, send) => {
  it('drops its request when it is given up, and sends no other', async () => {
    const gaveUp = new AbortController();
    const given = send({ signal: gaveUp.signal });
    await expect.poll(() => requests.length).toBe(1);
    const closed = once(requests[0]!.socket, 'close');
    const startedMs = Date.now();
    gaveUp.abort();
    expect(await codeOf(given)).toBe('aborted');
    await closed;
    // The SDK itself would wait for 20 seconds.
    expect(Date.now() - startedMs).toBeLessThan(15_000);
    expect(requests).toHaveLength(1);
  });

  it('does not send again what the store refused for now, once it is given up', async () => {
    answers = [503];
    const gaveUp = new AbortController();
    server.once('request', () => {
      gaveUp.abort();
    });
    expect(await codeOf(send({ signal: gaveUp.signal }))).toBe('aborted');
    // Longer than the SDK waits before it tries again.
    await sleep(1_500);
    expect(requests).toHaveLength(1);
  });

  it('sends nothing at all when it was given up before', async () => {
    expect(await codeOf(send({ signal: AbortSignal.abort() }))).toBe('aborted');
    expect(requests).toHaveLength(0);
  });
});
