import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/storage/object-store.js';
import { createS3ObjectStore } from '../../../src/storage/s3/index.js';

/* What local stores do not do, and S3 does: it encodes keys in listings when it is asked to (API reference, ListObjectVersions). */

let server: Server | undefined;
let store: ObjectStore | undefined;

afterEach(() => {
  store?.close();
  server?.close();
});

/** A store that answers with these pages, one after the other, and what it was asked. */
async function answering(pages: string[]): Promise<{ store: ObjectStore; asked: URLSearchParams[] }> {
  const asked: URLSearchParams[] = [];
  server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '/', 'http://store').searchParams);
    response.writeHead(200, { 'content-type': 'application/xml' }).end(pages.shift());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  store = createS3ObjectStore({ bucket: 'any', region: 'us-east-1', endpoint, credentials });
  return { store, asked };
}

const version = (key: string, id: string): string =>
  `<Version><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>true</IsLatest><ETag>"e"</ETag><Size>1</Size></Version>`;
const page = (inner: string): string => `<ListVersionsResult>${inner}</ListVersionsResult>`;

it('an inventory decodes the keys and the marker that S3 encodes', async () => {
  const first = page(
    `<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>a/%01+b%2Bc%2520d</NextKeyMarker>
     <NextVersionIdMarker>v1</NextVersionIdMarker>${version('a/%01+b%2Bc%2520d', 'v1')}`,
  );
  const { store, asked } = await answering([first, page('<IsTruncated>false</IsTruncated>')]);
  const { versions, cursor } = await store.listInventory({ prefix: 'a/', cursor: null, limit: 10 });
  expect(versions.map(({ key }) => key)).toEqual(['a/\u0001 b+c%20d']);
  expect(asked[0]?.get('encoding-type')).toBe('url');
  expect(await store.listInventory({ prefix: 'a/', cursor, limit: 10 })).toEqual({ versions: [], cursor: null });
  expect(asked[1]?.get('key-marker')).toBe('a/\u0001 b+c%20d');
  expect(asked[1]?.get('version-id-marker')).toBe('v1');
});

it('an inventory leaves keys alone where the store does not say that it encoded them', async () => {
  const { store } = await answering([page(`<IsTruncated>false</IsTruncated>${version('a/b%20c+d', 'v1')}`)]);
  const { versions } = await store.listInventory({ prefix: 'a/', cursor: null, limit: 10 });
  expect(versions.map(({ key }) => key)).toEqual(['a/b%20c+d']);
});

it('an inventory keeps the version that a store names as the first of the next page, and drops one that it repeats', async () => {
  const more = (marker: string, inner: string): string =>
    page(
      `<IsTruncated>true</IsTruncated><NextKeyMarker>${marker}</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>${inner}`,
    );
  const last = page(`<IsTruncated>false</IsTruncated>${version('b', 'v')}${version('c', 'v')}`);
  for (const [marker, expected] of [
    ['b', ['a', 'b', 'c']],
    ['a', ['a', 'b', 'c']],
  ] as const) {
    const { store } = await answering([
      more(marker, version('a', 'v')),
      marker === 'b'
        ? last
        : page(`<IsTruncated>false</IsTruncated>${['a', 'b', 'c'].map((key) => version(key, 'v')).join('')}`),
    ]);
    const first = await store.listInventory({ prefix: '', cursor: null, limit: 10 });
    const second = await store.listInventory({ prefix: '', cursor: first.cursor, limit: 10 });
    expect([...first.versions, ...second.versions].map(({ key }) => key)).toEqual(expected);
    store.close();
    server?.close();
  }
});
