import { Type, type Static } from 'typebox';
import { DRIFT_KINDS, OUTCOMES } from '../../domain/drift.js';
import { RECONCILIATION_MODES } from '../../domain/reconcile.js';
import { Bytes, cursor, nullable, Timestamp } from './atoms.js';

/** Most findings of one page. */
const MAX_PAGE = 200;

const Kind = Type.Enum([...DRIFT_KINDS], {
  type: 'string',
  description: 'Which of bucket, row and workflow lacks what, or says something else',
});
const FindingOutcome = Type.Enum([...OUTCOMES], {
  type: 'string',
  description:
    '`open`: nothing was done about it (a dry run), `repaired`, `lost`: its bytes are gone, so the artifact is DELETED (`bytes_lost`), `quarantined`: watched before it goes for good, ' +
    '`withheld`: so much would be lost that it looks like a mistake, `gone`: it was not so any more, `failed`',
});

export const ReconciliationQuerystring = Type.Object(
  {
    limit: Type.Integer({
      minimum: 1,
      maximum: MAX_PAGE,
      default: 50,
      description: `Findings of a page, 1 to ${MAX_PAGE}, default 50`,
    }),
    cursor: Type.Optional(cursor('`nextCursor` of the page before; later pages are of the same report')),
  },
  { additionalProperties: false },
);

const Finding = Type.Object({
  number: Type.Integer({ minimum: 1, description: 'In its report', examples: [1] }),
  kind: Kind,
  artifactId: nullable(Type.String()),
  executionId: nullable(Type.String()),
  key: Type.Union([Type.String(), Type.Null()], { description: 'In the bucket' }),
  sizeBytes: nullable(Bytes),
  since: Type.Union([Timestamp, Type.Null()], { description: 'At the earliest; null: not known' }),
  outcome: FindingOutcome,
  note: Type.Union([Type.String(), Type.Null()], { description: 'Why, for people' }),
});

export const Reconciliation = Type.Object(
  {
    id: Type.String(),
    mode: Type.Enum([...RECONCILIATION_MODES], { type: 'string', description: '`dry-run` only finds' }),
    startedAt: Timestamp,
    finishedAt: Type.Union([Timestamp, Type.Null()], { description: 'Null while it runs' }),
    isComplete: Type.Boolean({ description: 'False also when it gave up, or was ended from outside' }),
    totals: Type.Union(
      [
        Type.Array(Type.Object({ kind: Kind, outcome: FindingOutcome, findings: Type.Integer(), sizeBytes: Bytes }), {
          description: 'Of the tenant; those that are not 0',
        }),
        Type.Null(),
      ],
      { description: 'Null for a token that is narrowed to executions' },
    ),
    items: Type.Array(Finding, {
      description: 'In the order of their numbers. A page may be short and not be the last',
    }),
    nextCursor: nullable(
      Type.String({ description: 'Give it as `cursor` to get the next page; null on the last one' }),
    ),
  },
  { description: 'What the last reconciliation has found about the artifacts of the tenant' },
);
export type Reconciliation = Static<typeof Reconciliation>;
