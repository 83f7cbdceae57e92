import type { Pool } from 'pg';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { isDescending, piecesOf, statusesOf, type ArtifactFilters, type ListSort } from '../domain/artifact-filters.js';
import { encodedPrefix, KEY_PATH_OFFSET } from '../domain/keys.js';
import type { ListQuery, Page, SearchQuery } from './artifact-records.js';
import { toJson, toText } from './columns.js';
import { decodeCursor, encodeCursor, type PageKey } from './cursor.js';
import { DOWNLOAD_COLUMNS, toArtifactRecord, WITH_DOWNLOADS, type ArtifactRow } from './rows.js';

/*
 * Pages of artifacts. One index has the rows of one execution (or tenant) in one status in the order that is asked for; the streams of
 * several are merged, and a page is read from where the last one ended. Filters on what the rows are sorted by bound the streams; all
 * others are held against row after row, and no page looks at more rows than LOOKED_AT_PER_ARTIFACT for each that it may have
 * (docs/decisions/0018-pages-look-at-so-many-rows.md).
 */

/** Rows that a page may look at for each artifact that it may have. */
export const LOOKED_AT_PER_ARTIFACT = 50;
/** Of a token that is narrowed to more executions, those of the tenant are looked at, one row after the other. */
const MAX_MERGED_EXECUTIONS = 20;

/** Whose artifacts. */
export type Scope = { executionId: string } | { tenantId: string; executionIds: readonly string[] | null };
type PageQuery = Omit<ListQuery, 'executionId'>;

interface ListedRow extends ArtifactRow {
  sort_key: string;
  matches: boolean | null;
  /** The last one that the page may look at. */
  is_end: boolean;
}

/** See `ArtifactReads.search`. */
export async function searchArtifacts(pool: Pool, query: SearchQuery): Promise<Page<ArtifactRecord>> {
  const { tenantId, executionIds, ...page } = query;
  if (executionIds === null) return listArtifacts(pool, { tenantId, executionIds }, page);
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM executions WHERE id = ANY($1::uuid[]) AND tenant_id = $2 ORDER BY id',
    [executionIds, tenantId],
  );
  const scope = { tenantId, executionIds: rows.map(({ id }) => id) };
  // Also when one of them has come to exist since the page before.
  return listArtifacts(pool, scope, page, { tenantId, executionIds: executionIds.toSorted() });
}

/**
 * See `ArtifactReads.list`.
 * @param scope it is not looked at whose the executions are.
 * @param named what a cursor counts for, when the scope is not what was named.
 */
export async function listArtifacts(
  pool: Pool,
  scope: Scope,
  query: PageQuery,
  named = scope,
): Promise<Page<ArtifactRecord>> {
  const { limit, cursor, ...filters } = query;
  const list = { ...named, ...filters, status: statusesOf(filters).sort(), sort: filters.sort ?? 'newest' };
  const after = cursor === undefined ? null : decodeCursor(cursor, list);
  if ('executionIds' in scope && scope.executionIds?.length === 0) return { items: [], nextCursor: null };
  const { text, values } = listStatement({ scope, filters, limit, after });
  const { rows } = await pool.query<ListedRow>(text, values);
  const found = rows.filter(({ matches }) => matches === true);
  const shown = found.slice(0, limit);
  const end = found.length > limit ? shown.at(-1) : rows.find(({ is_end }) => is_end);
  return {
    items: shown.map(toArtifactRecord),
    nextCursor: end === undefined ? null : encodeCursor({ sortKey: end.sort_key, id: end.id }, list),
  };
}

interface Wanted {
  scope: Scope;
  filters: ArtifactFilters;
  limit: number;
  /** The last row of the page before. */
  after: PageKey | null;
}

/** The statement of a page; one match more than asked for tells that there is another page. */
export function listStatement({ scope, filters, limit, after }: Wanted): Statement {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const sort = filters.sort ?? 'newest';
  const conditions = conditionsOf(scope, filters, bind);
  const { key, readKey, writeKey } = SORT_KEYS[sort];
  const [direction, isAfter] = isDescending(sort) ? ['DESC', '<'] : ['ASC', '>'];
  const order = `list_key ${direction}, id ${direction}`;
  const bounds = conditions.bounds.concat(
    after === null ? [] : `(${key}, id) ${isAfter} (${readKey(after.sortKey, bind)}, ${bind(after.id)}::uuid)`,
  );
  const statuses = statusesOf(filters).map((status) => `status = ${bind(status)}`);
  const { others } = conditions;
  const most = others.length === 0 ? limit + 1 : limit * LOOKED_AT_PER_ARTIFACT;
  // With order and limit in each of them, every one is planned as a walk along its index, and they are merged without being sorted.
  const streams = conditions.owners.flatMap((owner) =>
    statuses.map((status) => {
      const where = ['awaits_publication IS NULL', owner, status, ...bounds].join(' AND ');
      return `(SELECT *, ${key} AS list_key FROM artifacts WHERE ${where} ORDER BY ${order} LIMIT ${most})`;
    }),
  );
  const merged = `(${streams.join('\n    UNION ALL ')}) stream ORDER BY ${order} LIMIT ${most}`;
  const page =
    others.length === 0
      ? `SELECT *, TRUE AS matches, FALSE AS is_end FROM ${merged}`
      : `SELECT *, ${others.join(' AND ')} AS matches
  FROM (SELECT *, row_number() OVER (ORDER BY ${order}) = ${most} AS is_end FROM ${merged}) looked
  WHERE is_end OR (${others.join(' AND ')}) ORDER BY ${order} LIMIT ${limit + 1}`;
  const text = `SELECT a.*, a.quota_tenant AS tenant_id, ${DOWNLOAD_COLUMNS}, ${writeKey} AS sort_key
  FROM (${page}) a ${WITH_DOWNLOADS} ORDER BY list_key ${direction}, a.id ${direction}`;
  return { text, values };
}

