import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { freePort } from '../../../src/dev/servers/ports.js';
import { HeldCalls } from './held-calls.js';

/** A request to the store, as far as tests tell them apart. */
export interface StoreCall {
  /** `CopyObject`, `DeleteMarker`, `DeleteVersion`, `PutTags`, `RestoreObject` or `CompleteUpload`; of all else the method. */
  verb: string;
  key: string;
  /** Of a part that is sent. */
  partNumber: number | null;
}

/** Stands between the worker and the store, which sees the same requests, signatures included. */
export interface StoreGate {
  url: string;
  held: HeldCalls<StoreCall>;
  /** Every request is answered with this status, as by a store that is away; null: they go through again. */
  outage: number | null;
  /** Asked once the store has done a request: null, or what its caller is told instead, a status or (`cut`) a piece of the answer. */
  spoil: (call: StoreCall) => number | 'cut' | null;
  /** All requests since the start. */
  calls: StoreCall[];
  /** Requests whose caller went away while they were held. */
  dropped: StoreCall[];
  close(): Promise<void>;
}

export async function openStoreGate(target: string): Promise<StoreGate> {
  const port = await freePort();
  const server = createServer((incoming, answer) => {
    pass(gate, target, { incoming, answer }).catch(() => answer.destroy());
  });
  const gate: StoreGate = {
    url: `http://127.0.0.1:${port}`,
    held: new HeldCalls(),
    outage: null,
    spoil: () => null,
    calls: [],
    dropped: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return gate;
}

async function pass(
  gate: StoreGate,
  target: string,
  { incoming, answer }: { incoming: IncomingMessage; answer: ServerResponse },
): Promise<void> {
  const body = await buffer(incoming);
  const call = toCall(incoming);
  gate.calls.push(call);
  if (gate.outage !== null) {
    answer.writeHead(gate.outage).end();
    return;
  }
  const rule = gate.held.ruleOn(call);
  if (rule !== null) incoming.socket.once('close', () => gate.dropped.push(call));
  if (rule?.when === 'before') await rule.wait();
  const { response, bytes } = await forward(target, incoming, body);
  if (rule?.when === 'after') await rule.wait();
  const spoiled = gate.spoil(call);
  if (spoiled === 'cut') {
    answer
      .writeHead(200, { 'content-length': bytes.length + 100 })
      .write(bytes.subarray(0, 10), () => answer.destroy());
    return;
  }
  if (spoiled !== null) {
    answer.writeHead(spoiled).end();
    return;
  }
  answer.writeHead(response.statusCode ?? 502, response.rawHeaders).end(bytes);
}

/** The Host stays the one that was signed. */
function forward(
  target: string,
  { method, url, rawHeaders }: IncomingMessage,
  body: Buffer,
): Promise<{ response: IncomingMessage; bytes: Buffer }> {
  const { hostname, port } = new URL(target);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path: url, headers: rawHeaders, agent: false }, (response) => {
      buffer(response).then((bytes) => resolve({ response, bytes }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function toCall({ method = '', url = '', headers }: IncomingMessage): StoreCall {
  const { pathname, searchParams } = new URL(url, 'http://store');
  const [, _bucket, ...key] = pathname.split('/').map(decodeURIComponent);
  const partNumber = searchParams.get('partNumber');
  return {
    verb: verbOf(method, searchParams, 'x-amz-copy-source' in headers),
    key: key.join('/'),
    partNumber: partNumber === null ? null : Number(partNumber),
  };
}

function verbOf(method: string, query: URLSearchParams, copies: boolean): string {
  if (method === 'DELETE' && !query.has('uploadId')) return query.has('versionId') ? 'DeleteVersion' : 'DeleteMarker';
  if (method === 'PUT' && query.has('tagging')) return 'PutTags';
  if (method === 'PUT' && copies) return 'CopyObject';
  if (method === 'POST' && query.has('restore')) return 'RestoreObject';
  if (method === 'POST' && query.has('uploadId')) return 'CompleteUpload';
  return method;
}
