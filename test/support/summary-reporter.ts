import type { SerializedError } from 'vitest';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Adds one file. A file that could not be loaded, or whose hooks failed, counts as failed even when no test of it ran. */
function countModule(counts: Counts, module: TestModule): void {
  let failedTests = 0;
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === 'passed') counts.passed += 1;
    else if (state === 'failed') failedTests += 1;
    else counts.skipped += 1;
  }
  counts.failed += failedTests === 0 && module.state() === 'failed' ? 1 : failedTests;
}

/**
 * Ends the run with one line `N passed, N failed, N skipped` over all projects. An error outside of tests (a server that does not start)
 * counts as a failure, so that a red run never says "0 failed".
 */
export class SummaryReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    const counts: Counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) countModule(counts, module);
    if (counts.failed === 0 && reason !== 'passed') counts.failed = 1;
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}
