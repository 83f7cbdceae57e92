import { Type, type Static } from 'typebox';
import {
  HOST_ID,
  MAX_FOLDER_CHARACTERS,
  MAX_LISTED_FILES,
  MAX_PATTERN_CHARACTERS,
  MAX_PATTERNS,
  PUBLICATION_OUTCOMES,
  PUBLICATION_PHASES,
} from '../../domain/publish.js';
import { MAX_RETENTION_DAYS } from '../../domain/retention.js';
import { documented } from '../openapi/documented.js';
import { Bytes, NO_NUL, nullable, ownUuid, Tags, Timestamp, Uuid, wholeNumber } from './atoms.js';
import { shared } from './shared.js';

const text = (maxLength: number) => ({ minLength: 1, maxLength, pattern: NO_NUL });
const patterns = (description: string) =>
  Type.Optional(
    Type.Array(Type.String(documented(text(MAX_PATTERN_CHARACTERS))), { maxItems: MAX_PATTERNS, description }),
  );

export const PublishBody = Type.Object(
  {
    hostId: Type.String({
      description: 'Which host has the folder: the name its upload worker runs under',
      ...documented({ pattern: HOST_ID.source }),
    }),
    folder: Type.String({
      description: 'Folder, or one file, on that host: absolute, or relative to the first root of its upload worker',
      ...documented(text(MAX_FOLDER_CHARACTERS)),
    }),
    publicationId: Type.Optional(
      ownUuid('UUID of your choice: asked for again under the same one it is the same publication'),
    ),
    include: patterns('Globs relative to the folder; default: everything'),
    exclude: patterns('Globs relative to the folder, besides those in its .artifactsignore'),
    tags: Type.Optional(Tags),
    retentionDays: Type.Optional(
      Type.Number({ description: 'Whole days, 1 to 36500; default: inherited', ...wholeNumber(1, MAX_RETENTION_DAYS) }),
    ),
    allOrNothing: Type.Boolean({
      default: false,
      description: 'Nothing becomes visible before everything is there; when a file fails, nothing is published',
    }),
    replace: Type.Boolean({
      default: false,
      description: 'Content that changed at a path replaces what is there, else that file fails. Not with allOrNothing',
    }),
  },
  {
    additionalProperties: false,
    examples: [{ hostId: 'agent-7', folder: 'turn-12', exclude: ['**/*.tmp'] }],
    ...documented({
      not: {
        required: ['allOrNothing', 'replace'],
        properties: { allOrNothing: { const: true }, replace: { const: true } },
      },
    }),
  },
);
export type PublishBody = Static<typeof PublishBody>;

const count = (description: string) => Type.Integer({ minimum: 0, description });
const Failure = Type.Object({
  file: Type.String({ description: 'Relative to the folder' }),
  code: Type.String({ description: 'As of a problem' }),
  message: Type.String(),
});

export const PublicationSchema = Type.Object(
  {
    publicationId: Uuid,
    executionId: Uuid,
    hostId: Type.String(),
    folder: Type.String(),
    allOrNothing: Type.Boolean(),
    phase: Type.Enum([...PUBLICATION_PHASES], { type: 'string' }),
    outcome: nullable(
      Type.Enum([...PUBLICATION_OUTCOMES], {
        type: 'string',
        description:
          'Null while it runs. `partial`: some files failed, the others are published; `cancelled`: what was complete stays, ' +
          'unless it was all or nothing',
      }),
    ),
    counts: Type.Object({
      found: count('Files that were found so far'),
      foundBytes: Bytes,
      uploaded: count('Files that were uploaded'),
      uploadedBytes: Bytes,
      unchanged: count('Files that were there with the same content: nothing was sent'),
      unchangedBytes: Bytes,
      failed: count('Files that failed'),
      sendingBytes: count('Bytes of files that are being uploaded'),
    }),
    files: Type.Array(
      Type.Object({
        path: Type.String(),
        artifactId: Uuid,
        sizeBytes: Bytes,
        outcome: Type.Enum(['uploaded', 'unchanged'], { type: 'string' }),
      }),
      { description: `The first ${MAX_LISTED_FILES}` },
    ),
    failures: Type.Array(Failure, { description: `The first ${MAX_LISTED_FILES} files that failed, and why` }),
    problem: nullable(
      Type.Object({ code: Type.String(), message: Type.String() }, { description: 'Why all of it failed' }),
    ),
    beganAt: Timestamp,
    endedAt: nullable(Timestamp),
  },
  { $id: 'Publication', description: 'Where a publication is, and how it ended' },
);
export type EncodedPublication = Static<typeof PublicationSchema>;
const Publication = shared('Publication', PublicationSchema);

export const PublicationAnswer = Type.Object({ publication: Publication });
export const PublicationStarted = Type.Object({
  publicationId: Uuid,
  statusUrl: Type.String({ description: 'Where to ask how far it is; also in the location header' }),
});
export const PublicationParams = Type.Object({ executionId: Uuid, publicationId: Uuid });
