import { isUuid } from './ids.js';
import { MINUTE_MS } from './units.js';

/*
 * Which databases work with a bucket. Each says so in an object beside the artifacts, and while there is more than one of them, nobody removes
 * what only one of them knows: to the others it is nobody's (docs/decisions/0026-every-database-says-so-in-the-bucket.md).
 */

/** How old what a database says of itself may become before a worker says it again. */
export const SAY_AGAIN_MS = 5 * MINUTE_MS;
/** Whoever has said something since then is taken to be at work. */
export const AT_WORK_MS = 3 * SAY_AGAIN_MS;

export interface BucketDatabase {
  id: string;
  /** For people: `artifacts at db.internal:5432`. Empty when it does not say. */
  name: string;
  /** By the clock of whoever wrote it: since when it has been working with the bucket. */
  sinceMs: number;
  /** By the clock of the store: when it said so last. */
  seenMs: number;
}

/** What the bucket says of databases, as one of them sees it. */
export interface BucketDatabases {
  /** Of this one. */
  id: string;
  /** Null: it has not said anything yet. */
  own: BucketDatabase | null;
  /** What stands there under its id is by another one: this is a copy, or was restored from a backup. */
  isCopy: boolean;
  others: BucketDatabase[];
}

/** What a database says of itself, as it is stored. */
export interface DatabaseNote {
  version: 1;
  databaseId: string;
  name: string;
  since: string;
  /** Issued by the database, which remembers it; a copy of the database does not know what came after. */
  proof: string;
}

const MAX_NAME = 200;

/** It lies in a bucket, where anybody with its keys may have written. @returns null when it is no note of this database. */
export function parseNote(text: string, databaseId: string): DatabaseNote | null {
  const json = tryToParse(text);
  if (typeof json !== 'object' || json === null) return null;
  const { version, databaseId: id, name, since, proof } = json as Record<string, unknown>;
  if (version !== 1 || id !== databaseId || typeof proof !== 'string' || !isUuid(proof)) return null;
  if (typeof name !== 'string' || typeof since !== 'string' || Number.isNaN(Date.parse(since))) return null;
  return { version, databaseId, name: name.slice(0, MAX_NAME).replaceAll(/\p{C}/gu, ''), since, proof };
}

function tryToParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `artifacts at db.internal:5432`, without user and password. @param databaseUrl `postgresql://…`. */
export function databaseNameOf(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'an address that is none';
  const { host, pathname } = new URL(databaseUrl);
  return `${pathname.slice(1)} at ${host === '' ? 'this machine' : host}`;
}

/** `1234… (artifacts at db.internal:5432)`. */
export const databaseText = ({ id, name }: Pick<BucketDatabase, 'id' | 'name'>): string =>
  name === '' ? id : `${id} (${name})`;

/**
 * Why nobody may remove what only this database does not know, or only this one knows.
 * @returns for people; null: it is the only one.
 */
export function conflictOf({ id, isCopy, others }: BucketDatabases): string | null {
  if (isCopy)
    return `withheld: the bucket knows a later state of database ${id} than this one, which is a copy of it or was restored from a backup. ${SEE}`;
  if (others.length === 0) return null;
  const names = others.map(databaseText).join(', ');
  return `withheld: the bucket is also that of database ${names}, and what this one (${id}) does not know may be its own. ${SEE}`;
}

const SEE = 'See "artifacts bucket databases"';

/** Whether it was there just now: its workers run. @param nowMs by the clock of the store. */
export const isAtWork = ({ seenMs }: BucketDatabase, nowMs: number): boolean => nowMs - seenMs < AT_WORK_MS;
