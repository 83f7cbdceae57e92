import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { etagOf, keyOf, numberOf, SIZE_BYTES, TAGS, versionOf } from './population.js';

/*
 * A store of so many objects (`store.ts <objects>`) in a process of its own: it speaks what an inspection asks of S3, and makes every answer from
 * the number of the object. So what is measured is the inspection, and not how fast some server lists its files.
 */

const objects = Number(process.argv[2]);
const modified = new Date(Date.now() - 7_200_000).toISOString();

const entry = (n: number): string =>
  `<Version><Key>${keyOf(n)}</Key><VersionId>${versionOf(n)}</VersionId><IsLatest>true</IsLatest><LastModified>${modified}</LastModified>` +
  `<ETag>${etagOf(n).replaceAll('"', '&quot;')}</ETag><Size>${SIZE_BYTES}</Size><StorageClass>STANDARD</StorageClass></Version>`;

function list(query: URLSearchParams): string {
  const marker = query.get('key-marker');
  const first = marker === null ? 0 : numberOf(marker) + 1;
  const last = Math.min(objects, first + Number(query.get('max-keys') ?? 1_000));
  const entries = Array.from({ length: last - first }, (_, index) => entry(first + index));
  const next =
    last < objects
      ? `<NextKeyMarker>${keyOf(last - 1)}</NextKeyMarker><NextVersionIdMarker>${versionOf(last - 1)}</NextVersionIdMarker>`
      : '';
  return `<ListVersionsResult><IsTruncated>${last < objects}</IsTruncated>${next}${entries.join('')}</ListVersionsResult>`;
}

const tags = Object.entries(TAGS).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
const TAGGING = `<Tagging><TagSet>${tags.join('')}</TagSet></Tagging>`;

function answer(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) }).end(body);
}

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://store');
  if (searchParams.has('versions')) answer(response, list(searchParams));
  else if (searchParams.has('tagging')) answer(response, TAGGING);
  // Anything else means that something was taken for drift.
  else response.writeHead(501).end();
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
