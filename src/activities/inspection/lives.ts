import type { RowPlace } from '../../db/row-inventory.js';
import { completeRecord, type ArtifactRecord } from '../../domain/artifact-record.js';
import type { Finding } from '../../domain/drift.js';
import { findingOf, isAsIndexed, isUnended } from '../../domain/inspection.js';
import { differences } from '../../domain/repair-changes.js';
import type { RunningLife } from '../deps.js';
import type { Inspector } from './slice.js';

/** First the rows, then the workflows. */
type LivesCursor = { rowsAfter: RowPlace | null } | { workflows: string | null };

/** Rows whose life is not over and that no workflow leads, and workflows that lead a life of which there is no row, or one that says other things. */
export async function inspectLives(inspector: Inspector, cursor: LivesCursor | null): Promise<LivesCursor | null> {
  let at: LivesCursor | null = cursor ?? { rowsAfter: null };
  do {
    inspector.signal.throwIfAborted();
    at =
      'workflows' in at ? await inspectWorkflows(inspector, at.workflows) : await inspectRows(inspector, at.rowsAfter);
  } while (at !== null && !inspector.isOver());
  return at;
}

/** Rows are not counted here: they are beside the bucket. */
async function inspectRows(inspector: Inspector, after: RowPlace | null): Promise<LivesCursor> {
  const page = await inspector.rows.listUnended({ after, throughKey: null, limit: inspector.pageSize });
  const running = new Set(page.length === 0 ? [] : await inspector.fleet.findRunning(page.map(({ id }) => id)));
  await inspector.confirm(
    page.filter(({ id }) => !running.has(id)),
    (row) => lookForLife(inspector, row),
  );
  const last = page.at(-1);
  return last === undefined || page.length < inspector.pageSize
    ? { workflows: null }
    : { rowsAfter: { key: last.key, id: last.id } };
}

/** The row last: it is written before its workflow ends. */
async function lookForLife({ isAlive, records }: Inspector, { id }: ArtifactRecord): Promise<Finding[]> {
  if (await isAlive(id)) return [];
  const row = await records.get(id);
  if (row === null || !isUnended(row)) return [];
  return [findingOf('life_missing', row, { sinceMs: row.updatedAtMs, workflow: 'does not run' })];
}

async function inspectWorkflows(inspector: Inspector, cursor: string | null): Promise<LivesCursor | null> {
  const page = await inspector.fleet.listRunning({ cursor, limit: inspector.pageSize });
  const rows = await inspector.rows.findByIds(page.lives.map(({ artifactId }) => artifactId));
  const known = new Map(rows.map((row) => [row.id, row]));
  await inspector.confirm(
    page.lives.filter(({ artifactId, index }) => {
      const row = known.get(artifactId);
      return row === undefined || (index !== null && !isAsIndexed(row, index));
    }),
    (life) => lookForRow(inspector, life),
  );
  inspector.count({ lives: page.lives.length });
  return page.cursor === null ? null : { workflows: page.cursor };
}

/** The workflow last: it ends after its row is gone, if it was its end. */
async function lookForRow(inspector: Inspector, { artifactId, startedAtMs }: RunningLife): Promise<Finding[]> {
  const { records, fleet, patience } = inspector;
  const row = await records.get(artifactId);
  const life = await fleet.look(artifactId);
  // One that deletes finds out by itself, and one that is new is about to write its row.
  if (life === null || life.isDeleting) return [];
  if (row !== null) return compare(inspector, row, completeRecord(life.record));
  if (life.record.status === 'UPLOADING' && startedAtMs > Date.now() - patience.registrationMs) return [];
  return [findingOf('row_missing', life.record, { sinceMs: startedAtMs, row: null, workflow: 'runs' })];
}

/** What is being changed differs for moments. An upload has nothing to be put right but what its row knows more. */
async function compare({ records }: Inspector, row: ArtifactRecord, known: ArtifactRecord): Promise<Finding[]> {
  const { before, after } = differences(row, known);
  const isChanging = (await records.get(row.id))?.revision !== row.revision;
  const isUpload = known.status === 'UPLOADING' && row.revision <= known.revision;
  if (isChanging || isUpload || Object.keys(after).length === 0) return [];
  return [findingOf('row_differs', row, { sinceMs: row.updatedAtMs, row: before, workflow: after })];
}
