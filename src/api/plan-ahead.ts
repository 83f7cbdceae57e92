import type { ArtifactReads } from '../db/artifact-records.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { PREVIEWED_ACTIONS, previewOf, type Preview, type PreviewedAction } from '../domain/preview.js';

/** Artifacts of one read for the totals: a few MB. */
const TOTALS_BATCH = 1_000;
/** What the totals cost at most: measured, about 2 s of this process and of the database. */
const MAX_TOTALS_ARTIFACTS = 50_000;
/** Of a filter that hardly anything passes: so many empty reads make an empty page. */
const MAX_EMPTY_READS = 10;

/** What is to be told: of which artifacts, which actions (null: all), until when. */
export interface PlanAhead {
  tenantId: string;
  /** Null: every execution of the tenant. */
  executionIds: readonly string[] | null;
  actions: readonly PreviewedAction[] | null;
  nowMs: number;
  untilMs: number;
}

export interface PlannedAction {
  record: ArtifactRecord;
  preview: Preview;
}

export interface PlanTotals {
  /** False: there are more than were looked at. */
  complete: boolean;
  artifacts: number;
  actions: { action: PreviewedAction; count: number; sizeBytes: number }[];
}

/** One page: everything about at most `limit` artifacts. Fewer, or none, do not mean that it is the last one. */
export async function planPage(
  records: ArtifactReads,
  plan: PlanAhead,
  { limit, cursor: begin }: { limit: number; cursor: string | null },
): Promise<{ items: PlannedAction[]; nextCursor: string | null }> {
  let cursor = begin;
  for (let reads = 1; ; reads += 1) {
    const page = await records.listUpcoming({ ...whatOf(plan), limit, ...(cursor === null ? {} : { cursor }) });
    const items = page.items.flatMap((record) => plannedFor(record, plan).map((preview) => ({ record, preview })));
    cursor = page.nextCursor;
    if (items.length > 0 || cursor === null || reads === MAX_EMPTY_READS) return { items, nextCursor: cursor };
  }
}

/** Count and bytes per action over all pages, in the memory of one read. */
export async function planTotals(records: ArtifactReads, plan: PlanAhead): Promise<PlanTotals> {
  const sums = new Map(PREVIEWED_ACTIONS.map((action) => [action, { action, count: 0, sizeBytes: 0 }]));
  let artifacts = 0;
  let cursor: string | null = null;
  for (let seen = 0; seen < MAX_TOTALS_ARTIFACTS;) {
    const page = await records.listUpcoming({
      ...whatOf(plan),
      limit: TOTALS_BATCH,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const record of page.items) {
      const previews = plannedFor(record, plan);
      artifacts += previews.length > 0 ? 1 : 0;
      for (const { action, sizeBytes } of previews) {
        const sum = sums.get(action);
        if (sum === undefined) continue;
        sum.count += 1;
        sum.sizeBytes += sizeBytes ?? 0;
      }
    }
    seen += page.items.length;
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return { complete: cursor === null, artifacts, actions: [...sums.values()].filter(({ count }) => count > 0) };
}

const whatOf = ({ tenantId, executionIds, untilMs }: PlanAhead): Omit<PlanAhead, 'actions' | 'nowMs'> => ({
  tenantId,
  executionIds,
  untilMs,
});

const plannedFor = (record: ArtifactRecord, { actions, nowMs, untilMs }: PlanAhead): Preview[] =>
  previewOf(record, nowMs, untilMs).filter(({ action }) => actions?.includes(action) ?? true);

/** Later pages have the horizon of the first one. */
export const encodePlanCursor = (untilMs: number, cursor: string): string =>
  Buffer.from(`${untilMs}.${cursor}`).toString('base64url');

/** @throws `invalid_cursor` for anything that {@link encodePlanCursor} would not have made. */
export function decodePlanCursor(text: string): { untilMs: number; cursor: string } {
  const [untilMs = '', cursor = ''] = Buffer.from(text, 'base64url').toString('utf8').split('.');
  if (!/^\d{1,15}$/.test(untilMs) || encodePlanCursor(Number(untilMs), cursor) !== text)
    throw new ArtifactError('invalid_cursor', `"${text.slice(0, 120)}" was not given by a page of a plan`);
  return { untilMs: Number(untilMs), cursor };
}
