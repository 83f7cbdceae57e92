import { tmpdir } from 'node:os';
import type { DriftKind, Outcome } from '../../src/domain/drift.js';
import type { ReconciliationResult } from '../../src/operator/reconcile/reconcile.js';
import { runArtifacts } from './cli.js';
import { operatorEnvironmentOf } from './impatient-worker.js';
import type { TestStack } from './stack.js';

interface Shown extends Pick<ReconciliationResult, 'findings'> {
  id: string;
  mode: string;
  isConsistent: boolean;
}

/** `artifacts reconcile`, as an operator of this stack would run it. @throws when it ends with anything but its report. */
export async function reconcileBy(stack: TestStack, ...options: string[]): Promise<Shown & { code: number | null }> {
  const args = ['reconcile', ...options, '--all', '--json'];
  const { code, out, err } = await runArtifacts(args, { cwd: tmpdir(), env: operatorEnvironmentOf(stack) });
  if (code !== 0 && code !== 1) throw new Error(`${code}: ${err}\n${stack.output()}`);
  return { ...(JSON.parse(out) as Shown), code };
}

export const outcomes = ({ findings }: Pick<Shown, 'findings'>): [DriftKind, Outcome][] =>
  findings.map(({ kind, outcome }) => [kind, outcome]);

/** What a repair has not healed, and why. */
export const failedOf = ({
  findings,
}: Pick<Shown, 'findings'>): { kind: DriftKind; outcome: Outcome; note: string | null }[] =>
  findings.filter(({ outcome }) => outcome !== 'repaired').map(({ kind, outcome, note }) => ({ kind, outcome, note }));
