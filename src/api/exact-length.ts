import { Transform } from 'node:stream';
import { ArtifactError } from '../domain/errors.js';
import { MIB_BYTES } from '../domain/units.js';

/** Twice this per download; with the usual 64 KiB store and client wait for each other more. */
const BUFFER_BYTES = MIB_BYTES / 2;

/**
 * Passes bytes on, and fails when they are not as many as were announced: ended quietly, a short answer would look like a whole one to
 * some clients, and the bytes of a long one like the next answer.
 * @param what for the message: `the store gave output/a.bin`.
 */
export function exactLength(expectedBytes: number, what: string): Transform {
  let passedBytes = 0;
  const failure = (): ArtifactError =>
    new ArtifactError('storage_rejected', `${what} with another length than the ${expectedBytes} bytes of its row`, {
      details: { expectedBytes, passedBytes },
    });
  return new Transform({
    highWaterMark: BUFFER_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      passedBytes += chunk.length;
      if (passedBytes > expectedBytes) done(failure());
      else done(null, chunk);
    },
    flush(done) {
      done(passedBytes === expectedBytes ? null : failure());
    },
  });
}
