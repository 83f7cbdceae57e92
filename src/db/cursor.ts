import { isUuid } from '../domain/ids.js';
import { ArtifactError } from '../domain/errors.js';

/** The place of a row in the order of a list: newest first, ties by id. */
export interface PageKey {
  /** Microseconds since 1970, as Postgres keeps them: milliseconds would skip or repeat rows. Decimal digits. */
  createdAtMicros: string;
  id: string;
}

/** Opaque to the caller; valid for as long as the list exists. */
export const encodeCursor = ({ createdAtMicros, id }: PageKey): string =>
  Buffer.from(`${createdAtMicros}.${id}`).toString('base64url');

/** @throws `invalid_cursor` for anything that {@link encodeCursor} would not have made. */
export function decodeCursor(cursor: string): PageKey {
  const [createdAtMicros = '', id = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  // 16 digits reach to the year 2286 and stay exact in a double, which Postgres computes intervals with.
  if (!/^\d{1,16}$/.test(createdAtMicros) || !isUuid(id) || encodeCursor({ createdAtMicros, id }) !== cursor)
    throw new ArtifactError('invalid_cursor', `"${cursor.slice(0, 120)}" was not given by a page of this list`);
  return { createdAtMicros, id };
}
