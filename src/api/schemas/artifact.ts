import { Type, type Static } from 'typebox';
import {
  ARTIFACT_STATUSES,
  ARTIFACT_TYPES,
  CHECKSUM_STATES,
  DELETION_REASONS,
  MAX_ARTIFACT_BYTES,
  RESTORE_STATES,
} from '../../domain/artifact.js';
import { LIST_SORTS } from '../../domain/artifact-filters.js';
import { STORAGE_TIERS } from '../../domain/tiers.js';
import { shared } from './shared.js';
import { anyTime, cursor, NO_NUL, nullable, TAG_QUERY, Tags, Timestamp, timestamp, Uuid } from './atoms.js';

export const ArtifactTypeSchema = Type.Enum([...ARTIFACT_TYPES], {
  type: 'string',
  description: 'FEAT-004 REQ-8; guessed from path and MIME type when absent',
});
export const ArtifactStatusSchema = Type.Enum([...ARTIFACT_STATUSES], { type: 'string' });

const Retention = Type.Union(
  [
    Type.Object(
      {
        rule: Type.Enum(['default', 'execution', 'artifact'], { type: 'string' }),
        days: Type.Integer({ description: 'Whole days from `createdAt`' }),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      { rule: Type.Literal('date'), expiresAt: Timestamp },
      { additionalProperties: false, description: 'Somebody named the moment' },
    ),
    Type.Object(
      {
        rule: Type.Literal('permanent'),
        by: Type.String({ description: '`sub` of the token that asked for it' }),
        reason: Type.String(),
        at: Timestamp,
      },
      { additionalProperties: false },
    ),
  ],
  { description: 'How long it is kept and by whose word', examples: [{ rule: 'default', days: 30 }] },
);

export const Hold = Type.Object(
  {
    id: Uuid,
    by: Type.String({ description: 'Who placed it' }),
    reason: Type.String(),
    at: Timestamp,
    until: nullable(Timestamp),
  },
  { additionalProperties: false, description: 'While there is one, the artifact neither expires nor can be deleted' },
);

export type Hold = Static<typeof Hold>;

const tierDays = (what: string) =>
  nullable(Type.Integer({ description: `${what}, in days from creation or the last restore; null: never` }));

/** FEAT-004 `ArtifactMetadata`, and what else is known. */
export const ArtifactSchema = Type.Object(
  {
    id: Uuid,
    executionId: Uuid,
    fileName: Type.String({ description: 'Last segment of `path`', examples: ['report.pdf'] }),
    path: Type.String({ description: 'Begins with `output/` or `logs/`', examples: ['output/report.pdf'] }),
    filePath: Type.String({
      description: 'S3 key',
      examples: ['artifacts/7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11/output/report.pdf'],
    }),
    fileSize: Type.Integer({ description: 'Bytes; 0 while a stream of unknown length uploads', examples: [48_213] }),
    mimeType: Type.String({ examples: ['application/pdf'] }),
    checksum: Type.String({ description: 'SHA-256 of the whole file, lower-case hex; empty while it is not known' }),
    checksumState: Type.Enum([...CHECKSUM_STATES], {
      type: 'string',
      description:
        '`claimed` by the uploader; `verified` by the store or by reading back; `mismatch`: other bytes (409 `content_mismatch`)',
    }),
    type: ArtifactTypeSchema,
    status: ArtifactStatusSchema,
    tier: Type.Enum([...STORAGE_TIERS], { type: 'string' }),
    storageClass: Type.String({ description: 'What S3 said last', examples: ['STANDARD'] }),
    tags: Tags,
    retention: Retention,
    holds: Type.Array(Hold, { description: 'Oldest first' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    expiresAt: nullable(Timestamp),
    archivedAt: nullable(Timestamp),
    deletedAt: nullable(Timestamp),
    deletionReason: nullable(Type.Enum([...DELETION_REASONS], { type: 'string' })),
    purgeAt: nullable(timestamp('Until when it can be undeleted; null: it is not deleted, or cannot be brought back')),
    warnedAt: nullable(timestamp('When its coming expiry was told of')),
    restoreEta: nullable(timestamp('When a running restore is over at the latest')),
    tiering: Type.Object(
      {
        warmAfterDays: tierDays('When it becomes WARM'),
        coldAfterDays: tierDays('When it is archived'),
        by: Type.Enum(['age', 'last_access'], {
          type: 'string',
          description: '`last_access`: the days count from the last download too',
        }),
      },
      { additionalProperties: false, description: 'When age, or not being used, moves it' },
    ),
    restoreState: nullable(Type.Enum([...RESTORE_STATES], { type: 'string' })),
    downloads: Type.Integer({
      minimum: 0,
      description: 'How often it was given out: downloads that began, and URLs to it; some seconds late',
      examples: [3],
    }),
    lastDownloadedAt: nullable(timestamp('When it was given out last, some seconds late; null: never')),
    uploadDeadline: nullable(Timestamp),
    workflowId: Type.String({ description: 'Temporal workflow that runs its life' }),
  },
  { $id: 'Artifact' },
);
export type Artifact = Static<typeof ArtifactSchema>;
export const Artifact = shared('Artifact', ArtifactSchema);

export const ArtifactAnswer = Type.Object({ artifact: Artifact });

export type ArtifactPage = Static<typeof ArtifactPage>;
export const ArtifactPage = Type.Object({
  items: Type.Array(Artifact, {
    description: 'A page for which little matches may be short, or empty, and not be the last',
  }),
  nextCursor: nullable(Type.String({ description: 'Give it as `cursor` to get the next page; null on the last one' })),
});

/** Most rows of one page. */
const MAX_PAGE = 200;

/** Of a query: pairs that must all match. */
export const TagFilter = Type.Array(Type.String({ pattern: TAG_QUERY }), {
  maxItems: 8,
  description: '`key:value`, repeatable; all must match. The key ends at the first colon.',
  examples: [['agent:researcher']],
});

const bytes = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_ARTIFACT_BYTES, description }));

