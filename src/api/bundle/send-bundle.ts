import { Readable } from 'node:stream';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ArtifactError } from '../../domain/errors.js';
import { ATTACHED, requireDownloadable, UNTRUSTED } from '../content.js';
import type { ApiContext } from '../context.js';
import { namesEtag } from '../range.js';
import type { Slots } from '../slots.js';
import { bundleContents, bundleEtag, type BundleEntry, type BundleFilters } from './contents.js';
import { planZip, zipBytes, type ZipPlan } from './zip.js';

interface BundleAnswer {
  request: FastifyRequest;
  reply: FastifyReply;
  slots: Slots;
}

/**
 * Answers with a zip of the artifacts of an execution, streamed as it is made, or with its headers alone (HEAD, 304). A file that fails
 * on the way, or has changed since the zip was begun, cuts the connection: a zip without its end opens nowhere.
 * @throws `too_busy`.
 */
export async function sendBundle(
  context: ApiContext,
  filters: BundleFilters,
  { request, reply, slots }: BundleAnswer,
): Promise<FastifyReply> {
  const release = slots.take();
  const begin = async () => {
    const bundle = await bundleOf(context, filters);
    const isKnown = namesEtag(request.headers['if-none-match'], bundle.etag);
    // Once the headers are out, a store that is gone can only be told of by cutting the connection.
    if (!isKnown && request.method === 'GET') await context.requireBucket();
    return { ...bundle, isKnown };
  };
  const { plan, etag, isKnown } = await begin().catch((error: unknown) => {
    release();
    throw error;
  });
  if (isKnown || request.method === 'HEAD') release();
  if (isKnown) return reply.code(304).headers({ etag, 'cache-control': UNTRUSTED['cache-control'] }).send();
  void reply.headers({
    ...UNTRUSTED,
    ...ATTACHED,
    etag,
    // Where a byte lies is known, but the sums behind the files are not before they are read.
    'accept-ranges': 'none',
    'content-type': 'application/zip',
    'content-disposition': contentDisposition(`${filters.executionId}.zip`),
    'content-length': plan.sizeBytes,
  });
  return request.method === 'HEAD' ? reply.send() : reply.send(streamOf(context, plan, { reply, release }));
}

async function bundleOf(
  { records }: ApiContext,
  filters: BundleFilters,
): Promise<{ plan: ZipPlan<BundleEntry>; etag: string }> {
  const entries = await bundleContents(records, filters);
  return { plan: planZip(entries), etag: bundleEtag(entries) };
}

function streamOf(
  context: ApiContext,
  plan: ZipPlan<BundleEntry>,
  { reply, release }: { reply: FastifyReply; release: () => void },
): Readable {
  // Each file has a signal of its own: thousands would leave their listeners on a common one.
  let isGone = false;
  let current = new AbortController();
  const open = (entry: BundleEntry): Promise<AsyncIterable<Buffer>> => {
    current = new AbortController();
    if (isGone) current.abort();
    return openEntry(context, entry, current.signal);
  };
  const stream = Readable.from(zipBytes(plan, open), { objectMode: false });
  const letGo = (): void => {
    isGone = true;
    current.abort();
  };
  // A destroyed stream waits for the bytes that its source is asked for, which may never come.
  reply.raw.once('close', letGo);
  // Before the client can know of it: whoever asks for one after the other is not refused.
  stream.once('end', release);
  stream.once('close', () => {
    letGo();
    release();
  });
  return stream;
}

/** Looks at the row once more: minutes or hours may lie between the list and this file. */
async function openEntry(
  { records, store, countDownload }: ApiContext,
  entry: BundleEntry,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  if ('text' in entry) return Readable.from([entry.text]);
  const record = await records.get(entry.artifactId);
  if (record === null) throw new ArtifactError('artifact_not_found', `${entry.path} is gone`);
  const { key, versionId } = requireDownloadable(record);
  const body = await store.read({ key, versionId }, { signal });
  if (body === null) throw new ArtifactError('storage_rejected', `The bytes of ${entry.path} are not in the store`);
  countDownload(record);
  return body;
}
