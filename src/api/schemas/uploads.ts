import { Type, type Static } from 'typebox';
import { MAX_ARTIFACT_BYTES } from '../../domain/artifact.js';
import { MAX_PARTS } from '../../domain/part-plan.js';
import { MAX_RETENTION_DAYS } from '../../domain/retention.js';
import { Artifact, ArtifactTypeSchema } from './artifact.js';
import { Bytes, Crc32, nullable, Sha256, SignedRequest, Tags } from './atoms.js';

/** Most parts that are signed by one request. */
const MAX_PARTS_PER_REQUEST = 100;

const tierDays = (what: string) =>
  Type.Optional(
    nullable(Type.Number({ description: `Whole days after which ${what}, 0 to ${MAX_RETENTION_DAYS}; null: never` })),
  );

export const BeginUploadBody = Type.Object(
  {
    fileName: Type.String({
      description:
        'Name, or path below `output/` (default) or `logs/`. Segments of 1 to 255 characters; no `..`, no control characters.',
      examples: ['charts/latency.png'],
    }),
    sizeBytes: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: `Bytes, at most ${MAX_ARTIFACT_BYTES} (5 GiB). Absent for a stream of unknown length.`,
        examples: [48_213],
      }),
    ),
    sha256: Type.Optional(
      Type.String({
        description: 'SHA-256 of the whole file, hex. Needed, with `sizeBytes`, below 16 MiB (16777216 bytes).',
      }),
    ),
    mimeType: Type.Optional(
      Type.String({
        description: 'At most 100 characters; guessed from the name when absent',
        examples: ['image/png'],
      }),
    ),
    type: Type.Optional(ArtifactTypeSchema),
    tags: Type.Optional(Tags),
    retentionDays: Type.Optional(
      Type.Number({
        description: `Whole days from creation, 1 to ${MAX_RETENTION_DAYS}. Default: the execution's, else 30.`,
        examples: [90],
      }),
    ),
    expiresAt: Type.Optional(
      Type.String({
        description: 'Instead of `retentionDays`: the moment at which it expires, to come; ISO 8601 with an offset',
        examples: ['2030-01-01T00:00:00Z'],
      }),
    ),
    sourceModifiedAt: Type.Optional(
      Type.String({
        description:
          'When the file was written to last; ISO 8601 with an offset. An upload under way of a file that differs is refused with `source_changed`.',
        examples: ['2026-11-24T08:30:00.123Z'],
      }),
    ),
    tiering: Type.Optional(
      Type.Object(
        { warmAfterDays: tierDays('it moves to infrequent access'), coldAfterDays: tierDays('it is archived') },
        { additionalProperties: false, description: 'When age moves it; what is left out is as the deployment says' },
      ),
    ),
  },
  { additionalProperties: false },
);
export type BeginUploadBody = Static<typeof BeginUploadBody>;

export const BeginUploadHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        '1 to 255 visible ASCII characters. The same key for the same path is the same request: it is answered with the upload that it ' +
        'began, and how to go on with it.',
      examples: ['turn-7-report'],
    }),
  ),
});

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

const PartNumber = Type.Integer({ description: `From 1, at most ${MAX_PARTS}`, examples: [1] });

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

export const CompleteUploadBody = Type.Object({ sizeBytes: Bytes, sha256: Sha256 }, { additionalProperties: false });
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