/** Texts of a filter: no path is longer. */
const MAX_TEXT_CHARACTERS = 1_024;

export const ListQuerystring = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: 50, description: `1 to ${MAX_PAGE}, default 50` }),
    cursor: Type.Optional(cursor('`nextCursor` of the page before; counts for the same filters and order only')),
    sort: Type.Enum([...LIST_SORTS], {
      type: 'string',
      default: 'newest',
      description:
        'Default `newest`. `expiring`: what expires first, and last of all what never does. By size or expiry, an artifact whose size or ' +
        'expiry changes while pages are read may be seen twice or not at all',
    }),
    type: Type.Optional(ArtifactTypeSchema),
    status: Type.Optional(
      Type.Array(ArtifactStatusSchema, {
        maxItems: ARTIFACT_STATUSES.length,
        description: 'One of these; repeatable. Without it DELETED ones are left out',
      }),
    ),
    tier: Type.Optional(Type.Enum([...STORAGE_TIERS], { type: 'string' })),
    tag: Type.Optional(TagFilter),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_TEXT_CHARACTERS,
        pattern: NO_NUL,
        description: 'The file name; each `*` stands for any characters, or none. Case counts',
        examples: ['*.pdf'],
      }),
    ),
    path: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_TEXT_CHARACTERS,
        pattern: NO_NUL,
        description: 'What the path begins with. Case counts',
        examples: ['output/charts/'],
      }),
    ),
    minBytes: bytes('At least so large'),
    maxBytes: bytes('At most so large'),
    createdAfter: Type.Optional(anyTime('Created then or later')),
    createdBefore: Type.Optional(anyTime('Created before')),
    expiresBefore: Type.Optional(anyTime('Expires before; what never expires does not')),
  },
  { additionalProperties: false },
);
export type ListQuerystring = Static<typeof ListQuerystring>;

export const SearchQuerystring = Type.Object(
  { executionId: Type.Optional(Uuid), ...ListQuerystring.properties },
  { additionalProperties: false },
);

export const History = Type.Object({
  items: Type.Array(
    Type.Object({
      kind: Type.String({ examples: ['upload_begun'] }),
      actor: Type.String({ description: '`sub` of a token; `worker`; `link`: whoever used a share link' }),
      at: Timestamp,
      detail: Type.Record(Type.String(), Type.Unknown(), { description: 'Evidence and reasons' }),
    }),
  ),
});
