import type { Pool } from 'pg';
import { LISTED_STATUSES } from '../domain/manifest.js';
import { toText } from './columns.js';
import { withDatabaseErrors } from './errors.js';
import type { ExecutionRows, RowInventory, UnendedQuery } from './row-inventory.js';
import { toArtifactRecord, type ArtifactRow } from './rows.js';

/** As the index of migration 0013 has it. */
const IS_UNENDED = `(a.status <> 'DELETED' OR a.purge_at IS NOT NULL)`;
const KEY = 'a.file_path COLLATE "C"';
const SELECT = 'SELECT a.*, a.quota_tenant AS tenant_id FROM artifacts a';
/** No manifest tells of what nobody may see yet. */
const IS_LISTED = `a.status = ANY('{${LISTED_STATUSES.join(',')}}') AND a.awaits_publication IS NULL`;

/** See {@link RowInventory}. */
export function createRowInventory(pool: Pool): RowInventory {
  const ask = <Row extends object>(text: string, values: unknown[]): Promise<Row[]> =>
    withDatabaseErrors('read rows', async () => (await pool.query<Row>(text, values)).rows);
  const records = async (text: string, values: unknown[]) =>
    (await ask<ArtifactRow>(text, values)).map(toArtifactRecord);
  const executionRows = async (ids: readonly string[]): Promise<ExecutionRows[]> => {
    const rows = await ask<{ id: string; is_listed: boolean; changed_at: Date }>(
      `SELECT a.execution_id AS id, bool_or(${IS_LISTED}) AS is_listed, max(a.updated_at) AS changed_at
       FROM artifacts a WHERE a.execution_id = ANY($1::uuid[]) GROUP BY a.execution_id ORDER BY a.execution_id`,
      [ids],
    );
    return rows.map(({ id, is_listed, changed_at }) => ({
      ...{ executionId: id, isListed: is_listed, changedAtMs: changed_at.getTime() },
    }));
  };
  return {
    listUnended: (query) => {
      const { text, values } = unendedStatement(query);
      return records(text, values);
    },
    findByKeys: (keys) => records(`${SELECT} WHERE ${IS_UNENDED} AND ${KEY} = ANY($1)`, [keys.map(toText)]),
    findByIds: (ids) => records(`${SELECT} WHERE a.id = ANY($1::uuid[])`, [ids]),
    listExecutions: async ({ afterId, limit }) => {
      // The ids first: with the rest beside it, the whole table is read for each page.
      const ids = await ask<{ id: string }>(
        `SELECT e.id FROM executions e
         WHERE ($1::uuid IS NULL OR e.id > $1::uuid) AND EXISTS (SELECT 1 FROM artifacts a WHERE a.execution_id = e.id)
         ORDER BY e.id LIMIT $2`,
        [afterId, limit],
      );
      return executionRows(ids.map(({ id }) => id));
    },
    findExecutions: (executionIds) => executionRows(executionIds),
  };
}

/** Of a page of unended rows; exported for a test of its plan. */
export function unendedStatement({ after, throughKey, limit }: UnendedQuery): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const bounds = [
    ...(after === null ? [] : [`(${KEY}, a.id) > (${bind(after.key)}, ${bind(after.id)}::uuid)`]),
    ...(throughKey === null ? [] : [`${KEY} <= ${bind(toText(throughKey))}`]),
  ];
  const where = [IS_UNENDED, ...bounds].join(' AND ');
  return { text: `${SELECT} WHERE ${where} ORDER BY ${KEY}, a.id LIMIT ${bind(limit)}`, values };
}
