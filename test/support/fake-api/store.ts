import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { crc32Of } from '../../../src/transfer/crc32.js';

/** What happens to one PUT: the connection is cut in the middle, nothing is read any more, or an S3 error is answered. */
export type PutFault = 'reset' | 'stall' | { status: number; storeCode: string };

const STALL_MS = 500;

/** Bodies by object path, then by part number (0: the whole object). */
export class FakeStore {
  readonly objects = new Map<string, Map<number, Buffer>>();
  /** Asked for each PUT; the attempt counts from 1 for each part. */
  fault: (put: { partNumber: number; attempt: number }) => PutFault | undefined = () => undefined;
  /** Delay before a PUT is answered. */
  answerDelayMs = 0;
  putsNow = 0;
  maxPutsAtOnce = 0;
  readonly attempts = new Map<string, number>();

  async serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const partNumber = Number(url.searchParams.get('partNumber') ?? 0);
    if (request.method === 'GET') {
      response.end(this.body(url.pathname));
      return;
    }
    this.putsNow += 1;
    this.maxPutsAtOnce = Math.max(this.maxPutsAtOnce, this.putsNow);
    request.on('error', () => undefined);
    response.on('close', () => (this.putsNow -= 1));
    const attempt = (this.attempts.get(`${url.pathname}#${partNumber}`) ?? 0) + 1;
    this.attempts.set(`${url.pathname}#${partNumber}`, attempt);
    const fault = this.fault({ partNumber, attempt });
    if (fault === 'stall') {
      // Nobody notices that the other side has gone without reading.
      setTimeout(() => request.resume(), STALL_MS).unref();
      return;
    }
    if (fault === 'reset') {
      request.once('data', () => request.socket.resetAndDestroy());
      return;
    }
    const bytes = await receive(request);
    if (this.answerDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.answerDelayMs));
    if (bytes === null) return;
    const problem = fault ?? problemOf(request, bytes);
    if (problem !== undefined) {
      response.writeHead(problem.status, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>${problem.storeCode}</Code><Message>no</Message></Error>`);
      return;
    }
    const parts = this.objects.get(url.pathname) ?? new Map<number, Buffer>();
    parts.set(partNumber, bytes);
    this.objects.set(url.pathname, parts);
    response.writeHead(200, { etag: '"etag"' }).end();
  }

  /** PUTs of this part of the only object so far. */
  attemptsOf(partNumber: number): number {
    return [...this.attempts].find(([key]) => key.endsWith(`#${partNumber}`))?.[1] ?? 0;
  }

  parts(path: string): { partNumber: number; sizeBytes: number; crc32: string }[] {
    return [...(this.objects.get(path) ?? [])]
      .filter(([partNumber]) => partNumber > 0)
      .map(([partNumber, bytes]) => ({ partNumber, sizeBytes: bytes.length, crc32: crc32Of(bytes) }));
  }

  /** All bytes in the order of the parts. */
  body(path: string): Buffer {
    const parts = [...(this.objects.get(path) ?? [])].sort(([a], [b]) => a - b);
    return Buffer.concat(parts.map(([, bytes]) => bytes));
  }
}

async function receive(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) if (chunk instanceof Buffer) chunks.push(chunk);
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}

/** Signed headers as versitygw treats them: other bytes are refused, so is a missing header. */
function problemOf(request: IncomingMessage, bytes: Buffer): { status: number; storeCode: string } | undefined {
  const { 'x-amz-checksum-sha256': sha256, 'x-amz-checksum-crc32': crc32, 'content-length': length } = request.headers;
  const claimed = sha256 ?? crc32;
  if (claimed === undefined || length === undefined) return { status: 403, storeCode: 'SignatureDoesNotMatch' };
  const actual = sha256 === undefined ? crc32Of(bytes) : createHash('sha256').update(bytes).digest('hex');
  return claimed === toBase64(actual) ? undefined : { status: 400, storeCode: 'BadDigest' };
}

const toBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
