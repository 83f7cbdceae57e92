import { Type, type Static, type TBoolean, type TInteger, type TObject, type TOptional } from 'typebox';
import { DEFAULT_SHARE_USES, MAX_SHARE_USES, SHARE_ENDS } from '../../domain/shares.js';
import { DAY_MS, SECOND_MS } from '../../domain/units.js';
import { documented } from '../openapi/documented.js';
import { nullable, Timestamp, timestamp, Uuid } from './atoms.js';

const DAY_SECONDS = DAY_MS / SECOND_MS;

/** @param days most, and default, life of a link that may be asked for. */
export const shareBody = (days: {
  most: number;
  default: number;
}): TObject<{ expiresIn: TInteger; singleUse: TBoolean; maxUses: TOptional<TInteger> }> =>
  Type.Object(
    {
      expiresIn: Type.Integer({
        minimum: 1,
        maximum: days.most * DAY_SECONDS,
        default: Math.min(days.default, days.most) * DAY_SECONDS,
        description: `Life of the link in seconds, 1 to ${days.most * DAY_SECONDS}`,
      }),
      singleUse: Type.Boolean({
        default: false,
        description: 'The first who gets the bytes is the last; as `maxUses` 1',
      }),
      maxUses: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: MAX_SHARE_USES,
          description: `Answers with bytes, of ranges too; default ${DEFAULT_SHARE_USES}`,
        }),
      ),
    },
    {
      additionalProperties: false,
      examples: [{ expiresIn: 86_400, singleUse: true }],
      ...documented({
        not: {
          properties: { singleUse: { const: true }, maxUses: { not: { const: 1 } } },
          required: ['singleUse', 'maxUses'],
        },
      }),
    },
  );
export type ShareBody = Static<ReturnType<typeof shareBody>>;

export const Share = Type.Object(
  {
    id: Uuid,
    artifactId: Uuid,
    createdBy: Type.String(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    maxUses: Type.Integer(),
    uses: Type.Integer({ description: 'Answers with bytes so far' }),
    lastUsedAt: nullable(timestamp('When it was used last')),
    revokedAt: nullable(timestamp('When somebody revoked it')),
    revokedBy: nullable(Type.String()),
    ended: nullable(Type.Enum([...SHARE_ENDS], { type: 'string', description: 'Why it can no longer be used' })),
  },
  { additionalProperties: false, description: 'A link by which anyone gets the bytes' },
);
export type ShareJson = Static<typeof Share>;

export const ShareAnswer = Type.Object({ share: Share });

export const MadeShare = Type.Object({
  share: Share,
  url: Type.String({
    description: 'The link: a secret, answered this once. Ask again with the same `Idempotency-Key` if it got lost',
    examples: ['https://files.example/v1/shared/shr_…'],
  }),
});

export const ShareList = Type.Object({
  items: Type.Array(Share, { description: 'Those that can be used, then the latest that have ended; newest first' }),
});

export const ShareParams = Type.Object({ id: Uuid, shareId: Uuid });

export const SharedParams = Type.Object({ token: Type.String({ description: 'The secret part of a link' }) });
