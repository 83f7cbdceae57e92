import { Readable } from 'node:stream';

/**
 * A body for lib-storage, and whether its source has thrown by itself. The stream cannot tell: when it is left early it has an error of
 * its own, and throws that into the source.
 */
export function streamBody(chunks: AsyncIterable<Buffer>): { body: Readable; hasThrown: () => boolean } {
  let thrown = false;
  async function* watched(): AsyncGenerator<Buffer> {
    const source = chunks[Symbol.asyncIterator]();
    const next = (): Promise<IteratorResult<Buffer>> =>
      source.next().catch((error: unknown) => {
        thrown = true;
        throw error;
      });
    try {
      for (let piece = await next(); piece.done !== true; piece = await next()) yield piece.value;
    } finally {
      if (!thrown) await source.return?.();
    }
  }
  return { body: Readable.from(watched(), { objectMode: false }), hasThrown: () => thrown };
}
