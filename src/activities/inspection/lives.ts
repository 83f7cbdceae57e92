import type { RowPlace } from '../../db/row-inventory.js';
import { completeRecord, type ArtifactRecord } from '../../domain/artifact-record.js';
import type { Finding } from '../../domain/drift.js';
import { findingOf, isAsIndexed, isBehind, isUnended, rowDiffers } from '../../domain/inspection.js';
import type { RunningLife } from '../deps.js';
import type { Inspector } from './slice.js';

/**
 * First the rows, then the workflows as the index has them. Once a row was met that its workflow is ahead of, or that is missing, the database may
 * be an older one, and every workflow is asked.
 */
type LivesCursor = { isOlder?: boolean } & (
  { rowsAfter: RowPlace | null } | { workflows: string | null } | { everyWorkflow: string | null }
);

/** Rows whose life is not over and that no workflow leads, and workflows that lead a life of which there is no row, or one that says other things. */
export async function inspectLives(inspector: Inspector, cursor: LivesCursor | null): Promise<LivesCursor | null> {
  let at: LivesCursor | null = cursor ?? { rowsAfter: null };
  do {
    inspector.signal.throwIfAborted();
    at =
      'rowsAfter' in at
        ? await inspectRows(inspector, at)
        : 'workflows' in at
          ? await inspectWorkflows(inspector, at)
          : await askEveryWorkflow(inspector, at);
  } while (at !== null && !inspector.isOver());
  return at;
}

const older = (isOlder: boolean | undefined): { isOlder?: boolean } => (isOlder === true ? { isOlder } : {});

/** Rows are not counted here: they are beside the bucket. */
async function inspectRows(
  inspector: Inspector,
  { rowsAfter, isOlder }: LivesCursor & { rowsAfter: RowPlace | null },
): Promise<LivesCursor> {
  const page = await inspector.rows.listUnended({ after: rowsAfter, throughKey: null, limit: inspector.pageSize });
  const running = new Set(page.length === 0 ? [] : await inspector.fleet.findRunning(page.map(({ id }) => id)));
  const found = await inspector.confirm(
    page.filter(({ id }) => !running.has(id)),
    (row) => lookForLife(inspector, row),
  );
  const flag = older(isOlder === true || found.some(isOfOlder));
  const last = page.at(-1);
  return last === undefined || page.length < inspector.pageSize
    ? { ...flag, workflows: null }
    : { ...flag, rowsAfter: { key: last.key, id: last.id } };
}

/** The row last: it is written before its workflow ends. */
async function lookForLife({ isAlive, records, fleet }: Inspector, { id }: ArtifactRecord): Promise<Finding[]> {
  if (await isAlive(id)) return [];
  const row = await records.get(id);
  if (row === null || !isUnended(row)) return [];
  const known = await fleet.recall(id);
  const ended = known !== null && isBehind(row, known) && !isUnended(known) ? known : null;
  const differing = ended === null ? null : rowDiffers(row, ended, { ended: true });
  return [differing ?? findingOf('life_missing', row, { sinceMs: row.updatedAtMs, workflow: 'does not run' })];
}

async function inspectWorkflows(
  inspector: Inspector,
  { workflows, isOlder }: LivesCursor & { workflows: string | null },
): Promise<LivesCursor | null> {
  const page = await inspector.fleet.listRunning({ cursor: workflows, limit: inspector.pageSize });
  const rows = await inspector.rows.findByIds(page.lives.map(({ artifactId }) => artifactId));
  const known = new Map(rows.map((row) => [row.id, row]));
  const found = await inspector.confirm(
    page.lives.filter(({ artifactId, index }) => {
      const row = known.get(artifactId);
      return row === undefined || (index !== null && !isAsIndexed(row, index));
    }),
    (life) => lookForRow(inspector, life),
  );
  inspector.count({ lives: page.lives.length });
  const flag = older(isOlder === true || found.some(isOfOlder));
  if (page.cursor !== null) return { ...flag, workflows: page.cursor };
  return flag.isOlder === true ? { everyWorkflow: null } : null;
}

/** They are counted already. */
async function askEveryWorkflow(
  inspector: Inspector,
  { everyWorkflow }: { everyWorkflow: string | null },
): Promise<LivesCursor | null> {
  const page = await inspector.fleet.listRunning({ cursor: everyWorkflow, limit: inspector.pageSize });
  await inspector.confirm(page.lives, (life) => lookForRow(inspector, life));
  return page.cursor === null ? null : { everyWorkflow: page.cursor };
}

/** Does it look as if the database were older than the workflows? */
const isOfOlder = ({ kind, detail }: Finding): boolean =>
  kind === 'row_missing' ||
  (kind === 'row_differs' && typeof detail['workflow'] === 'object' && 'revision' in (detail['workflow'] ?? {}));

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

/** What is being changed differs for moments. */
async function compare({ records }: Inspector, row: ArtifactRecord, known: ArtifactRecord): Promise<Finding[]> {
  const differing = rowDiffers(row, known);
  const isChanging = differing !== null && (await records.get(row.id))?.revision !== row.revision;
  return differing === null || isChanging ? [] : [differing];
}
