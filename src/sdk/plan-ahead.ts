import type { PreviewedAction } from '../domain/preview.js';
import { requireUuid } from '../domain/ids.js';
import type { Api } from './http.js';

/** Artifacts of one page; the most the API gives. */
const PAGE_ARTIFACTS = 200;

/** The JSON of `GET /v1/plan`. */
export interface PlanPageJson {
  from: string;
  until: string;
  items: PlannedActionJson[];
  totals: PlanTotals | null;
  nextCursor: string | null;
}

export interface PlannedActionJson {
  artifactId: string;
  executionId: string;
  path: string;
  action: PreviewedAction;
  at: string;
  rule: string;
  because: string;
  sizeBytes: number | null;
  isEstimate: boolean;
  undeleteUntil: string | null;
}

/** How much of each action there will be. */
export interface PlanTotals {
  /** False: too many to count; there is more than this. */
  complete: boolean;
  /** To which something happens. */
  artifacts: number;
  /** Those that happen at all. */
  actions: { action: PreviewedAction; count: number; sizeBytes: number }[];
}

/** What is asked about. */
export interface PlanQuery {
  /** From now: hours (`12h`) or days (`30d`), at most `366d`. Default `7d`. */
  within?: string;
  /** Only this one; else all that the token may see. */
  executionId?: string;
  /** Only these, such as `expire`. */
  actions?: readonly PreviewedAction[];
  signal?: AbortSignal;
}

/** One thing that will happen to an artifact if nobody says anything before. */
export interface PlannedAction {
  artifactId: string;
  executionId: string;
  path: string;
  action: PreviewedAction;
  at: Date;
  /** The rule that causes it, such as `default_retention`. */
  rule: string;
  /** The rule in words. */
  because: string;
  /** Absent while it is not known. */
  sizeBytes?: number;
  /** The end of a restore (at the latest, by what S3 promises), and the tiers that count from it. */
  isEstimate: boolean;
  /** Of a deletion: until when it can be undone; absent: it cannot. */
  undeleteUntil?: Date;
}

/**
 * What happens by itself until then. Iterates by artifact: one execution after the other, in each the artifact first to which something
 * happens first; each with all that happens to it, in the order of time.
 */
export interface PlanPreview extends AsyncIterable<PlannedAction> {
  from: Date;
  until: Date;
  totals: PlanTotals;
}

/** Asks for the first page, which has the totals; the others are asked for while it is iterated. @throws as the API. */
export async function previewPlan(api: Api, query: PlanQuery): Promise<PlanPreview> {
  const { within, executionId, actions = [], signal } = query;
  const parameters = new URLSearchParams({ limit: String(PAGE_ARTIFACTS) });
  if (within !== undefined) parameters.set('within', within);
  if (executionId !== undefined) parameters.set('executionId', requireUuid(executionId, 'execution id'));
  for (const action of actions) parameters.append('action', action);
  const ask = (cursor: string | null): Promise<PlanPageJson> => {
    if (cursor !== null) parameters.set('cursor', cursor);
    return api.call<PlanPageJson>({ method: 'GET', path: `/v1/plan?${parameters.toString()}`, signal });
  };
  const first = await ask(null);
  return {
    from: new Date(first.from),
    until: new Date(first.until),
    totals: first.totals ?? { complete: false, artifacts: 0, actions: [] },
    async *[Symbol.asyncIterator]() {
      yield* first.items.map(toPlannedAction);
      for (let cursor = first.nextCursor; cursor !== null;) {
        const page = await ask(cursor);
        yield* page.items.map(toPlannedAction);
        cursor = page.nextCursor;
      }
    },
  };
}

const toPlannedAction = ({ at, sizeBytes, undeleteUntil, ...same }: PlannedActionJson): PlannedAction => ({
  ...same,
  at: new Date(at),
  ...(sizeBytes === null ? {} : { sizeBytes }),
  ...(undeleteUntil === null ? {} : { undeleteUntil: new Date(undeleteUntil) }),
});
