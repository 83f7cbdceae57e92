import { Type, type Static, type TSchema, type TUnion, type TNull } from 'typebox';
import { CRC32, SHA256 } from '../../domain/checksum.js';
import { UUID } from '../../domain/ids.js';
import { MAX_TAG_KEY_BYTES, MAX_TAG_VALUE_BYTES, MAX_USER_TAGS } from '../../domain/tags.js';
import { TIME } from '../../domain/time.js';
import { documented } from '../openapi/documented.js';
import { shared } from './shared.js';

/** Shapes that many routes share. Rules that the domain owns (paths, tags, retention, ids) are described here, checked there. */

export const nullable = <T extends TSchema>(schema: T): TUnion<[T, TNull]> => Type.Union([schema, Type.Null()]);

export const Uuid = Type.String({
  description: 'UUID, lower case',
  examples: ['7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11'],
  ...documented({ format: 'uuid', pattern: UUID.source }),
});
/** One that a caller may choose. */
export const ownUuid = (description: string): typeof Uuid =>
  Type.String({ description, ...documented({ format: 'uuid', pattern: UUID.source }) });

/** Postgres keeps no NUL in a text. */
export const NO_NUL = '^[^\\u0000]*$';
/** `key:value` in a query; without NUL too. */
export const TAG_QUERY = '^[^:\\u0000]+:[^\\u0000]*$';

/** `key:value` of an upload; what else is wrong with it the domain says. */
export const TAG_OF_UPLOAD = '^[^:]+:';
const TAG_FORM =
  'must be key:value, as in agent:researcher; the key ends at the first colon and is not empty, and NUL is in neither';
/** What is told of a text that does not match, where the description of its schema says something else, or nothing. */
export const PATTERN_MEANINGS: Readonly<Record<string, string>> = {
  [NO_NUL]: 'must not contain the character NUL',
  [TAG_QUERY]: TAG_FORM,
  [TAG_OF_UPLOAD]: TAG_FORM,
};

/** A moment that a caller names. */
export const anyTime = (description: string): typeof Uuid =>
  Type.String({ description, ...documented({ format: 'date-time', pattern: TIME.source }) });

/** A moment that a caller names and that must be to come. */
export const comingTime = (description: string): typeof Uuid =>
  Type.String({
    description,
    examples: ['2030-01-01T00:00:00Z'],
    ...documented({ format: 'date-time', pattern: TIME.source, 'x-to-come': true }),
  });

/** What a page gave to get the next one. */
export const cursor = (description: string): typeof Uuid =>
  Type.String({ description, ...documented({ minLength: 1, 'x-opaque': true }) });

/** Whole numbers that the domain checks. */
export const wholeNumber = (minimum: number, maximum: number): ReturnType<typeof documented> =>
  documented({ type: 'integer', minimum, maximum });

const TIMESTAMP = 'ISO 8601, UTC, milliseconds';
export const Timestamp = Type.String({
  description: TIMESTAMP,
  examples: ['2026-01-31T12:00:00.000Z'],
  ...documented({ format: 'date-time' }),
});
/** One that says what it is the time of. */
export const timestamp = (what: string): typeof Timestamp =>
  Type.String({
    description: `${what} (${TIMESTAMP})`,
    examples: ['2026-01-31T12:00:00.000Z'],
    ...documented({ format: 'date-time' }),
  });

export const Bytes = Type.Integer({ minimum: 0, description: 'Size in bytes', examples: [48_213] });

export const Sha256 = Type.String({
  description: 'SHA-256, 64 lower-case hexadecimal digits',
  ...documented({ pattern: SHA256.source }),
  examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
});

export const Crc32 = Type.String({
  description: 'CRC-32 (zlib, S3), 8 lower-case hexadecimal digits',
  ...documented({ pattern: CRC32.source }),
  examples: ['cbf43926'],
});

/** What `requireTags` lets through. Spaces one by one: not every regular expression knows what \\p{Z} is. */
const TAG_CHARACTERS = '\\p{L}\\p{N} \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000+\\-=._/@';
const NOT_RESERVED = '(?![aA][wW][sS]:|artifact-)';
/** `key:value`, as in a query. */
export const TAG_PAIR = `^${NOT_RESERVED}[${TAG_CHARACTERS}]{1,${MAX_TAG_KEY_BYTES}}:[${TAG_CHARACTERS}:]{0,${MAX_TAG_VALUE_BYTES}}$`;

/** S3 counts bytes: the lengths are those of ASCII. */
export const TAG_KEY = `^${NOT_RESERVED}[${TAG_CHARACTERS}:]{1,${MAX_TAG_KEY_BYTES}}$`;
export const TAG_VALUE = { maxLength: MAX_TAG_VALUE_BYTES, pattern: `^[${TAG_CHARACTERS}:]*$` };
const TAG_RULES = {
  maxProperties: MAX_USER_TAGS,
  propertyNames: { pattern: TAG_KEY },
  additionalProperties: { type: 'string', ...TAG_VALUE },
};

export const Tags = Type.Record(Type.String(), Type.String(), {
  description:
    'At most 8 tags; key of 1 to 128 and value of 0 to 256 bytes: letters, digits, spaces and + - = . _ : / @. ' +
    'Keys that begin with `aws:` or `artifact-` are reserved.',
  examples: [{ agent: 'researcher', step: '3' }],
  ...documented(TAG_RULES),
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
