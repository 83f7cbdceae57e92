import { Type } from 'typebox';
import { nullable, Tags } from './atoms.js';

export const TagsBody = Type.Object(
  { tags: Tags },
  { additionalProperties: false, description: 'All tags from now on', examples: [{ tags: { agent: 'researcher' } }] },
);

export const TagChangesBody = Type.Object(
  {
    tags: Type.Record(Type.String(), nullable(Type.String()), {
      description: 'Tags to set; null removes one, and what is not named stays (as in a JSON merge patch)',
    }),
  },
  { additionalProperties: false, examples: [{ tags: { reviewed: 'yes', draft: null } }] },
);
