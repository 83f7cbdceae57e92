import { Type } from 'typebox';
import { documented } from '../openapi/documented.js';
import { nullable, TAG_KEY, TAG_VALUE, Tags } from './atoms.js';

export const TagsBody = Type.Object(
  { tags: Tags },
  { additionalProperties: false, description: 'All tags from now on', examples: [{ tags: { agent: 'researcher' } }] },
);

export const TagChangesBody = Type.Object(
  {
    tags: Type.Record(Type.String(), nullable(Type.String()), {
      ...documented({
        propertyNames: { pattern: TAG_KEY },
        additionalProperties: { anyOf: [{ type: 'string', ...TAG_VALUE }, { type: 'null' }] },
      }),
      description: 'Tags to set; null removes one, and what is not named stays (as in a JSON merge patch)',
    }),
  },
  { additionalProperties: false, examples: [{ tags: { reviewed: 'yes', draft: null } }] },
);
