import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ArtifactClient, ArtifactError, type UploadEvent } from '../../../src/sdk/index.js';
import { uploadLine } from '../../../src/cli/watch.js';
import { encodeArtifact } from '../../../src/api/encode.js';
import { newArtifact } from '../../support/new-artifact.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';

const ID = '0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10';

type Handler = (response: ServerResponse, request: IncomingMessage) => void;

/** An API that answers its connections one after the other; the last handler stays. */
async function anApi(...handlers: Handler[]): Promise<{ client: ArtifactClient; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const handler = handlers[Math.min(requests.length, handlers.length) - 1];
    handler?.(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const retry = { tries: 2, budgetMs: 1_000, firstDelayMs: 1, maxDelayMs: 1 };
  return { requests, client: new ArtifactClient({ baseUrl: `http://127.0.0.1:${port}`, token: 'any', retry }) };
}

const record = await new MemoryArtifactRecords().register(newArtifact({ path: 'output/big.bin', sizeBytes: 100 }));
const eventOf = (receivedBytes: number, status: 'UPLOADING' | 'ACTIVE' | 'DELETED' = 'UPLOADING'): string =>
  `id: 0-${receivedBytes}\nevent: progress\ndata: ${JSON.stringify({
    artifact: encodeArtifact({ ...record, status }),
    ...{ receivedBytes, totalBytes: 100, percent: receivedBytes, parts: 1, partCount: 4 },
    ...{ bytesPerSecond: 25, etaSeconds: 125 },
  })}\n\n`;
const DONE = 'event: end\ndata: {"reason":"done"}\n\n';
const open = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('retry: 1\n\n');
};

async function all(events: AsyncIterable<UploadEvent>): Promise<number[]> {
  const received: number[] = [];
  for await (const { receivedBytes, artifact } of events) {
    expect(artifact.createdAt).toBeInstanceOf(Date);
    received.push(receivedBytes);
  }
  return received;
}

describe('watching an upload', () => {
  test('yields every event, however the bytes are cut, until it is over', async () => {
    const { client } = await anApi((response) => {
      open(response);
      const text = `:\n\n${eventOf(25)}:\n\n${eventOf(50)}${eventOf(100, 'ACTIVE')}${DONE}`;
      for (let at = 0; at < text.length; at += 7) response.write(text.slice(at, at + 7));
    });
    expect(await all(client.watchUpload(ID))).toEqual([25, 50, 100]);
  });

  test('goes on over a new connection when one breaks, or its process stops, and says what it has seen', async () => {
    const { client, requests } = await anApi(
      (response) => {
        open(response);
        response.write(eventOf(25), () => response.destroy());
      },
      (response) => {
        open(response);
        response.end(`${eventOf(50)}event: end\ndata: {"reason":"stopping"}\n\n`);
      },
      (response) => {
        open(response);
        response.write(`${eventOf(100, 'ACTIVE')}${DONE}`);
      },
    );
    expect(await all(client.watchUpload(ID))).toEqual([25, 50, 100]);
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '0-25', '0-50']);
  });

  test('ends when there is nothing more to tell', async () => {
    const { client } = await anApi(
      (response) => {
        open(response);
        response.write(eventOf(100, 'ACTIVE'), () => response.destroy());
      },
      (response) => response.writeHead(204).end(),
    );
    expect(await all(client.watchUpload(ID))).toEqual([100]);
  });

  test('throws what the API refuses it with', async () => {
    const { client } = await anApi((response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ code: 'artifact_not_found', detail: 'There is none' }));
    });
    await expect(all(client.watchUpload(ID))).rejects.toMatchObject({ code: 'artifact_not_found' });
  });

  test('throws `aborted` when its caller has had enough, and closes the connection', async () => {
    const stop = new AbortController();
    const { client, requests } = await anApi((response) => {
      open(response);
      response.write(eventOf(25));
    });
    const watching = async (): Promise<void> => {
      for await (const _event of client.watchUpload(ID, { signal: stop.signal })) stop.abort();
    };
    await expect(watching()).rejects.toBeInstanceOf(ArtifactError);
    const socket = requests[0]?.socket;
    if (socket?.destroyed === false) await once(socket, 'close');
  });

  test('leaves the connection when its caller leaves the loop', async () => {
    const { client, requests } = await anApi((response) => {
      open(response);
      response.write(eventOf(25));
    });
    for await (const event of client.watchUpload(ID)) {
      expect(event.percent).toBe(25);
      break;
    }
    const socket = requests[0]?.socket;
    if (socket?.destroyed === false) await once(socket, 'close');
  });
});

test('a line says what is known, and leaves out what is not', () => {
  const artifact = { path: 'output/big.bin', status: 'UPLOADING' } as UploadEvent['artifact'];
  const progress = { receivedBytes: 1_024, totalBytes: 4_096, percent: 25, parts: 1, partCount: 4 };
  expect(uploadLine({ artifact, ...progress, bytesPerSecond: 24, etaSeconds: 125 })).toBe(
    'output/big.bin: UPLOADING, 25%, 1.0 KiB of 4.0 KiB, 1 of 4 parts, 24 B/s, 2:05 min left',
  );
  const unknown = { totalBytes: null, percent: null, partCount: null, bytesPerSecond: null, etaSeconds: null };
  expect(uploadLine({ artifact, ...progress, ...unknown })).toBe('output/big.bin: UPLOADING, 1.0 KiB, 1 parts');
});
