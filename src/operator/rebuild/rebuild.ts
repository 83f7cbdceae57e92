import type { ExecutionRows } from '../../db/row-inventory.js';
import { mapConcurrently } from '../../domain/concurrency.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import { emptyReport, MAX_NAMED, rowsMade, type RebuildReport } from '../../domain/rebuild.js';
import { workflowsOf } from '../../temporal/take-up.js';
import type { RunningLives } from '../../temporal/running-lives.js';
import { AT_ONCE } from './evidence.js';
import { walkBucket } from './bucket-walk.js';
import type { RebuildDeps, RebuildOptions } from './deps.js';
import { createPace } from '../../pace.js';
import { inPages, RowRestorer } from './restore-rows.js';
import { otherDatabases, takeOver } from './take-over.js';

const PAGE = 500;

/**
 * Makes again what is missing: rows, from what lives, manifests and objects say (the most trusted first), and then the life of every row that
 * has none, with the time that it has left. What is there is never changed, so it may be repeated, and goes on where it was stopped.
 * It ends with this database in the place of the others that worked with the bucket and are gone.
 * @throws `database_not_migrated`; `wrong_state` when lives know rows that are missing, and no worker answers for them, or when another database
 * is at work in the bucket, as what it knows would be made into rows here.
 */
export async function rebuild({ running, ...ports }: RebuildDeps, options: RebuildOptions): Promise<RebuildReport> {
  const deps = { ...ports, running: askedOnlyIfAnswered(running) };
  const { apply, perSecond, signal } = options;
  const report = emptyReport(apply);
  // Also says whether the tables are there, which the first write would find out too late.
  await deps.records.ping();
  report.otherDatabases = await otherDatabases(deps, options);
  const pause = createPace(perSecond, signal);
  await restoreRows(deps, options, report, pause);
  // Lives cannot begin without its search attributes.
  if (apply) report.prepared = await deps.prepareNamespace();
  await restoreLives(deps, options, report, pause);
  await takeUpInterrupted(deps, options, report, pause);
  await writeManifests(deps, options, report, pause);
  if (apply && !isSilent(report)) await takeOver(deps, report);
  return report;
}

const isSilent = ({ leftOut }: RebuildReport): boolean => leftOut.some(({ reason }) => reason === 'silent');

/** A life answers only through a worker: when the first one that is asked does not, none would. */
function askedOnlyIfAnswered(running: RunningLives): RunningLives {
  let hasAnswered = false;
  return {
    ...running,
    recordOf: async (id) => {
      try {
        const record = await running.recordOf(id);
        hasAnswered = true;
        return record;
      } catch (error) {
        if (hasAnswered || !(error instanceof ArtifactError) || error.code !== 'not_yet_answered') throw error;
        throw new ArtifactError(
          'wrong_state',
          'Workflows run that know rows which are missing, and no worker answers for them: start the workers (and no API) first',
          { cause: error },
        );
      }
    },
  };
}

type Step = [deps: RebuildDeps, options: RebuildOptions, report: RebuildReport, pause: () => Promise<void>];

async function restoreRows(...[deps, options, report, pause]: Step): Promise<void> {
  const restorer = new RowRestorer(deps, options, report, pause);
  let seen = 0;
  for await (const found of walkBucket(deps.store, pause)) {
    await restorer.execution(found);
    seen += found.versions.length;
    options.tell({ phase: 'rows', seen, made: rowsMade(report) });
  }
  for await (const ids of inPages(deps.running.list(null))) await restorer.livesAlone(ids);
}

async function restoreLives(...[deps, options, report, pause]: Step): Promise<void> {
  const { apply, tell } = options;
  let after: { key: string; id: string } | null = null;
  let seen = 0;
  for (;;) {
    const page: ArtifactRecord[] = await deps.rows.listUnended({ after, throughKey: null, limit: PAGE });
    await mapConcurrently(page, AT_ONCE, async (record) => {
      await pause();
      const isMissing = apply ? await deps.lives.revive(record) : !(await deps.lives.isAlive(record.id));
      if (isMissing) report.lives += 1;
      else report.livesThere += 1;
    });
    seen += page.length;
    tell({ phase: 'lives', seen, made: report.lives });
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = last;
  }
  // Their rows are not there to be found.
  if (!apply) report.lives += report.rows.manifest.artifacts + report.rows.object.artifacts;
}

/** What did not end and is led by nobody. After the lives, which are told by it. */
async function takeUpInterrupted(...[{ rebuilds, running, lives }, { apply }, report, pause]: Step): Promise<void> {
  for await (const interrupted of rebuilds.listUnended()) {
    await pause();
    const runs = await Promise.all(workflowsOf(interrupted).map((id) => running.runs(id)));
    if (runs.includes(true)) continue;
    if (apply) await lives.takeUp(interrupted);
    report.takenUp += 1;
    if (report.interrupted.length < MAX_NAMED) report.interrupted.push(interrupted);
  }
}

/**
 * From here on the database knows all that can be known, so manifests are written from it again. Not while a life still has to say what it
 * knows, as its manifest may be all that is left of it.
 */
async function writeManifests(...[deps, options, report, pause]: Step): Promise<void> {
  const { apply, tell } = options;
  const isNothingNew = rowsMade(report) === 0 && report.lives === 0;
  if (!apply || isSilent(report)) return;
  if (!isNothingNew || (await deps.records.isYoungerThan(0))) await deps.rebuilds.finish(report);
  if (isNothingNew) return;
  for (let afterId: string | null = null; ;) {
    const page: ExecutionRows[] = await deps.rows.listExecutions({ afterId, limit: PAGE });
    for (const { executionId, isListed } of page) {
      if (!isListed) continue;
      await pause();
      await deps.lives.executionChanged(executionId);
      report.manifests += 1;
    }
    tell({ phase: 'manifests', seen: report.manifests, made: report.manifests });
    if (page.length < PAGE) return;
    afterId = page.at(-1)?.executionId ?? null;
  }
}
