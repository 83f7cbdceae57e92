import { Type, type Static } from 'typebox';
import { MAX_RETENTION_DAYS } from '../../domain/retention.js';
import { RESTORE_TIERS } from '../../domain/tiers.js';
import { documented } from '../openapi/documented.js';
import { comingTime, ownUuid, Uuid, wholeNumber } from './atoms.js';

export const RetentionBody = Type.Object(
  {
    days: Type.Optional(
      Type.Number({
        description: `Whole days from creation, 1 to ${MAX_RETENTION_DAYS}`,
        ...wholeNumber(1, MAX_RETENTION_DAYS),
      }),
    ),
    expiresAt: Type.Optional(comingTime('The moment itself, ISO 8601 with an offset; in the past only with `confirm`')),
    permanent: Type.Optional(Type.Literal(true, { description: 'Keep it for ever' })),
    confirm: Type.Optional(
      Type.Boolean({
        description: 'With `days` or `expiresAt`: needed when that lies in the past, which deletes the artifact now',
      }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 1_000, description: 'With `permanent`: why, for the history' })),
  },
  {
    additionalProperties: false,
    description: 'One of `days`, `expiresAt` and `permanent`',
    ...documented({
      oneOf: [
        { required: ['days'], properties: { expiresAt: false, permanent: false, reason: false } },
        { required: ['expiresAt'], properties: { days: false, permanent: false, reason: false } },
        { required: ['permanent'], properties: { days: false, expiresAt: false, confirm: false } },
      ],
    }),
    examples: [{ days: 90 }, { expiresAt: '2030-01-01T00:00:00Z' }, { permanent: true, reason: 'release evidence' }],
  },
);
export type RetentionBody = Static<typeof RetentionBody>;

export const ExecutionRetentionBody = Type.Object(
  {
    days: Type.Number({
      description: `Whole days from the creation of each artifact, 1 to ${MAX_RETENTION_DAYS}`,
      ...wholeNumber(1, MAX_RETENTION_DAYS),
    }),
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

export const DeleteQuerystring = Type.Object(
  {
    purge: Type.Boolean({
      default: false,
      description: 'Remove the bytes at once and for good, also of an artifact that is deleted and could be undeleted',
    }),
  },
  { additionalProperties: false },
);

/** Longest time to wait for a deletion within one request, in seconds. */
const MAX_WAIT_SECONDS = 50;

export const DeletionQuerystring = Type.Object(
  {
    deletionId: Type.Optional(
      ownUuid(
        'UUID of your choice. Asked for again under the same one, it is the same deletion: it is joined while it runs, and ' +
          'answered with the same numbers afterwards.',
      ),
    ),
    waitSeconds: Type.Integer({
      minimum: 0,
      maximum: MAX_WAIT_SECONDS,
      default: MAX_WAIT_SECONDS,
      description: 'How long to wait for its end before the answer is 202',
    }),
  },
  { additionalProperties: false },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const ExecutionDeletion = Type.Object({
  deletionId: Uuid,
  finished: Type.Boolean({ description: 'False with 202: it goes on; ask again under this `deletionId`' }),
  deleted: count('Artifacts that it has deleted; the same number for all who joined it'),
  held: count('Artifacts that stay because they are held'),
  underWay: count('Artifacts that are not deleted yet. Each goes on by itself, also when `finished` is true'),
  orphaned: count('Artifacts whose workflow was ended from outside, so that nothing goes on: an operator must look'),
});
