import { isUuid } from '../domain/ids.js';
import { ArtifactError } from '../domain/errors.js';

/** The place of a row in the order of a list: newest first, ties by id. */
export interface PageKey {
  /** Microseconds since 1970, as Postgres keeps them: milliseconds would skip or repeat rows. Decimal digits. */
  createdAtMicros: string;
  id: string;
}

/** The place of a row among what is upcoming: by execution, in each the soonest first, ties by id. */
export interface UpcomingKey {
  executionId: string;
  /** As `createdAtMicros`. */
  dueAtMicros: string;
  id: string;
}

/** Opaque to the caller; valid for as long as the list exists. */
export const encodeCursor = ({ createdAtMicros, id }: PageKey): string => encode([createdAtMicros, id]);

/** @throws `invalid_cursor` for anything that {@link encodeCursor} would not have made. */
export function decodeCursor(cursor: string): PageKey {
  const [createdAtMicros = '', id = ''] = decode(cursor);
  if (!isMicros(createdAtMicros) || !isUuid(id) || encodeCursor({ createdAtMicros, id }) !== cursor)
    throw invalid(cursor);
  return { createdAtMicros, id };
}

export const encodeUpcomingCursor = ({ executionId, dueAtMicros, id }: UpcomingKey): string =>
  encode([executionId, dueAtMicros, id]);

/** @throws `invalid_cursor` for anything that {@link encodeUpcomingCursor} would not have made. */
export function decodeUpcomingCursor(cursor: string): UpcomingKey {
  const [executionId = '', dueAtMicros = '', id = ''] = decode(cursor);
  const key = { executionId, dueAtMicros, id };
  const isValid = isUuid(executionId) && isMicros(dueAtMicros) && isUuid(id) && encodeUpcomingCursor(key) === cursor;
  if (!isValid) throw invalid(cursor);
  return key;
}

// 16 digits reach to the year 2286 and stay exact in a double, which Postgres computes intervals with.
const isMicros = (text: string): boolean => /^\d{1,16}$/.test(text);
const encode = (parts: string[]): string => Buffer.from(parts.join('.')).toString('base64url');
const decode = (cursor: string): string[] => Buffer.from(cursor, 'base64url').toString('utf8').split('.');

const invalid = (cursor: string): ArtifactError =>
  new ArtifactError('invalid_cursor', `"${cursor.slice(0, 120)}" was not given by a page of this list`);
