import { createServer, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { ManifestBody } from '../../src/activities/manifest-body.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { manifestKey } from '../../src/domain/keys.js';
import {
  artifactId,
  etagOf,
  executionId,
  keyOf,
  numberOf,
  numberOfExecution,
  PER_EXECUTION,
  recordOf,
  SHA256,
  SIZE_BYTES,
  TAGS,
  TENANT,
  versionOf,
} from './population.js';

/*
 * A store of so many objects (`store.ts <objects> [<objects of an execution> [manifests]]`) in a process of its own: it speaks what an inspection
 * and a rebuild ask of S3, and makes every answer from the number of the object. So what is measured is those, and not how fast some server lists
 * its files.
 */

const objects = Number(process.argv[2]);
const perExecution = Number(process.argv[3] ?? PER_EXECUTION);
/** As many as there are executions, each before the objects of its own. */
const manifests = process.argv[4] === 'manifests' ? Math.ceil(objects / perExecution) : 0;
const modifiedMs = Date.now() - 7_200_000;
const modified = new Date(modifiedMs);

/** A key of the listing by its place in it. */
interface Listed {
  key: string;
  version: string;
  etag: string;
}

function listedAt(place: number): Listed {
  if (manifests === 0) return objectOf(place);
  const execution = Math.floor(place / (perExecution + 1));
  const within = place % (perExecution + 1);
  if (within > 0) return objectOf(execution * perExecution + within - 1);
  return { key: manifestKey(executionId(execution)), version: `m${execution}`, etag: etagOf(-1) };
}

const objectOf = (n: number): Listed => ({ key: keyOf(n, perExecution), version: versionOf(n), etag: etagOf(n) });

function placeOf(key: string): number {
  const n = numberOf(key);
  if (manifests === 0) return n;
  return n === -1 ? numberOfExecution(key) * (perExecution + 1) : n + Math.floor(n / perExecution) + 1;
}

const entry = ({ key, version, etag }: Listed): string =>
  `<Version><Key>${key}</Key><VersionId>${version}</VersionId><IsLatest>true</IsLatest><LastModified>${modified.toISOString()}</LastModified>` +
  `<ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>${SIZE_BYTES}</Size><StorageClass>STANDARD</StorageClass></Version>`;

function list(query: URLSearchParams): string {
  const marker = query.get('key-marker');
  const first = marker === null ? 0 : placeOf(marker) + 1;
  const all = objects + manifests;
  const last = Math.min(all, first + Number(query.get('max-keys') ?? 1_000));
  const listed = Array.from({ length: last - first }, (_, index) => listedAt(first + index));
  const end = listed.at(-1);
  const next =
    last < all && end !== undefined
      ? `<NextKeyMarker>${end.key}</NextKeyMarker><NextVersionIdMarker>${end.version}</NextVersionIdMarker>`
      : '';
  return `<ListVersionsResult><IsTruncated>${last < all}</IsTruncated>${next}${listed.map(entry).join('')}</ListVersionsResult>`;
}

const tags = Object.entries(TAGS).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
const TAGGING = `<Tagging><TagSet>${tags.join('')}</TagSet></Tagging>`;

function answer(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) }).end(body);
}

/** Null when there is no such object. */
function headersOf(key: string): OutgoingHttpHeaders | null {
  const n = numberOf(key);
  const execution = numberOfExecution(key);
  if (n === -1 && (manifests === 0 || !key.endsWith('/metadata.json'))) return null;
  const { version, etag } = listedAt(placeOf(key));
  return {
    ...{ etag, 'x-amz-version-id': version, 'last-modified': modified.toUTCString() },
    'x-amz-meta-execution-id': executionId(execution),
    'x-amz-meta-artifact-id': n === -1 ? executionId(execution) : artifactId(n),
    'x-amz-meta-artifact-type': n === -1 ? 'manifest' : 'data',
    ...(n === -1 ? {} : { 'x-amz-meta-sha256': SHA256, 'content-length': SIZE_BYTES }),
  };
}

function manifestOf(key: string): Readable {
  const execution = numberOfExecution(key);
  const generatedAt = modified.toISOString();
  const head = {
    version: 1,
    executionId: executionId(execution),
    tenantId: TENANT,
    retentionDays: null,
    generatedAt,
  } as const;
  return Readable.from(new ManifestBody(head).chunks(pages(execution)));
}

async function* pages(execution: number): AsyncGenerator<ArtifactRecord[]> {
  const last = Math.min(objects, (execution + 1) * perExecution);
  for (let n = execution * perExecution; n < last; n += 200) {
    await Promise.resolve();
    yield Array.from({ length: Math.min(200, last - n) }, (_, index) => recordOf(n + index, perExecution, modifiedMs));
  }
}

const server = createServer((request, response) => {
  const { searchParams, pathname } = new URL(request.url ?? '/', 'http://store');
  // Below the name of the bucket.
  const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
  if (searchParams.has('versions')) return answer(response, list(searchParams));
  if (searchParams.has('tagging')) return answer(response, TAGGING);
  // The bucket itself: asked for whenever an object is not there.
  if (key === '') return response.writeHead(200).end();
  const headers = headersOf(key);
  if (headers === null) response.writeHead(404).end();
  else if (request.method === 'HEAD') response.writeHead(200, headers).end();
  else if (numberOf(key) === -1) manifestOf(key).pipe(response.writeHead(200, headers));
  // Anything else means that something was taken for what it is not.
  else response.writeHead(501).end();
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
