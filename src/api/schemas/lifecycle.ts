import { Type, type Static } from 'typebox';
import { MAX_RETENTION_DAYS } from '../../domain/retention.js';
import { RESTORE_TIERS } from '../../domain/tiers.js';

export const RetentionBody = Type.Object(
  {
    days: Type.Optional(Type.Number({ description: `Whole days from creation, 1 to ${MAX_RETENTION_DAYS}` })),
    confirm: Type.Optional(
      Type.Boolean({
        description: 'With `days`: needed when that day lies in the past, which deletes the artifact now',
      }),
    ),
    permanent: Type.Optional(Type.Literal(true, { description: 'Instead of `days`: keep it for ever' })),
    reason: Type.Optional(Type.String({ maxLength: 1_000, description: 'With `permanent`: why, for the history' })),
  },
  {
    additionalProperties: false,
    description: 'Either `days` or `permanent`',
    examples: [{ days: 90 }, { permanent: true, reason: 'release evidence' }],
  },
);
export type RetentionBody = Static<typeof RetentionBody>;

export const ExecutionRetentionBody = Type.Object(
  {
    days: Type.Number({ description: `Whole days from the creation of each artifact, 1 to ${MAX_RETENTION_DAYS}` }),
    confirm: Type.Optional(
      Type.Boolean({ description: 'Needed when artifacts would be due at once, which deletes them' }),
    ),
  },
  { additionalProperties: false, examples: [{ days: 365 }] },
);

export const ExecutionRetention = Type.Object({
  retentionDays: Type.Integer({ description: 'What artifacts of the execution inherit from now on' }),
});

export const RestoreBody = Type.Object(
  {
    tier: Type.Enum([...RESTORE_TIERS], {
      type: 'string',
      default: 'Standard',
      description: 'How fast: Expedited 1 to 5 minutes, Standard 3 to 5 hours, Bulk 5 to 12 hours (S3 Glacier)',
    }),
  },
  { additionalProperties: false },
);

export const DeletedCount = Type.Object({
  deleted: Type.Integer({ minimum: 0, description: 'Artifacts that this request deleted' }),
});
