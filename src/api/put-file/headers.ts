import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ArtifactError } from '../../domain/errors.js';
import { requireSize } from '../../domain/part-plan.js';
import { invalidField } from '../invalid-field.js';

/** What the headers of a PUT say about its body. */
export interface BodyFacts {
  /** Null for a chunked body: its end says it. */
  sizeBytes: number | null;
  /** Lower-case hex; null when nothing is claimed. */
  sha256: string | null;
  /** `If-None-Match: *`: an artifact that is there already is no answer. */
  mustBeNew: boolean;
}

/**
 * @throws `too_large`, `invalid_checksum`; `invalid_request` for a part of a file (Content-Range), an encoded one (Content-Encoding), or a
 * condition that is none here.
 */
export function bodyFacts(headers: IncomingHttpHeaders): BodyFacts {
  if (headers['content-range'] !== undefined) throw invalidField('content-range', 'a file is put as a whole');
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw invalidField('content-encoding', 'send the bytes as they are to be stored');
  const condition = headers['if-none-match'];
  if (condition !== undefined && condition.trim() !== '*')
    throw invalidField('if-none-match', 'only * can be asked for');
  if (headers['if-match'] !== undefined) throw invalidField('if-match', 'a PUT replaces nothing');
  const length = headers['content-length'];
  return {
    sizeBytes: length === undefined ? null : requireSize(Number(length)),
    sha256: claimedSha256(headers),
    mustBeNew: condition !== undefined,
  };
}

/**
 * The key of a request as a PUT: nobody who sends parts by himself can have the same. The space keeps it apart from every key that an
 * upload can be begun with.
 */
export const keyOfPut = (key: string): string => `PUT ${createHash('sha256').update(key).digest('hex')}`;

/**
 * RFC 9530, the standard for it: `Repr-Digest: sha-256=:<Base64>:`. As nothing is encoded or sent in parts, Content-Digest says the same.
 * Other algorithms are not ours to check, and may be ignored.
 */
function claimedSha256(headers: IncomingHttpHeaders): string | null {
  const claims = [headers['repr-digest'], headers['content-digest']]
    .flat()
    .flatMap((header) => header?.split(',') ?? [])
    .filter((member) => /^\s*sha-256\s*=/i.test(member))
    .map((member) => {
      const base64 = /^\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*$/i.exec(member)?.[1];
      if (base64 === undefined)
        throw new ArtifactError('invalid_checksum', `"${member.trim().slice(0, 80)}" is not sha-256=:<Base64>:`);
      return Buffer.from(base64, 'base64').toString('hex');
    });
  const [first, second] = claims;
  if (second !== undefined && second !== first)
    throw new ArtifactError('invalid_checksum', 'Repr-Digest and Content-Digest say different things');
  return first ?? null;
}
