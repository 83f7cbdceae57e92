import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { publicLookup, type Resolve } from '../../../src/webhooks/guarded-lookup.js';
import { createWebhookSender, type WebhookSenderOptions } from '../../../src/webhooks/http-webhook-sender.js';

const KEY = Buffer.alloc(32, 7);
const MESSAGE = { id: 'artifact_1', body: '{"type":"artifact.deleted","data":{"path":"output/보고서.txt"}}' };

interface Receiver {
  url: string;
  port: number;
  received: { method: string | undefined; path: string | undefined; headers: IncomingHttpHeaders; body: string }[];
  /** Also those that sent nothing. */
  connections: () => number;
}

async function receiver(answer: RequestListener = (_, response) => response.end()): Promise<Receiver> {
  const received: Receiver['received'] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const { method, url: path, headers } = request;
        received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
        answer(request, response);
      });
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hooks?token=s3cret`, port, received, connections: () => connections };
}

const send = (url: string, options: Partial<WebhookSenderOptions> = {}) => {
  const sender = createWebhookSender({ urls: [url], keys: [KEY], allowPrivate: true, ...options });
  return sender.send(sender.receivers[0] ?? '', MESSAGE);
};

/** A name server of one's own. */
const namesAre =
  (...addresses: string[]): Resolve =>
  (_, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

describe('a message', () => {
  it('arrives as it was signed', async () => {
    const { url, received } = await receiver();
    expect(await send(url)).toEqual({ status: 200, retryAfterMs: null });
    const [{ method, path, headers, body } = { headers: {} as IncomingHttpHeaders, body: '' }] = received;
    expect({ method, path, body }).toEqual({ method: 'POST', path: '/hooks?token=s3cret', body: MESSAGE.body });
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': 'artifact_1' });
    const sentAt = String(headers['webhook-timestamp']);
    expect(Math.abs(Number(sentAt) - Date.now() / 1_000)).toBeLessThan(60);
    const expected = createHmac('sha256', KEY).update(`artifact_1.${sentAt}.${MESSAGE.body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${expected}`);
  });

  it('that is redirected goes nowhere else', async () => {
    const other = await receiver();
    const { url } = await receiver((_, response) => response.writeHead(307, { location: other.url }).end());
    expect(await send(url)).toMatchObject({ status: 307 });
    expect(other.connections()).toBe(0);
  });

  it.each([
    ['90', 90_000, 90_000],
    [new Date(Date.now() + 60_000).toUTCString(), 50_000, 60_000],
  ])('answered with Retry-After: %s says for how long', async (value, atLeast, atMost) => {
    const { url } = await receiver((_, response) => response.writeHead(503, { 'retry-after': value }).end());
    const { status, retryAfterMs } = await send(url);
    expect(status).toBe(503);
    expect(retryAfterMs).toBeGreaterThanOrEqual(atLeast);
    expect(retryAfterMs).toBeLessThanOrEqual(atMost);
  });

  it.each(['soon', '0', '-5'])('answered with Retry-After: %s asks for nothing', async (value) => {
    const { url } = await receiver((_, response) => response.writeHead(503, { 'retry-after': value }).end());
    expect(await send(url)).toEqual({ status: 503, retryAfterMs: null });
  });

  it('whose answer never ends is accepted, and the answer cut off', async () => {
    let isCut = false;
    const { url } = await receiver((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(Buffer.alloc(1_024)), 1);
      response.on('close', () => {
        isCut = true;
        clearInterval(timer);
      });
    });
    expect(await send(url)).toMatchObject({ status: 200 });
    await expect.poll(() => isCut).toBe(true);
  });

  it('that is not answered in time is not accepted, and the reason holds nothing of the URL but its host', async () => {
    const { url, port } = await receiver(() => undefined);
    const failure = await send(url, { timeoutMs: 100 }).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'webhook_not_accepted' });
    expect((failure as Error).message).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:${port}#[0-9a-f]{8}: no answer within 0.1 s$`),
    );
  });

  it('that nobody takes is not accepted', async () => {
    const { url } = await receiver();
    const gone = url.replace(/:\d+/, ':1');
    await expect(send(gone)).rejects.toMatchObject({
      code: 'webhook_not_accepted',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });
});

describe('a receiver', () => {
  it('is known by its host and not by its secret', () => {
    const urls = ['https://hooks.example.com/a?token=s3cret', 'https://hooks.example.com/b'];
    const { receivers } = createWebhookSender({ urls, keys: [KEY], allowPrivate: false });
    expect(receivers).toHaveLength(2);
    expect(new Set(receivers).size).toBe(2);
    for (const name of receivers) expect(name).toMatch(/^hooks\.example\.com#[0-9a-f]{8}$/);
  });
});

describe('an address that is not public', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    'localhost',
  ])('is not called as %s', async (host) => {
    const { port, connections } = await receiver();
    await expect(send(`http://${host}:${port}/`, { allowPrivate: false })).rejects.toMatchObject({
      code: 'webhook_address_refused',
      retryable: false,
    });
    expect(connections()).toBe(0);
  });

  it.each([
    ['127.0.0.1'],
    ['::ffff:127.0.0.1'],
    ['93.184.215.14', '127.0.0.1'],
    ['127.0.0.1', '93.184.215.14'],
    ['2606:4700::1111', 'fd00::1'],
  ])('is not called by a name either: %s %s', async (...addresses) => {
    const { port, connections } = await receiver();
    const url = `http://innocent.example:${port}/`;
    await expect(send(url, { allowPrivate: false, resolve: namesAre(...addresses) })).rejects.toMatchObject({
      code: 'webhook_address_refused',
    });
    expect(connections()).toBe(0);
  });

  it('is not called by a name that changes its address after a look at it: what was looked at is what is connected to', async () => {
    const looks: string[][] = [];
    const rebinding: Resolve = (hostname, callback) => {
      looks.push(looks.length === 0 ? ['93.184.215.14'] : ['127.0.0.1']);
      namesAre(...(looks.at(-1) ?? []))(hostname, callback);
    };
    const lookup = publicLookup(rebinding);
    const connectedTo = (all: boolean) =>
      new Promise((resolve, reject) =>
        lookup('rebound.example', { all }, (error, address) => (error ? reject(error) : resolve(address))),
      );
    expect(await connectedTo(true)).toEqual([{ address: '93.184.215.14', family: 4 }]);
    expect(looks).toHaveLength(1);
    await expect(connectedTo(true)).rejects.toMatchObject({ code: 'webhook_address_refused' });
    looks.length = 0;
    expect(await connectedTo(false)).toBe('93.184.215.14');

    const { port, connections } = await receiver();
    const url = `http://rebound.example:${port}/`;
    await expect(send(url, { allowPrivate: false, resolve: rebinding })).rejects.toMatchObject({
      code: 'webhook_address_refused',
    });
    expect(looks).toHaveLength(2);
    expect(connections()).toBe(0);
  });

  it('is called when that is allowed', async () => {
    const { port, received } = await receiver();
    expect(await send(`http://localhost:${port}/`)).toMatchObject({ status: 200 });
    expect(received).toHaveLength(1);
  });

  it('is nothing that a name without any address has', async () => {
    const resolve: Resolve = (_, callback) => callback(new Error('getaddrinfo ENOTFOUND nowhere.example'), []);
    await expect(send('http://nowhere.example/', { allowPrivate: false, resolve })).rejects.toMatchObject({
      code: 'webhook_not_accepted',
    });
  });
});
