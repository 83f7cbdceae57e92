import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bufferParts } from '../../../src/transfer/known-parts.js';
import type { FilledPart, PartDigest, PartSource } from '../../../src/transfer/part.js';
import { crc32Of } from '../../../src/transfer/crc32.js';
import { PartMemory } from '../../../src/transfer/part-memory.js';
import { ProgressMeter } from '../../../src/transfer/progress.js';
import { StoreConnections } from '../../../src/transfer/put.js';
import { DEFAULT_RETRY } from '../../../src/transfer/retry.js';
import { sendParts, type TransferOptions } from '../../../src/transfer/send-parts.js';
import { StreamCutter } from '../../../src/transfer/stream-cutter.js';
import { bytesOf, sha256Of } from '../../support/sdk.js';

const PART = 1_000;
const PARTS = 30;
const bytes = bytesOf(PARTS * PART);

let server: Server;
let connections: StoreConnections;
let received: Map<string, Buffer>;
beforeEach(async () => {
  received = new Map();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.set(request.url ?? '', Buffer.concat(chunks));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connections = new StoreConnections();
});
afterEach(async () => {
  connections.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const optionsWith = (memory: PartMemory): TransferOptions => ({
  connections,
  retry: DEFAULT_RETRY,
  progress: new ProgressMeter(undefined),
  signal: new AbortController().signal,
  memory,
});

function signer(name: string): { asked: number[]; sign: (parts: PartDigest[]) => Promise<Map<number, never>> } {
  const asked: number[] = [];
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    sign: (parts) => {
      asked.push(parts.length);
      const put = ({ partNumber }: PartDigest) => ({
        method: 'PUT',
        url: `http://127.0.0.1:${port}/${name}/${partNumber}`,
        headers: {},
      });
      return Promise.resolve(new Map(parts.map((part) => [part.partNumber, put(part) as never])));
    },
  };
}

const receivedOf = (name: string): Buffer =>
  Buffer.concat(Array.from({ length: PARTS }, (_, index) => received.get(`/${name}/${index + 1}`) ?? Buffer.alloc(0)));

/** As a file: each part in memory of the pool. */
function copied(): PartSource {
  const inner = bufferParts(bytes);
  return {
    sizeBytes: inner.sizeBytes,
    isLive: false,
    get hashedBytes() {
      return inner.hashedBytes;
    },
    content: () => inner.content(),
    async next(partSizeBytes, takeMemory, signal): Promise<FilledPart | null> {
      const part = await inner.next(partSizeBytes, takeMemory, signal);
      if (part === null) return null;
      const memory = await takeMemory();
      part.bytes.copy(memory);
      return { ...part, bytes: memory.subarray(0, part.bytes.length), memory };
    },
  };
}

describe('sending parts', () => {
  test('each is read once and arrives, and few requests sign them', async () => {
    const memory = new PartMemory(6 * PART);
    const { asked, sign } = signer('a');
    const content = await sendParts(copied(), { partSizeBytes: PART, received: [], sign }, optionsWith(memory));
    expect(content).toEqual({ sizeBytes: bytes.length, sha256: sha256Of(bytes) });
    expect(receivedOf('a').equals(bytes)).toBe(true);
    expect(asked.length).toBeLessThanOrEqual(Math.ceil((PARTS - 1) / 3) + 2);
    expect(memory.usedBytes).toBe(0);
  });

  test.each([1, 2, 5])(
    'several at once share memory for %d parts without waiting for each other for ever',
    async (room) => {
      const memory = new PartMemory(room * PART);
      const names = ['a', 'b', 'c', 'd', 'e'];
      await Promise.all(
        names.map((name) =>
          sendParts(copied(), { partSizeBytes: PART, received: [], sign: signer(name).sign }, optionsWith(memory)),
        ),
      );
      for (const name of names) expect(receivedOf(name).equals(bytes)).toBe(true);
      expect(memory.usedBytes).toBe(0);
    },
  );

  test('a stream that is fed by another one ends although one part is all the memory there is', async () => {
    const memory = new PartMemory(PART);
    const first = new Readable({ read: () => undefined, highWaterMark: PART });
    const second = new Readable({ read: () => undefined, highWaterMark: PART });
    // Each gives its next half of a part once the other one has taken some.
    for (let at = 0; at < bytes.length; at += PART / 2)
      for (const stream of [first, second]) stream.push(bytes.subarray(at, at + PART / 2));
    for (const stream of [first, second]) stream.push(null);
    await Promise.all(
      [first, second].map((stream, index) =>
        sendParts(
          new StreamCutter(stream),
          { partSizeBytes: PART, received: [], sign: signer(String(index)).sign },
          optionsWith(memory),
        ),
      ),
    );
    expect(receivedOf('0').equals(bytes) && receivedOf('1').equals(bytes)).toBe(true);
  });

  test('what the store has is read for the hash and not sent', async () => {
    const memory = new PartMemory(6 * PART);
    const has = [1, 2, 3, 7].map((partNumber) => ({
      partNumber,
      sizeBytes: PART,
      crc32: crc32Of(bytes.subarray((partNumber - 1) * PART, partNumber * PART)),
    }));
    const other = { partNumber: 9, sizeBytes: PART, crc32: crc32Of(Buffer.from('of an earlier file')) };
    const { sign } = signer('a');
    const target = { partSizeBytes: PART, received: [...has, other, { ...other, partNumber: 10, crc32: null }], sign };
    const content = await sendParts(copied(), target, optionsWith(memory));
    expect(content.sha256).toBe(sha256Of(bytes));
    const sent = [...received.keys()].map((path) => Number(path.split('/')[2])).sort((a, b) => a - b);
    expect(sent).toEqual(
      Array.from({ length: PARTS }, (_, index) => index + 1).filter((n) => ![1, 2, 3, 7].includes(n)),
    );
  });

  test('a source that fails gives all the memory back', async () => {
    const memory = new PartMemory(6 * PART);
    const source = copied();
    let reads = 0;
    const failing: PartSource = {
      ...source,
      next: async (...args) => {
        reads += 1;
        const part = await source.next(...args);
        if (reads === 6) throw new Error('disk broke');
        return part;
      },
    };
    const { sign } = signer('a');
    const sent = sendParts(failing, { partSizeBytes: PART, received: [], sign }, optionsWith(memory));
    await expect(sent).rejects.toThrow('disk broke');
    expect(memory.usedBytes).toBe(0);
  });
});
