import { Type, type Static, type TSchema, type TString } from 'typebox';
import { MAX_ARTIFACT_BYTES } from '../../domain/artifact.js';
import { SHA256 } from '../../domain/checksum.js';
import { MAX_PARTS, SINGLE_PUT_MAX_BYTES } from '../../domain/part-plan.js';
import { MAX_RETENTION_DAYS } from '../../domain/retention.js';
import { Artifact, ArtifactTypeSchema } from './artifact.js';
import { TIME } from '../../domain/time.js';
import { documented } from '../openapi/documented.js';
import { Bytes, comingTime, Crc32, nullable, Sha256, SignedRequest, Tags, wholeNumber } from './atoms.js';
import { FILE_NAME, MIME_TYPE_RULE, Replace } from './files.js';

/** Most parts that are signed by one request. */
const MAX_PARTS_PER_REQUEST = 100;

const tierDays = (what: string) =>
  Type.Optional(
    nullable(
      Type.Number({
        description: `Whole days after which ${what}, 0 to ${MAX_RETENTION_DAYS}; null: never`,
        ...wholeNumber(0, MAX_RETENTION_DAYS),
      }),
    ),
  );

export const BeginUploadBody = Type.Object(
  {
    fileName: Type.String({
      description:
        'Name, or path below `output/` (default) or `logs/`. Segments of 1 to 255 characters; no `..`, no control characters.',
      examples: ['charts/latency.png'],
      ...documented({ pattern: FILE_NAME }),
    }),
    sizeBytes: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: `Bytes, at most ${MAX_ARTIFACT_BYTES} (5 GiB). Absent for a stream of unknown length.`,
        examples: [48_213],
        ...documented({ maximum: MAX_ARTIFACT_BYTES }),
      }),
    ),
    sha256: Type.Optional(
      Type.String({
        description: 'SHA-256 of the whole file, hex. Needed, with `sizeBytes`, below 16 MiB (16777216 bytes).',
        examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
        ...documented({ pattern: SHA256.source }),
      }),
    ),
    mimeType: Type.Optional(
      Type.String({
        description: 'At most 100 characters; guessed from the name when absent',
        examples: ['image/png'],
        ...documented(MIME_TYPE_RULE),
      }),
    ),
    type: Type.Optional(ArtifactTypeSchema),
    tags: Type.Optional(Tags),
    retentionDays: Type.Optional(
      Type.Number({
        description: `Whole days from creation, 1 to ${MAX_RETENTION_DAYS}. Default: the execution's, else 30.`,
        examples: [90],
        ...wholeNumber(1, MAX_RETENTION_DAYS),
      }),
    ),
    expiresAt: Type.Optional(
      comingTime('Instead of `retentionDays`: the moment at which it expires, to come; ISO 8601 with an offset'),
    ),
    sourceModifiedAt: Type.Optional(
      Type.String({
        description:
          'When the file was written to last; ISO 8601 with an offset. An upload under way of a file that differs is refused with `source_changed`.',
        examples: ['2026-11-24T08:30:00.123Z'],
        ...documented({ format: 'date-time', pattern: TIME.source }),
      }),
    ),
    tiering: Type.Optional(
      Type.Object(
        { warmAfterDays: tierDays('it moves to infrequent access'), coldAfterDays: tierDays('it is archived') },
        { additionalProperties: false, description: 'When age moves it; what is left out is as the deployment says' },
      ),
    ),
    replace: Replace,
  },
  {
    additionalProperties: false,
    examples: [
      {
        fileName: 'charts/latency.png',
        sizeBytes: 48_213,
        sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        tags: { agent: 'researcher', step: '3' },
        retentionDays: 90,
      },
      { fileName: 'logs/agent.log' },
    ],
    ...documented({
      anyOf: [
        { required: ['sizeBytes', 'sha256'] },
        { required: ['sizeBytes'], properties: { sizeBytes: { minimum: SINGLE_PUT_MAX_BYTES + 1 }, sha256: false } },
        { properties: { sizeBytes: false, sha256: false } },
      ],
      not: { required: ['retentionDays', 'expiresAt'] },
    }),
  },
);
export type BeginUploadBody = Static<typeof BeginUploadBody>;

