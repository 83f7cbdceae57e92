import { Type, type Static } from 'typebox';
import { nullable } from './atoms.js';

const Amount = Type.Object(
  { artifacts: Type.Integer({ examples: [12] }), bytes: Type.Integer({ examples: [48_213] }) },
  { additionalProperties: false },
);

const Quota = Type.Object(
  {
    limit: nullable(Type.Integer({ description: 'Null: any number' })),
    left: nullable(Type.Integer({ description: '0 also where there is more than the limit' })),
  },
  { additionalProperties: false },
);

export const Usage = Type.Object(
  {
    scope: Type.Enum(['execution', 'tenant', 'executions'], {
      type: 'string',
      description: '`executions`: those that the token is narrowed to',
    }),
    total: Amount,
    tiers: Type.Object({ HOT: Amount, WARM: Amount, COLD: Amount }, { additionalProperties: false }),
    quotas: Type.Union(
      [Type.Object({ artifacts: Quota, bytes: Quota }, { additionalProperties: false }), Type.Null()],
      { description: 'Null for `executions`: what others of the tenant have left is not told' },
    ),
  },
  {
    description:
      'What counts for the quotas: everything that is not DELETED, uploads with the size they claim and what waits for its publication included',
  },
);
export type Usage = Static<typeof Usage>;
