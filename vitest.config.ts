import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { SummaryReporter } from './test/support/summary-reporter.js';

/** One kind of test: a folder of `test/`, how long a test may take, and whether it needs servers. */
interface Leg {
  name: string;
  /** Limit of one test; hooks get twice as long. */
  timeoutMs: number;
  servers: boolean;
  /** Legs with a higher number start when the lower ones are done. */
  order: number;
  /** Test files at a time; default: one for every core. */
  filesAtOnce?: number;
}

/** Limits are there to end what hangs, not to measure: each is many times what a small, busy machine needs. */
const legs: Leg[] = [
  { name: 'unit', timeoutMs: 60_000, servers: false, order: 0 },
  { name: 'workflows', timeoutMs: 180_000, servers: true, order: 0 },
  { name: 'contract', timeoutMs: 180_000, servers: true, order: 0 },
  { name: 'integration', timeoutMs: 180_000, servers: true, order: 0 },
  // Real processes, and mostly waiting: for what is tried again after a minute, for deadlines, for servers that start.
  { name: 'e2e', timeoutMs: 360_000, servers: true, order: 1, filesAtOnce: 3 },
  // Thousands of artifacts within a time: with the machine to itself.
  { name: 'load', timeoutMs: 360_000, servers: true, order: 2, filesAtOnce: 1 },
];

const project = ({ name, timeoutMs, servers, order, filesAtOnce }: Leg): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: 2 * timeoutMs,
    // Shorter than the test, which then says what it has waited for in vain.
    expect: { poll: { timeout: timeoutMs / 2 } },
    ...(filesAtOnce === undefined ? {} : { maxWorkers: filesAtOnce }),
    sequence: { groupOrder: order },
    ...(servers ? { globalSetup: ['test/support/global-setup.ts'] } : {}),
  },
});

export default defineConfig({
  test: {
    // The Temporal SDK is a native module and tests send signals: a process per file keeps a crash to itself.
    pool: 'forks',
    // By default one core is left idle, which is half of a small machine.
    maxWorkers: '100%',
    // The version in the lock file runs on this Node; the notice is for whoever updates it.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    teardownTimeout: 60_000,
    reporters: ['default', new SummaryReporter()],
    projects: legs.map(project),
  },
});