const SingleUpload = Type.Object(
  { kind: Type.Literal('single'), request: SignedRequest },
  { additionalProperties: false, description: 'One PUT; the store refuses other bytes, another length, type or tags' },
);
const MultipartUpload = Type.Object(
  {
    kind: Type.Literal('multipart'),
    partSizeBytes: Type.Integer({ description: 'Size of every part but the last, in bytes' }),
    partCount: nullable(Type.Integer({ description: 'Null for a stream of unknown length' })),
  },
  { additionalProperties: false, description: 'Ask for signed parts with `POST …/upload/parts`' },
);

const UploadInstructions = Type.Union([SingleUpload, MultipartUpload, Type.Null()], {
  description: 'How to send the bytes; null when there is nothing to send',
});
/** How the bytes are sent, as it goes over the wire. */
export type UploadInstructions = Static<typeof UploadInstructions>;

export const BegunUpload = Type.Object({
  artifact: Artifact,
  created: Type.Boolean({ description: 'This request began it, as the 201 says: nothing of it has arrived yet' }),
  upload: UploadInstructions,
});
export type BegunUpload = Static<typeof BegunUpload>;

const PartNumber = Type.Integer({
  description: `From 1, at most ${MAX_PARTS}`,
  examples: [1],
  ...documented({ minimum: 1, maximum: MAX_PARTS }),
});

export const SignPartsBody = Type.Object(
  {
    parts: Type.Array(
      Type.Object({ partNumber: PartNumber, sizeBytes: Bytes, crc32: Crc32 }, { additionalProperties: false }),
      { minItems: 1, maxItems: MAX_PARTS_PER_REQUEST },
    ),
  },
  { additionalProperties: false },
);
export type PartClaim = Static<typeof SignPartsBody>['parts'][number];

export const SignedParts = Type.Object({
  parts: Type.Array(Type.Object({ partNumber: PartNumber, request: SignedRequest })),
});
export type SignedParts = Static<typeof SignedParts>;

const FileBytes = Type.Integer({
  minimum: 0,
  description: 'Bytes of the whole file',
  examples: [48_213],
  ...documented({ maximum: MAX_ARTIFACT_BYTES }),
});

export const CompleteUploadBody = Type.Object(
  { sizeBytes: FileBytes, sha256: Sha256 },
  { additionalProperties: false },
);
export type CompleteUploadBody = Static<typeof CompleteUploadBody>;

const progress = {
  receivedBytes: Bytes,
  totalBytes: nullable(Type.Integer({ description: 'Null while the size is unknown (a stream)' })),
  percent: nullable(Type.Integer({ minimum: 0, maximum: 100, description: 'Null while the size is unknown' })),
  parts: Type.Integer({ description: 'Parts that have arrived; a small file is one' }),
  partCount: nullable(Type.Integer({ description: 'Null while the size is unknown' })),
  bytesPerSecond: nullable(
    Type.Integer({ description: 'Of the last minute; 0 when nothing comes any more, null while nothing can be said' }),
  ),
  etaSeconds: nullable(
    Type.Integer({ description: 'Seconds until all is there, at that speed; null: nobody can say' }),
  ),
};

export const UploadStatus = Type.Object({
  artifact: Artifact,
  upload: UploadInstructions,
  receivedParts: Type.Array(
    Type.Object({
      partNumber: PartNumber,
      sizeBytes: Bytes,
      crc32: nullable(Type.String({ description: 'Null on a store that keeps no part checksums' })),
    }),
  ),
  ...progress,
});
export type UploadStatus = Static<typeof UploadStatus>;

/** The data of one server-sent event. */
export const UploadEvent = Type.Object({ artifact: Artifact, ...progress });
export type UploadEvent = Static<typeof UploadEvent>;

const json = (contentSchema: TSchema): TString => Type.String({ contentMediaType: 'application/json', contentSchema });
/** One event of the stream, as OpenAPI 3.2 describes them; nothing is sent by it. */
export const UploadServerSentEvent = Type.Union([
  Type.Object({
    event: Type.Enum(['progress', 'state'], { type: 'string' }),
    id: Type.String({ description: 'Give it as Last-Event-ID to go on from here', examples: ['3-48213'] }),
    data: json(UploadEvent),
  }),
  Type.Object({
    event: Type.Literal('end'),
    data: json(Type.Object({ reason: Type.Enum(['done', 'token_expired', 'stopping'], { type: 'string' }) })),
  }),
]);