interface Statement {
  text: string;
  values: unknown[];
}

/** Gives a value to the statement and answers with its place. */
type Bind = (value: unknown) => string;

interface SortKey {
  /** As the indexes have it. */
  key: string;
  readKey: (sortKey: string, bind: Bind) => string;
  /** As a cursor has it. */
  writeKey: string;
}

const MICROS = '(EXTRACT(EPOCH FROM list_key) * 1000000)::bigint::text';
const fromMicros = (sortKey: string, bind: Bind): string =>
  `timestamptz 'epoch' + ${bind(sortKey)}::bigint * interval '1 microsecond'`;

const BY_CREATION: SortKey = { key: 'created_at', readKey: fromMicros, writeKey: MICROS };
const BY_SIZE: SortKey = {
  key: 'file_size',
  readKey: (sortKey, bind) => `${bind(sortKey)}::bigint`,
  writeKey: 'list_key::text',
};
const BY_EXPIRY: SortKey = {
  key: `COALESCE(expires_at, 'infinity')`,
  readKey: (sortKey, bind) => (sortKey === 'infinity' ? `timestamptz 'infinity'` : fromMicros(sortKey, bind)),
  writeKey: `CASE WHEN isfinite(list_key) THEN ${MICROS} ELSE 'infinity' END`,
};
const SORT_KEYS: Record<ListSort, SortKey> = {
  newest: BY_CREATION,
  oldest: BY_CREATION,
  largest: BY_SIZE,
  smallest: BY_SIZE,
  expiring: BY_EXPIRY,
};

/** Ways to hold the filters against rows: `owners` (one of them) and `bounds` by the index that has the order, `others` row by row. */
function conditionsOf(
  scope: Scope,
  filters: ArtifactFilters,
  bind: Bind,
): { owners: string[]; bounds: string[]; others: string[] } {
  const { type, tier, tags = {}, name, path = '' } = filters;
  const ranges = rangesOf(filters, bind);
  const { key } = SORT_KEYS[filters.sort ?? 'newest'];
  const [bounds, beside] = [true, false].map((isBound) =>
    ranges.filter(([column]) => (column === key) === isBound).map(([, condition]) => condition),
  ) as [string[], string[]];
  const owners = ownersOf(scope, bind);
  const others = [...owners.others, ...beside];
  if (type !== undefined) others.push(`type = ${bind(type)}`);
  if (tier !== undefined) others.push(`tier = ${bind(tier)}`);
  if (Object.keys(tags).length > 0) others.push(`tags @> ${bind(toJson(tags))}::jsonb`);
  if (path !== '')
    others.push(`starts_with(substr(file_path, ${KEY_PATH_OFFSET + 1}), ${bind(encodedPrefix(toText(path)))})`);
  if (name !== undefined) {
    const isExact = piecesOf(name).length === 1;
    const condition = isExact ? `file_name = ${bind(toText(name))}` : `file_name LIKE ${bind(likePattern(name))}`;
    // An index has those of a tenant with the same name in the order of their creation.
    (isExact && key === 'created_at' && owners.isTenant ? bounds : others).push(condition);
  }
  return { owners: owners.owners, bounds, others };
}

const rangesOf = (filters: ArtifactFilters, bind: Bind): [column: string, condition: string][] => {
  const { minBytes, maxBytes, createdAfterMs, createdBeforeMs, expiresBeforeMs } = filters;
  const range = (column: string, operator: string, value: number | Date | undefined): [string, string][] =>
    value === undefined ? [] : [[column, `${column} ${operator} ${bind(value)}`]];
  const time = (epochMs: number | undefined): Date | undefined =>
    epochMs === undefined ? undefined : new Date(epochMs);
  return [
    ...range('file_size', '>=', minBytes),
    ...range('file_size', '<=', maxBytes),
    ...range('created_at', '>=', time(createdAfterMs)),
    ...range('created_at', '<', time(createdBeforeMs)),
    ...range(BY_EXPIRY.key, '<', time(expiresBeforeMs)),
  ];
};

function ownersOf(scope: Scope, bind: Bind): { owners: string[]; others: string[]; isTenant: boolean } {
  if ('executionId' in scope)
    return { owners: [`execution_id = ${bind(scope.executionId)}`], others: [], isTenant: false };
  const { tenantId, executionIds } = scope;
  if (executionIds !== null && executionIds.length <= MAX_MERGED_EXECUTIONS)
    return { owners: executionIds.map((id) => `execution_id = ${bind(id)}`), others: [], isTenant: false };
  const others = executionIds === null ? [] : [`execution_id = ANY(${bind(executionIds)}::uuid[])`];
  return { owners: [`quota_tenant = ${bind(tenantId)}`], others, isTenant: true };
}

/** For LIKE: what is special to it is not special here. */
const likePattern = (name: string): string =>
  piecesOf(toText(name))
    .map((piece) => piece.replaceAll(/[\\%_]/g, (special) => `\\${special}`))
    .join('%');
