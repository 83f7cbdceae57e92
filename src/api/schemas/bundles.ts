import { Type } from 'typebox';
import { ArtifactTypeSchema, TagFilter } from './artifact.js';

export const BundleQuerystring = Type.Object(
  {
    type: Type.Optional(ArtifactTypeSchema),
    tag: Type.Optional(TagFilter),
    path: Type.Optional(
      Type.String({
        description: 'What the path begins with',
        examples: ['output/charts/'],
        maxLength: 1_024,
      }),
    ),
  },
  { additionalProperties: false },
);

export const BundleHeaders = Type.Object(
  { 'if-none-match': Type.Optional(Type.String({ description: 'ETag(s) the caller has: 304 when still the same' })) },
  { additionalProperties: true },
);
