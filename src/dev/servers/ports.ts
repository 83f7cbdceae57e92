import { createServer } from 'node:net';

/**
 * A TCP port that was free on the loopback address a moment ago. Nothing reserves it: use it at once, and expect that the
 * server that wants it may still find it taken.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('a TCP server has no port'));
        else resolve(address.port);
      });
    });
  });
}
