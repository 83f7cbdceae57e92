import type { Finding, Inspected, Outcome } from '../../domain/drift.js';
import { ENDED_FROM_OUTSIDE } from '../../domain/reconcile.js';
import { NOTHING_INSPECTED } from '../../domain/drift.js';
import type {
  FindingsQuery,
  NewReconciliation,
  NumberedFinding,
  ReconciliationReport,
  Reconciliations,
} from '../reconciliations.js';

interface Run extends Omit<ReconciliationReport, 'totals'> {
  findings: NumberedFinding[];
  /** Kinds and subjects that it has. */
  known: Set<string>;
}

/** Reports of reconciliations in memory, for tests that need no Postgres. Answers are copies. Passes the same contract suite. */
export class MemoryReconciliations implements Reconciliations {
  readonly #runs = new Map<string, Run>();

  async begin({ id, mode, startedAtMs, forgetBeforeMs = -Infinity }: NewReconciliation): Promise<void> {
    await Promise.resolve();
    for (const [other, run] of this.#runs)
      if (other !== id && run.startedAtMs < forgetBeforeMs) this.#runs.delete(other);
    for (const run of this.#runs.values())
      if (run.id !== id && run.finishedAtMs === null && run.startedAtMs <= startedAtMs)
        Object.assign(run, { finishedAtMs: startedAtMs, failure: ENDED_FROM_OUTSIDE });
    if (this.#runs.has(id)) return;
    const nothing = { finishedAtMs: null, inspected: NOTHING_INSPECTED, failure: null };
    this.#runs.set(id, { id, mode, startedAtMs, ...nothing, findings: [], known: new Set() });
  }

  async addFindings(runId: string, findings: readonly Finding[]): Promise<void> {
    await Promise.resolve();
    const run = this.#existing(runId);
    for (const finding of structuredClone(findings)) {
      const name = JSON.stringify([finding.kind, finding.subject]);
      if (run.known.has(name)) continue;
      run.known.add(name);
      run.findings.push({ ...finding, number: run.findings.length + 1, outcome: 'open', note: null });
    }
  }

  async listFindings({ runId, tenantId, afterNumber, limit }: FindingsQuery): Promise<NumberedFinding[]> {
    await Promise.resolve();
    const found = (this.#runs.get(runId)?.findings ?? []).filter(
      (finding) => finding.number > afterNumber && (tenantId === null || finding.tenantId === tenantId),
    );
    return structuredClone(found.slice(0, limit));
  }

  async settle(runId: string, number: number, outcome: Outcome, note: string | null): Promise<void> {
    await Promise.resolve();
    const finding = this.#existing(runId).findings.find((one) => one.number === number);
    if (finding !== undefined) Object.assign(finding, { outcome, note });
  }

  async finish(
    runId: string,
    facts: { finishedAtMs: number; inspected: Inspected; failure: string | null },
  ): Promise<void> {
    await Promise.resolve();
    const run = this.#existing(runId);
    if (run.finishedAtMs === null) Object.assign(run, structuredClone(facts));
  }

  async latest({ tenantId }: { tenantId: string | null }): Promise<ReconciliationReport | null> {
    const [last] = [...this.#runs.values()].sort((a, b) => b.startedAtMs - a.startedAtMs);
    return last === undefined ? null : this.get(last.id, { tenantId });
  }

  async get(runId: string, { tenantId }: { tenantId: string | null }): Promise<ReconciliationReport | null> {
    await Promise.resolve();
    const run = this.#runs.get(runId);
    if (run === undefined) return null;
    const { findings, known: _known, ...facts } = run;
    const totals = new Map<string, ReconciliationReport['totals'][number]>();
    for (const { kind, outcome, sizeBytes } of findings.filter(
      (one) => tenantId === null || one.tenantId === tenantId,
    )) {
      const name = `${kind} ${outcome}`;
      const before = totals.get(name) ?? { kind, outcome, findings: 0, bytes: 0 };
      totals.set(name, { ...before, findings: before.findings + 1, bytes: before.bytes + (sizeBytes ?? 0) });
    }
    const inOrder = [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
    return structuredClone({ ...facts, totals: inOrder });
  }

  #existing(runId: string): Run {
    const run = this.#runs.get(runId);
    if (run === undefined) throw new Error(`There is no reconciliation ${runId}`);
    return run;
  }
}
