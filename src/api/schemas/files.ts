import { Type, type Static } from 'typebox';
import { MAX_SEGMENT_CHARACTERS } from '../../domain/keys.js';
import { MAX_RETENTION_DAYS } from '../../domain/retention.js';
import { ArtifactTypeSchema } from './artifact.js';
import { MAX_MIME_TYPE_CHARACTERS, MIME_TYPE } from '../mime-type.js';
import { documented } from '../openapi/documented.js';
import { comingTime, TAG_OF_UPLOAD, TAG_PAIR, Uuid, wholeNumber } from './atoms.js';

const CONTROL = '\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ufeff';
const SEGMENT = `(?!\\.{1,2}(?:/|$))[^/\\\\${CONTROL}]{1,${MAX_SEGMENT_CHARACTERS}}`;
/** `canonicalPath` as a pattern, but for the length of the whole. */
export const FILE_NAME = `^${SEGMENT}(?:/${SEGMENT})*$`;
export const MIME_TYPE_RULE = { maxLength: MAX_MIME_TYPE_CHARACTERS, pattern: MIME_TYPE.source };

/** Below which an artifact can be put. */
const FOLDERS = ['output', 'logs'] as const;

export const FileParams = Type.Object({
  executionId: Uuid,
  folder: Type.Enum([...FOLDERS], { type: 'string' }),
  '*': Type.String({
    description: 'The rest of the path, with `/` between folders',
    examples: ['charts/latency.png'],
    ...documented({ pattern: FILE_NAME }),
  }),
});

/** Of an upload, whichever way its bytes take. */
export const Replace = Type.Boolean({
  default: false,
  description:
    'Other content at the path is deleted first, so that this takes its place; it can be undeleted as any other. Refused while that is held, ' +
    'or is uploaded or deleted itself; and with the same size, without a hash of this to tell them apart.',
});

export const FileQuery = Type.Object(
  {
    type: Type.Optional(ArtifactTypeSchema),
    tag: Type.Optional(
      Type.Array(Type.String({ pattern: TAG_OF_UPLOAD, ...documented({ pattern: TAG_PAIR }) }), {
        maxItems: 8,
        description: '`key:value`, repeatable. The key ends at the first colon.',
        examples: [['agent:researcher']],
      }),
    ),
    retentionDays: Type.Optional(
      Type.Number({
        description: `Whole days from creation, 1 to ${MAX_RETENTION_DAYS}`,
        examples: [90],
        ...wholeNumber(1, MAX_RETENTION_DAYS),
      }),
    ),
    expiresAt: Type.Optional(comingTime('Instead of `retentionDays`: the moment at which it expires, to come')),
    replace: Replace,
  },
  { additionalProperties: false },
);
export type FileQuery = Static<typeof FileQuery>;

/** Only for the document: the rules are in `put-file/headers.ts`. */
export const FileHeaders = Type.Object({
  'content-type': Type.Optional(
    Type.String({
      description: 'Its MIME type; guessed from the name when absent',
      examples: ['application/pdf'],
      ...documented(MIME_TYPE_RULE),
    }),
  ),
  'repr-digest': Type.Optional(
    Type.String({
      description: 'RFC 9530, `sha-256=:<Base64>:`. Other bytes are refused. Content-Digest is read too.',
    }),
  ),
  'if-none-match': Type.Optional(
    Type.String({
      description: '`*`: refused (412) when there is an artifact at this path, also with the same content',
      ...documented({ const: '*' }),
    }),
  ),
});
