import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A client that sends exactly what it is told, and remembers what it got; ends with the test. */
export interface RawClient {
  socket: Socket;
  /** Resolves when it is handed to the kernel. */
  write(data: string | Buffer): Promise<void>;
  /** Everything that has arrived. */
  received(): string;
  /** Resolves when the other side has ended. */
  closed: Promise<void>;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').then(() => undefined);
  await once(socket, 'connect');
  return {
    socket,
    write: (data) => new Promise((resolve) => socket.write(data, () => resolve())),
    received: () => received,
    closed,
  };
}
