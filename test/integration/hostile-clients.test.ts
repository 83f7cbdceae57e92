import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { MIB_BYTES } from '../../src/domain/units.js';
import { apiConfig } from '../support/api.js';
import { startStoredApi, type StoredApi } from '../support/stored-api.js';

const CLIENTS = 10_000;
const AT_ONCE = 400;
/** Clients of a wave behave badly for so long, then they go. */
const WAVE_MS = 100;
const FILE_BYTES = 4 * MIB_BYTES;
/** Rows of uploads that were begun, and what the runtime keeps: 10,000 forgotten answers would be more. */
const NOISE_BYTES = 64 * MIB_BYTES;

/** What a client sends, and how it takes the answer. */
interface Manner {
  request: (world: { id: string; token: string }) => string;
  /** Reads all it gets; otherwise nothing, so that the API is left with full buffers. */
  reads: boolean;
  /** How it goes: without a word (RST), or with one (FIN) while it reads no more. */
  leaves: 'reset' | 'end';
}

const get = (id: string, token: string, more = ''): string =>
  `GET /v1/artifacts/${id}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${more}\r\n`;

const MANNERS: Record<string, Manner> = {
  'leaves in the middle of the body': { request: ({ id, token }) => get(id, token), reads: true, leaves: 'reset' },
  'asks and reads nothing': { request: ({ id, token }) => get(id, token), reads: false, leaves: 'reset' },
  'asks for a part, says good-bye and reads nothing': {
    request: ({ id, token }) => get(id, token, 'range: bytes=1000-3000000\r\n'),
    reads: false,
    leaves: 'end',
  },
  'leaves before it has asked': {
    request: ({ id, token }) => get(id, token).slice(0, -10),
    reads: true,
    leaves: 'reset',
  },
  'sends one letter': { request: () => 'G', reads: true, leaves: 'end' },
  'stops in the middle of an upload': {
    request: ({ token }) =>
      `PUT /v1/executions/${randomUUID()}/files/output/a.bin HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
      `content-type: text/plain\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(50_000)}`,
    reads: true,
    leaves: 'reset',
  },
  'stops in the middle of a JSON body': {
    request: ({ token }) =>
      `POST /v1/executions/${randomUUID()}/artifacts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
      `content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"fileName":`,
    reads: true,
    leaves: 'end',
  },
  'asks many things at once and waits for no answer': {
    request: ({ id, token }) => get(id, token, 'range: bytes=0-9\r\n').repeat(5),
    reads: false,
    leaves: 'reset',
  },
};

async function misbehave(port: number, manner: Manner, world: { id: string; token: string }): Promise<void> {
  const socket: Socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  if (manner.reads) socket.resume();
  socket.write(manner.request(world));
  await sleep(WAVE_MS);
  if (manner.leaves === 'end') {
    socket.end();
    await sleep(WAVE_MS / 2);
    socket.destroy();
  } else socket.resetAndDestroy();
  await closed;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is really held: heap and buffers, once garbage is gone. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** File descriptors of this process: the API, its sockets to the store and these clients are all in it. */
const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

/** The API on a store that knows which of its streams are still open. */
async function startWatchedApi(): Promise<{ api: StoredApi; streams: Set<Readable>; opened: () => number }> {
  const streams = new Set<Readable>();
  let opened = 0;
  const api = await startStoredApi({
    config: { ...apiConfig, PROXIED_UPLOADS_AT_ONCE: 50 },
    log: { level: 'silent' },
  });
  const read = api.store.read.bind(api.store);
  api.store.read = async (...what) => {
    const body = await read(...what);
    if (body === null) return null;
    opened += 1;
    streams.add(body);
    return body.once('close', () => streams.delete(body));
  };
  return { api, streams, opened: () => opened };
}

test('10,000 clients that stall or leave hold nothing open', async () => {
  const { api, streams, opened } = await startWatchedApi();
  const { port } = new URL(api.origin);
  const id = await api.put({ fileName: 'big.bin', bytes: Buffer.alloc(FILE_BYTES, 'x') });
  const world = { id, token: api.token };
  const manners = Object.values(MANNERS);
  const wave = () =>
    Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => {
        const manner = manners[index % manners.length];
        if (manner === undefined) throw new Error('There is a manner for every client');
        return misbehave(Number(port), manner, world);
      }),
    );
  const connections = () =>
    new Promise<number>((resolve) => api.app.server.getConnections((_, count) => resolve(count)));
  const isQuiet = async () => ({ streams: streams.size, connections: await connections() });
  const quiet = { streams: 0, connections: 0 };

  // The first waves fill pools and caches, which stay.
  for (let i = 0; i < 5; i += 1) await wave();
  await expect.poll(isQuiet).toEqual(quiet);
  const before = { files: await openFiles(), heldBytes: heldBytes() };

  for (let clients = 5 * AT_ONCE; clients < CLIENTS; clients += AT_ONCE) await wave();
  await expect.poll(isQuiet).toEqual(quiet);
  const grownBytes = heldBytes() - before.heldBytes;
  console.log(
    `hostile clients: ${CLIENTS}, ${opened()} streams of the store opened, ${streams.size} open, ` +
      `files ${before.files} -> ${await openFiles()}, memory ${Math.round(grownBytes / MIB_BYTES)} MiB more`,
  );
  expect(opened()).toBeGreaterThan(CLIENTS / 20);
  expect(grownBytes).toBeLessThan(NOISE_BYTES);
  const answer = await fetch(`${api.origin}/v1/artifacts/${id}/content`, {
    headers: { authorization: `Bearer ${api.token}` },
  });
  expect((await answer.arrayBuffer()).byteLength).toBe(FILE_BYTES);
  // What is left of the pool of sockets to the store goes with it; a few more are those of the last answer.
  api.store.close();
  await expect.poll(openFiles).toBeLessThanOrEqual(before.files + 5);
});
