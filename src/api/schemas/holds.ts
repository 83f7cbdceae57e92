import { Type } from 'typebox';
import { MAX_HOLD_REASON_BYTES } from '../../domain/holds.js';
import { Artifact, Hold } from './artifact.js';
import { documented } from '../openapi/documented.js';
import { comingTime, ownUuid, Uuid } from './atoms.js';

export const HoldBody = Type.Object(
  {
    id: Type.Optional(ownUuid('UUID of your choice: the same request may then be repeated. Made by us when absent')),
    reason: Type.String({
      description: `Why, for the history: 1 to ${MAX_HOLD_REASON_BYTES} bytes, not only spaces`,
      examples: ['case 17'],
      ...documented({ minLength: 1, maxLength: MAX_HOLD_REASON_BYTES, pattern: '\\S' }),
    }),
    until: Type.Optional(comingTime('When it ends by itself, ISO 8601 with an offset; absent: when somebody ends it')),
  },
  {
    additionalProperties: false,
    examples: [{ reason: 'case 17' }, { reason: 'audit of 2029', until: '2030-01-01T00:00:00Z' }],
  },
);

export const HoldParams = Type.Object({ id: Uuid, holdId: Uuid });

export const HoldAnswer = Type.Object({ artifact: Artifact, hold: Hold });

export const Holds = Type.Object({ items: Type.Array(Hold, { description: 'Oldest first' }) });
