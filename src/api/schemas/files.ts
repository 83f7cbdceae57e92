import { Type, type Static } from 'typebox';
import { MAX_RETENTION_DAYS } from '../../domain/retention.js';
import { ArtifactTypeSchema } from './artifact.js';
import { Uuid } from './atoms.js';

/** Below which an artifact can be put. */
const FOLDERS = ['output', 'logs'] as const;

export const FileParams = Type.Object({
  executionId: Uuid,
  folder: Type.Enum([...FOLDERS], { type: 'string' }),
  '*': Type.String({ description: 'The rest of the path, with `/` between folders', examples: ['charts/latency.png'] }),
});

export const FileQuery = Type.Object(
  {
    type: Type.Optional(ArtifactTypeSchema),
    tag: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^:]+:' }), {
        maxItems: 8,
        description: '`key:value`, repeatable. The key ends at the first colon.',
        examples: [['agent:researcher']],
      }),
    ),
    retentionDays: Type.Optional(
      Type.Number({ description: `Whole days from creation, 1 to ${MAX_RETENTION_DAYS}`, examples: [90] }),
    ),
    expiresAt: Type.Optional(
      Type.String({ description: 'Instead of `retentionDays`: the moment at which it expires, to come' }),
    ),
  },
  { additionalProperties: false },
);
export type FileQuery = Static<typeof FileQuery>;

/** Only for the document: the rules are in `put-file/headers.ts`. */
export const FileHeaders = Type.Object({
  'content-type': Type.Optional(
    Type.String({ description: 'Its MIME type; guessed from the name when absent', examples: ['application/pdf'] }),
  ),
  'repr-digest': Type.Optional(
    Type.String({
      description: 'RFC 9530, `sha-256=:<Base64>:`. Other bytes are refused. Content-Digest is read too.',
    }),
  ),
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        '1 to 255 visible ASCII characters. The same key for the same path is the same request: what an earlier try has left unfinished ' +
        'is aborted, and it begins anew.',
      examples: ['turn-7-report'],
    }),
  ),
  'if-none-match': Type.Optional(
    Type.String({
      description: '`*`: refused (412) when there is an artifact at this path, also with the same content',
    }),
  ),
});
