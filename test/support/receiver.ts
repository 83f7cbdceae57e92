import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebhookMessage } from '../../src/domain/announcements.js';

/** A webhook as it came over the wire, and what it was answered with. */
export interface ReceivedWebhook {
  headers: Record<string, string>;
  /** As received, before anything is parsed. */
  body: Buffer;
  message: WebhookMessage;
  status: number;
}

/** A real receiver of webhooks on loopback. */
export interface Receiver {
  url: string;
  received: ReceivedWebhook[];
  /** Also those over which nothing came. */
  connections: () => number;
  /** HTTP status of the next answers. Default 200. */
  answerWith: (status: (message: WebhookMessage) => number) => void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: ReceivedWebhook[] = [];
  let connections = 0;
  let statusOf: (message: WebhookMessage) => number = () => 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const body = Buffer.concat(chunks);
        const message = JSON.parse(body.toString()) as WebhookMessage;
        const status = statusOf(message);
        received.push({ headers: request.headers as Record<string, string>, body, message, status });
        response.writeHead(status).end();
      });
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    received,
    connections: () => connections,
    answerWith: (status) => (statusOf = status),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
