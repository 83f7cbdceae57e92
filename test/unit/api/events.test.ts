import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { MIB_BYTES } from '../../../src/domain/units.js';
import { crc32Of } from '../../../src/transfer/crc32.js';
import { startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';

const PART_BYTES = 8 * MIB_BYTES;
const POLL_MS = 20;

interface Event {
  id: string;
  event: string;
  data: { artifact: { status: string }; receivedBytes: number; percent: number | null; reason?: string };
}

/** Listens until the stream ends; what has come so far is in `events`. */
interface Listening {
  status: number;
  headers: IncomingMessage['headers'];
  events: Event[];
  text: () => string;
  ended: Promise<void>;
  leave: () => void;
}

async function listenTo(api: TestApi, id: string, headers: Record<string, string> = {}): Promise<Listening> {
  const { port } = api.app.server.address() as AddressInfo;
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const authorization = headers['authorization'] ?? `Bearer ${await tokenFor()}`;
  const options = { headers: { ...headers, authorization }, agent: false, signal: stop.signal } as const;
  const request = get(`http://127.0.0.1:${port}/v1/artifacts/${id}/events`, options);
  request.on('error', () => undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  const events: Event[] = [];
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const piece of response.setEncoding('utf8') as AsyncIterable<string>) {
      text += piece;
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const lines = block.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^\w*: ?/, '')]);
        const { id = '', event = '', data } = Object.fromEntries(lines) as Partial<Record<string, string>>;
        if (data !== undefined) events.push({ id, event, data: JSON.parse(data) as Event['data'] });
      }
    }
  };
  const ended = read().catch(() => undefined);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    text: () => text,
    ended,
    leave: () => stop.abort(),
  };
}

async function listeningApi(deps: Parameters<typeof startTestApi>[0] = {}): Promise<TestApi> {
  const api = await startTestApi({ eventPollMs: POLL_MS, ...deps });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  return api;
}

/** An upload of two parts, of which nothing has arrived. */
async function anUpload(
  api: TestApi,
): Promise<{ id: string; sendPart: (number: number) => Promise<void>; complete: () => Promise<void> }> {
  const bytes = Buffer.alloc(PART_BYTES, 'x');
  const claim = { sizeBytes: 2 * PART_BYTES, sha256: 'a'.repeat(64) };
  const url = `/v1/executions/${randomUUID()}/artifacts`;
  const begun = await api.send({ method: 'POST', url, payload: { fileName: 'big.bin', ...claim } });
  const { id } = begun.json<{ artifact: { id: string } }>().artifact;
  return {
    id,
    sendPart: async (partNumber) => {
      const parts = [{ partNumber, sizeBytes: PART_BYTES, crc32: crc32Of(bytes) }];
      const signed = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/upload/parts`, payload: { parts } });
      const [part] = signed.json<{
        parts: { request: { method: 'PUT'; url: string; headers: Record<string, string>; expiresAt: string } }[];
      }>().parts;
      if (part === undefined) throw new Error(signed.body);
      await api.store.receive({ ...part.request, expiresAtMs: Date.parse(part.request.expiresAt) }, bytes);
    },
    complete: async () => {
      const done = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/upload/complete`, payload: claim });
      expect(done.statusCode).toBe(200);
    },
  };
}

