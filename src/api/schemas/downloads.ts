import { Type, type TBoolean, type TInteger, type TObject } from 'typebox';
import { DISPOSITIONS } from '../../domain/inline.js';
import { Bytes, Timestamp } from './atoms.js';

const DEFAULT_DOWNLOAD_SECONDS = 300;

const Force = Type.Boolean({
  default: false,
  description: 'Also when the stored bytes were found not to be those that were claimed (`content_mismatch`)',
});

export const ContentQuerystring = Type.Object(
  {
    force: Force,
    redirect: Type.Boolean({ default: false, description: 'Answer a GET with a redirect to a fresh signed URL' }),
    disposition: Type.Enum([...DISPOSITIONS], {
      type: 'string',
      default: 'attachment',
      description:
        '`inline` shows plain text, Markdown, CSV and JSON as plain text, and PNG, JPEG, GIF, WebP and AVIF images. Whatever else it is ' +
        '(HTML, SVG, XML, PDF, …) stays an attachment.',
    }),
  },
  { additionalProperties: false },
);

/** @param maxSeconds longest life of a signed URL that may be asked for. */
export const downloadUrlBody = (maxSeconds: number): TObject<{ expiresIn: TInteger; force: TBoolean }> =>
  Type.Object(
    {
      expiresIn: Type.Integer({
        minimum: 1,
        maximum: maxSeconds,
        default: Math.min(DEFAULT_DOWNLOAD_SECONDS, maxSeconds),
        description: `Life of the URL in seconds, 1 to ${maxSeconds}`,
      }),
      force: Force,
    },
    { additionalProperties: false },
  );

export const DownloadUrl = Type.Object({
  url: Type.String({ description: 'Works without a token until `expiresAt`: treat it as a secret' }),
  expiresAt: Timestamp,
  fileName: Type.String(),
  fileSize: Bytes,
  checksum: Type.String({ description: 'SHA-256, lower-case hex: compare what arrived; empty for forced bytes' }),
});

/** Bytes are not described by JSON Schema; OpenAPI shows them by their media type alone. */
export const ContentHeaders = Type.Object(
  {
    range: Type.Optional(Type.String({ description: 'One range: `bytes=0-99`, `bytes=100-` or `bytes=-100`' })),
    'if-none-match': Type.Optional(Type.String({ description: 'ETag(s) the caller has: 304 when still the same' })),
    'if-range': Type.Optional(Type.String({ description: 'ETag; the range counts only while it is the same' })),
  },
  { additionalProperties: true },
);
