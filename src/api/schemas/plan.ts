import { Type, type Static } from 'typebox';
import { PREVIEWED_ACTIONS } from '../../domain/preview.js';
import { documented } from '../openapi/documented.js';
import { Bytes, cursor, nullable, Timestamp, Uuid } from './atoms.js';

const because = Type.String({ description: 'The rule in words' });

export const Plan = Type.Object(
  {
    action: Type.String({ description: 'One of those that `GET /v1/plan` tells of, or `none`' }),
    at: nullable(Timestamp),
    rule: Type.String({ description: 'The rule that causes it, e.g. `default_retention`' }),
    because,
    wouldChange: Type.Array(Type.String(), { description: 'What would change it' }),
  },
  { description: 'What happens to the artifact next by itself, when and why' },
);

const PlannedActionKind = Type.Enum([...PREVIEWED_ACTIONS], {
  type: 'string',
  description:
    '`warn` of its expiry, `endHold`, `changeTier` (WARM, or COLD, which is ARCHIVED), `pollRestore`: a restore ends, ' +
    '`abandonUpload`, `expire`, `delete`: goes on with a deletion that is decided, `purge`: an undelete window ends',
});

/** Most artifacts of one page. */
const MAX_PAGE = 200;
export const MAX_WITHIN_DAYS = 366;
/** As many hours or days, and no more. */
const WITHIN =
  '^(?:(?:[1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-6])d|(?:[1-9][0-9]{0,2}|[1-7][0-9]{3}|8[0-6][0-9]{2}|87[0-7][0-9]|878[0-4])h)$';

export const PlanQuerystring = Type.Object(
  {
    within: Type.String({
      pattern: '^[1-9][0-9]{0,4}[hd]$',
      ...documented({ pattern: WITHIN }),
      default: '7d',
      description: `From now: hours (\`12h\`) or days (\`30d\`), at most ${MAX_WITHIN_DAYS}d, default 7d. Later pages keep the end of the first`,
    }),
    executionId: Type.Optional(Uuid),
    action: Type.Optional(
      Type.Array(PlannedActionKind, { maxItems: PREVIEWED_ACTIONS.length, description: 'Only these; repeatable' }),
    ),
    limit: Type.Integer({
      minimum: 1,
      maximum: MAX_PAGE,
      default: 50,
      description: `Artifacts of a page, 1 to ${MAX_PAGE}, default 50; all actions of an artifact are on one page`,
    }),
    cursor: Type.Optional(cursor('`nextCursor` of the page before')),
  },
  { additionalProperties: false },
);
export type PlanQuerystring = Static<typeof PlanQuerystring>;

const PlannedAction = Type.Object({
  artifactId: Uuid,
  executionId: Uuid,
  path: Type.String({ examples: ['output/report.pdf'] }),
  action: PlannedActionKind,
  at: Timestamp,
  rule: Type.String({ description: 'The rule that causes it', examples: ['default_retention'] }),
  because,
  sizeBytes: nullable(Bytes),
  isEstimate: Type.Boolean({
    description: 'The end of a restore (at the latest, by what S3 promises), and the tiers that count from it',
  }),
  undeleteUntil: Type.Union([Timestamp, Type.Null()], {
    description: 'Of a deletion: until when it can be undone; null: it cannot',
  }),
});
export type PlannedAction = Static<typeof PlannedAction>;

export const PlanPage = Type.Object(
  {
    from: Timestamp,
    until: Timestamp,
    items: Type.Array(PlannedAction, {
      description:
        'By artifact: one execution after the other, in each the artifact first to which something happens first; each with all ' +
        'that happens to it, in the order of time. A page may be short or empty and not be the last',
    }),
    totals: Type.Union(
      [
        Type.Object({
          complete: Type.Boolean({ description: 'False: too many to count; there is more than this' }),
          artifacts: Type.Integer({ description: 'To which something happens' }),
          actions: Type.Array(Type.Object({ action: PlannedActionKind, count: Type.Integer(), sizeBytes: Bytes }), {
            description: 'Those that happen at all',
          }),
        }),
        Type.Null(),
      ],
      { description: 'Over all pages; on the first page only' },
    ),
    nextCursor: nullable(
      Type.String({ description: 'Give it as `cursor` to get the next page; null on the last one' }),
    ),
  },
  { description: 'Everything that will happen by itself, if nobody says anything before' },
);
export type PlanPage = Static<typeof PlanPage>;