describe('the events of an upload', () => {
  test('tell its state, its progress, and when it is ACTIVE; then they end', async () => {
    const api = await listeningApi();
    const upload = await anUpload(api);
    const listening = await listenTo(api, upload.id);
    expect(listening.headers['content-type']).toBe('text/event-stream');
    await eventually(() => expect(listening.events[0]).toMatchObject({ event: 'state', data: { percent: 0 } }));
    await upload.sendPart(1);
    await eventually(() =>
      expect(listening.events.at(-1)).toMatchObject({
        event: 'progress',
        data: { receivedBytes: PART_BYTES, percent: 50, parts: 1, partCount: 2, artifact: { status: 'UPLOADING' } },
      }),
    );
    await upload.sendPart(2);
    await upload.complete();
    await listening.ended;
    expect(listening.events.slice(-2)).toMatchObject([
      { event: 'state', data: { percent: 100, artifact: { status: 'ACTIVE' } } },
      { event: 'end', data: { reason: 'done' } },
    ]);
    expect(listening.text()).toMatch(/^retry: \d+\n\n/);
  });

  test('end when the upload is aborted', async () => {
    const api = await listeningApi();
    const upload = await anUpload(api);
    const listening = await listenTo(api, upload.id);
    await api.send({ method: 'POST', url: `/v1/artifacts/${upload.id}/upload/abort` });
    await listening.ended;
    expect(listening.events.slice(-2)).toMatchObject([
      { event: 'state', data: { artifact: { status: 'DELETED' } } },
      { event: 'end' },
    ]);
  });

  test('of what is over already are one, and with its id there is nothing to tell', async () => {
    const api = await listeningApi();
    const id = await api.upload({});
    const listening = await listenTo(api, id);
    await listening.ended;
    expect(listening.events).toMatchObject([{ event: 'state', data: { percent: 100 } }, { event: 'end' }]);
    const again = await listenTo(api, id, { 'last-event-id': listening.events[0]?.id ?? '' });
    expect(again.status).toBe(204);
  });

  test('come to many listeners by one look, which stops with the last of them', async () => {
    const api = await listeningApi();
    const upload = await anUpload(api);
    const [first, second] = await Promise.all([listenTo(api, upload.id), listenTo(api, upload.id)]);
    await eventually(() => expect(second.events.length + first.events.length).toBeGreaterThan(8));
    const looksBefore = api.store.calls.get('listParts') ?? 0;
    const toldBefore = first.events.length;
    await eventually(() => expect(first.events.length).toBeGreaterThan(toldBefore + 10));
    const looks = (api.store.calls.get('listParts') ?? 0) - looksBefore;
    expect(looks).toBeLessThan((first.events.length - toldBefore) * 1.5 + 2);
    first.leave();
    second.leave();
    let looksAfter = -1;
    await vi.waitFor(
      () => {
        const now = api.store.calls.get('listParts') ?? 0;
        const isStill = now === looksAfter;
        looksAfter = now;
        expect(isStill).toBe(true);
      },
      { interval: 5 * POLL_MS, timeout: 30_000 },
    );
  });

  test('go on after an outage of the store', async () => {
    const api = await listeningApi();
    const upload = await anUpload(api);
    const listening = await listenTo(api, upload.id);
    await eventually(() => expect(listening.events.length).toBeGreaterThan(0));
    api.store.outage = 'storage_unavailable';
    await eventually(() => expect(listening.text()).toContain('\n\n:\n\n'));
    api.store.outage = null;
    await upload.sendPart(1);
    await eventually(() => expect(listening.events.at(-1)?.data.receivedBytes).toBe(PART_BYTES));
  });

  test('end with the token', async () => {
    let nowMs = Date.now();
    const api = await listeningApi({ nowMs: () => nowMs });
    const upload = await anUpload(api);
    const listening = await listenTo(api, upload.id);
    await eventually(() => expect(listening.events.length).toBeGreaterThan(0));
    nowMs += 3_600_000;
    await listening.ended;
    expect(listening.events.at(-1)).toMatchObject({ event: 'end', data: { reason: 'token_expired' } });
  });

  test('end when the process is about to stop, and do not keep it', async () => {
    const api = await listeningApi();
    const upload = await anUpload(api);
    const listening = await listenTo(api, upload.id);
    await eventually(() => expect(listening.events.length).toBeGreaterThan(0));
    await api.app.close();
    await listening.ended;
    expect(listening.events.at(-1)).toMatchObject({ event: 'end', data: { reason: 'stopping' } });
  });

  test('have so many listeners and no more; whoever leaves makes room', async () => {
    const api = await listeningApi({ mostListeners: 1 });
    const upload = await anUpload(api);
    const first = await listenTo(api, upload.id);
    const second = await listenTo(api, upload.id);
    expect([second.status, second.headers['retry-after']]).toEqual([503, '2']);
    first.leave();
    await eventually(async () => expect((await listenTo(api, upload.id)).status).toBe(200));
  });

  test('who leaves during the first look makes room too', async () => {
    const api = await listeningApi({ mostListeners: 1 });
    const upload = await anUpload(api);
    const { port } = api.app.server.address() as AddressInfo;
    const headers = { authorization: `Bearer ${await tokenFor()}` };
    const looks = new EventEmitter();
    const listParts = api.store.listParts.bind(api.store);
    api.store.listParts = async (...args) => {
      looks.emit('begun');
      await once(looks, 'go on');
      api.store.listParts = listParts;
      return listParts(...args);
    };
    const connected = once(api.app.server, 'connection');
    const looked = once(looks, 'begun');
    const request = get(`http://127.0.0.1:${port}/v1/artifacts/${upload.id}/events`, { headers, agent: false });
    request.on('error', () => undefined);
    const [socket] = (await connected) as [Socket];
    await looked;
    const closed = once(socket, 'close');
    request.destroy();
    await closed;
    looks.emit('go on');
    await eventually(async () => expect((await listenTo(api, upload.id)).status).toBe(200));
  });

  test('of others do not exist', async () => {
    const api = await listeningApi();
    const upload = await anUpload(api);
    const authorization = `Bearer ${await tokenFor({ tenant: 'other' })}`;
    expect((await listenTo(api, upload.id, { authorization })).status).toBe(404);
  });
});
