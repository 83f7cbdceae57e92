import { createHash } from 'node:crypto';
import type { ListSort } from '../domain/artifact-filters.js';
import { isUuid } from '../domain/ids.js';
import { ArtifactError } from '../domain/errors.js';

/** The place of a row in a list: what it is sorted by, ties by id. */
export interface PageKey {
  /** Decimal digits: bytes, or microseconds since 1970, as Postgres keeps them (milliseconds would skip or repeat rows); or `infinity`. */
  sortKey: string;
  id: string;
}

/** The place of a row among what is upcoming: by execution, in each the soonest first, ties by id. */
export interface UpcomingKey {
  executionId: string;
  /** Microseconds since 1970. Decimal digits. */
  dueAtMicros: string;
  id: string;
}

/**
 * Opaque to the caller; valid for as long as the list exists.
 * @param list what the page was asked for: scope, filters and order, as plain JSON. The cursor counts for the same one only.
 */
export const encodeCursor = ({ sortKey, id }: PageKey, list: unknown): string => encode([digestOf(list), sortKey, id]);

/** @throws `invalid_cursor` for anything that {@link encodeCursor} would not have made for this list. */
export function decodeCursor(cursor: string, list: { sort: ListSort }): PageKey {
  const [digest = '', sortKey = '', id = ''] = decode(cursor);
  const isValid = (isMicros(sortKey) || (sortKey === 'infinity' && list.sort === 'expiring')) && isUuid(id);
  if (!isValid || encode([digest, sortKey, id]) !== cursor) throw invalid(cursor);
  if (digest !== digestOf(list))
    throw new ArtifactError('invalid_cursor', 'The cursor was given by a list with other filters or another order');
  return { sortKey, id };
}

/** 72 bits: a cursor of another list is a mistake, and no attack. What is left out and what is undefined is the same. */
const digestOf = (list: unknown): string =>
  createHash('sha256').update(canonicalJson(list)).digest('base64url').slice(0, 12);

/** JSON with the members of objects in the order of their names. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

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
