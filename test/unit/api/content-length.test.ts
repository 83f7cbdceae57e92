import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { startTestApi, tokenFor } from '../../support/api.js';
import { rawClient } from '../../support/raw-http.js';
import { eventually } from '../../support/eventually.js';

const bytes = Buffer.from('0123456789');

/** Asks for the file on a connection of its own, and answers with all that came before the server ended it. */
async function answerOf(chunks: string[], more = ''): Promise<{ text: string; log: string; source: Readable }> {
  const api = await startTestApi();
  const id = await api.upload({ bytes });
  const source = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  api.store.read = () => Promise.resolve(source);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const client = await rawClient((api.app.server.address() as AddressInfo).port);
  const token = await tokenFor();
  await client.write(
    `GET /v1/artifacts/${id}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${more}\r\n`,
  );
  await client.closed;
  return { text: client.received(), log: api.log(), source };
}

describe('a store that gives another number of bytes than the row says', () => {
  test.each([
    ['fewer', ['0123', '456']],
    ['more', ['0123456', '7890', 'x']],
  ])('%s: the connection is cut, and never ended as if all were well', async (_which, chunks) => {
    const { text, log, source } = await answerOf(chunks);
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).toContain('content-length: 10');
    expect(head).not.toContain('connection: close');
    expect(body.length).toBeLessThan(10);
    expect(log).toContain('another length');
    await eventually(() => expect(source.destroyed).toBe(true));
  });

  test('fewer of a range: the same', async () => {
    const { text } = await answerOf(['23'], 'range: bytes=2-5\r\n');
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 206 /);
    expect(body).toBe('23');
  });

  test('none at all: there is still time to say so', async () => {
    const { text } = await answerOf([], 'connection: close\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain('"code":"storage_rejected"');
    expect(text).not.toMatch(/^(etag|content-disposition):/m);
  });
});

test('rubbish behind a request that is being answered cuts the connection, and gets into no file', async () => {
  const api = await startTestApi();
  const id = await api.upload({ bytes });
  const source = new Readable({ read: () => undefined });
  source.push('0123');
  api.store.read = () => Promise.resolve(source);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const client = await rawClient((api.app.server.address() as AddressInfo).port);
  const token = await tokenFor();
  await client.write(`GET /v1/artifacts/${id}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await eventually(() => expect(client.received()).toMatch(/\r\n\r\n0123$/));
  await client.write('rubbish\r\n\r\n');
  await client.closed;
  expect(client.received()).toMatch(/\r\n\r\n0123$/);
  await eventually(() => expect(source.destroyed).toBe(true));
});
