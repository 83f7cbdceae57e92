import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { MIB_BYTES } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { createS3ObjectStore } from '../../../src/storage/s3/index.js';
import { startTestApi, tokenFor } from '../../support/api.js';

const FILE_BYTES = 256 * MIB_BYTES;
/** Five parts of 8 MiB, and what the collector has not got to. */
const MOST_BYTES = 128 * MIB_BYTES;
const PART_DELAY_MS = 40;

/** Takes parts, keeps nothing, and takes its time. */
async function slowStore(): Promise<string> {
  const server = createServer((part, response) => {
    part.resume().on('end', () => {
      setTimeout(() => response.writeHead(200, { etag: '"x"' }).end(), PART_DELAY_MS);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The memory store, but for the parts: they go to a slow one, and a stand-in to the memory. */
async function storeWithSlowParts(): Promise<MemoryObjectStore> {
  const memory = new MemoryObjectStore();
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  const slow = createS3ObjectStore({ bucket: 'any', region: 'us-east-1', endpoint: await slowStore(), credentials });
  onTestFinished(() => slow.close());
  const toMemory = memory.sendParts.bind(memory);
  memory.sendParts = async (upload, chunks, signal) => {
    await slow.sendParts(upload, chunks, signal);
    const standIn = async function* (): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from('x'));
    };
    await toMemory(upload, standIn(), signal);
  };
  return memory;
}

test(
  'a fast client and a slow store need the memory of some parts, not of the file',
  { timeout: 120_000 },
  async () => {
    const api = await startTestApi({}, await storeWithSlowParts());
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    const path = `/v1/executions/${randomUUID()}/files/output/big.bin`;
    const headers = { authorization: `Bearer ${await tokenFor()}`, 'transfer-encoding': 'chunked' };
    const put = request({ host: '127.0.0.1', port, path, method: 'PUT', headers, agent: false });
    const answered = once(put, 'response') as Promise<[{ statusCode: number }]>;

    const beforeBytes = process.memoryUsage().arrayBuffers;
    let mostBytes = 0;
    const piece = Buffer.alloc(64 * 1_024, 'x');
    for (let sentBytes = 0; sentBytes < FILE_BYTES; sentBytes += piece.length) {
      if (!put.write(piece)) await once(put, 'drain');
      mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - beforeBytes);
    }
    put.end();
    const [{ statusCode }] = await answered;
    expect(statusCode).toBe(201);
    expect(mostBytes).toBeLessThan(MOST_BYTES);
  },
);
