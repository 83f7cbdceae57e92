import { Type, type Static, type TSchema, type TUnion, type TNull } from 'typebox';
import { shared } from './shared.js';

/** Shapes that many routes share. Rules that the domain owns (paths, tags, retention, ids) are described here, checked there. */

export const nullable = <T extends TSchema>(schema: T): TUnion<[T, TNull]> => Type.Union([schema, Type.Null()]);

export const Uuid = Type.String({
  description: 'UUID, lower case',
  examples: ['7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11'],
});

const TIMESTAMP = 'ISO 8601, UTC, milliseconds';
export const Timestamp = Type.String({ description: TIMESTAMP, examples: ['2026-01-31T12:00:00.000Z'] });
/** One that says what it is the time of. */
export const timestamp = (what: string): typeof Timestamp => Type.String({ description: `${what} (${TIMESTAMP})` });

export const Bytes = Type.Integer({ minimum: 0, description: 'Size in bytes', examples: [48_213] });

export const Sha256 = Type.String({
  description: 'SHA-256, 64 lower-case hexadecimal digits',
  examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
});

export const Crc32 = Type.String({
  description: 'CRC-32 (zlib, S3), 8 lower-case hexadecimal digits',
  examples: ['cbf43926'],
});

export const Tags = Type.Record(Type.String(), Type.String(), {
  description:
    'At most 8 tags; key of 1 to 128 and value of 0 to 256 bytes: letters, digits, spaces and + - = . _ : / @. ' +
    'Keys that begin with `aws:` or `artifact-` are reserved.',
  examples: [{ agent: 'researcher', step: '3' }],
});

export const ArtifactParams = Type.Object({ id: Uuid });
export const ExecutionParams = Type.Object({ executionId: Uuid });

export const SignedRequestSchema = Type.Object(
  {
    method: Type.Enum(['PUT', 'GET'], { type: 'string' }),
    url: Type.String({ description: 'Works without a token until `expiresAt`: treat it as a secret' }),
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'Part of the signature: send every one of them as it is',
    }),
    expiresAt: Timestamp,
  },
  { $id: 'SignedRequest', description: 'A request that goes straight to the object store' },
);
export type EncodedRequest = Static<typeof SignedRequestSchema>;
export const SignedRequest = shared('SignedRequest', SignedRequestSchema);
