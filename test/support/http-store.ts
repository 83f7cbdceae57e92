import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import type { NewObject, NewPart, SignedRequest } from '../../src/storage/object-store.js';

/** One signed PUT as it arrived. */
export interface ReceivedPut {
  /** Null for a whole object. */
  partNumber: number | null;
  key: string;
  sizeBytes: number;
}

/** The store in memory, whose signed requests are sent over HTTP as to a real one. */
export class HttpStore extends MemoryObjectStore {
  /** Every PUT whose bytes arrived, in order. */
  readonly puts: ReceivedPut[] = [];
  /** Runs before a PUT is answered; what it answers with is the status instead of the store's. */
  before: (put: ReceivedPut) => Promise<number | void> = async () => {};
  readonly #server: Server;
  readonly #signed = new Map<string, Omit<ReceivedPut, 'sizeBytes'>>();

  private constructor() {
    super();
    this.#server = createServer((request, response) => {
      void this.#serve(request).then(
        (status) => response.writeHead(status).end(status === 404 ? '<Code>NoSuchUpload</Code>' : ''),
        () => response.destroy(),
      );
    });
  }

  static async start(): Promise<HttpStore> {
    const store = new HttpStore();
    await new Promise<void>((resolve) => store.#server.listen(0, '127.0.0.1', resolve));
    return store;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  override async presignPut(
    object: NewObject & { sizeBytes: number; sha256: string },
    expiresInSeconds: number,
  ): Promise<SignedRequest> {
    return this.#overHttp(await super.presignPut(object, expiresInSeconds), { key: object.key, partNumber: null });
  }

  override async presignPart(part: NewPart, expiresInSeconds: number): Promise<SignedRequest> {
    return this.#overHttp(await super.presignPart(part, expiresInSeconds), part);
  }

  #overHttp(request: SignedRequest, { key, partNumber }: Omit<ReceivedPut, 'sizeBytes'>): SignedRequest {
    const token = request.url.slice(request.url.lastIndexOf('/'));
    this.#signed.set(token, { key, partNumber });
    return { ...request, url: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${token}` };
  }

  async #serve(request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const token = request.url ?? '';
    const put = { ...(this.#signed.get(token) ?? { key: '', partNumber: null }), sizeBytes: body.length };
    const instead = await this.before(put);
    if (typeof instead === 'number') return instead;
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const signed = { method: 'PUT' as const, url: `memory://store${token}`, headers, expiresAtMs: 0 };
    const { status } = await this.receive(signed, body);
    if (status === 200) this.puts.push(put);
    return status;
  }
}
