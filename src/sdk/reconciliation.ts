import type { DriftKind, Outcome } from '../domain/drift.js';
import type { ReconciliationMode } from '../domain/reconcile.js';
import type { Api } from './http.js';

/** Findings of one page; the most the API gives. */
const PAGE_FINDINGS = 200;

/** The JSON of `GET /v1/reconciliations/latest`. */
export interface ReconciliationJson {
  id: string;
  mode: ReconciliationMode;
  startedAt: string;
  finishedAt: string | null;
  isComplete: boolean;
  totals: DriftTotal[] | null;
  items: DriftFindingJson[];
  nextCursor: string | null;
}

export interface DriftTotal {
  kind: DriftKind;
  outcome: Outcome;
  findings: number;
  sizeBytes: number;
}

interface FindingBase {
  /** In its report, from 1. */
  number: number;
  kind: DriftKind;
  artifactId: string | null;
  executionId: string | null;
  /** In the bucket. */
  key: string | null;
  sizeBytes: number | null;
  outcome: Outcome;
  /** Why, for people. */
  note: string | null;
}

export interface DriftFindingJson extends FindingBase {
  since: string | null;
}

/** One place where bucket, row and workflow do not agree. */
export interface DriftFinding extends FindingBase {
  /** Since when it is so at the earliest; absent: not known. */
  since?: Date;
}

/** What the last reconciliation has found about the tenant's artifacts. Iterates over its findings, page by page. */
export interface LatestReconciliation extends AsyncIterable<DriftFinding> {
  id: string;
  /** `dry-run` only finds. */
  mode: ReconciliationMode;
  startedAt: Date;
  /** Absent while it runs. */
  finishedAt?: Date;
  /** False also when it gave up, or was cancelled. */
  isComplete: boolean;
  /** Null for a token that is narrowed to executions. */
  totals: DriftTotal[] | null;
}

/** @throws `reconciliation_not_found` when there was none yet, and as the API. */
export async function latestReconciliation(api: Api, signal?: AbortSignal): Promise<LatestReconciliation> {
  const ask = (cursor: string | null): Promise<ReconciliationJson> => {
    const query = new URLSearchParams({ limit: String(PAGE_FINDINGS), ...(cursor === null ? {} : { cursor }) });
    return api.call<ReconciliationJson>({
      method: 'GET',
      path: `/v1/reconciliations/latest?${query.toString()}`,
      signal,
    });
  };
  const first = await ask(null);
  const { id, mode, isComplete, totals, startedAt, finishedAt } = first;
  return {
    ...{ id, mode, isComplete, totals, startedAt: new Date(startedAt) },
    ...(finishedAt === null ? {} : { finishedAt: new Date(finishedAt) }),
    async *[Symbol.asyncIterator]() {
      yield* first.items.map(toFinding);
      for (let cursor = first.nextCursor; cursor !== null;) {
        const page = await ask(cursor);
        yield* page.items.map(toFinding);
        cursor = page.nextCursor;
      }
    },
  };
}

const toFinding = ({ since, ...same }: DriftFindingJson): DriftFinding => ({
  ...same,
  ...(since === null ? {} : { since: new Date(since) }),
});
