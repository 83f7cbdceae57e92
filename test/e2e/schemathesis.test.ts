import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runSchemathesis } from '../support/schemathesis/run.js';
import { startTestStack, type TestStack } from '../support/stack.js';

/** For a longer run by hand: `SCHEMATHESIS_EXAMPLES=1000 SCHEMATHESIS_SEED=7 npm run test:e2e -- schemathesis`. */
const examples = Number(process.env['SCHEMATHESIS_EXAMPLES'] ?? 10);
const seed = Number(process.env['SCHEMATHESIS_SEED'] ?? 6);
const TIMEOUT_MS = 180_000 + examples * 30_000;

let stack: TestStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-artifacts-published-'));
  await writeFile(join(folder, 'report.txt'), 'hello');
  stack = await startTestStack();
  // The host that the examples of the document name.
  await stack.hostWorker('agent-7', [folder]).start();
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true });
});

it('the running API keeps what its OpenAPI document promises, whatever is sent', { timeout: TIMEOUT_MS }, async () => {
  const scope = 'artifacts:read artifacts:write artifacts:admin';
  const token = await stack.token({ scope, expiresInSeconds: TIMEOUT_MS / 1_000 });
  const { report, output } = await runSchemathesis({ apiUrl: stack.apiUrl, token, seed, examples });
  const { operations, phases, test_cases: cases, failures, errors } = report;
  console.log(
    `schemathesis: ${operations.tested} of ${operations.total} operations, ${cases.generated} test cases, ` +
      `${cases.with_failures} failures (seed ${seed})`,
  );
  const problems = { failures: failures.map(({ title }) => title), errors };
  expect(problems, `${output}\n${stack.output()}`).toEqual({ failures: [], errors: [] });
  expect(operations.tested).toBe(operations.total);
  expect(Object.entries(phases).map(([phase, { status }]) => [phase, status])).toEqual(
    ['examples', 'coverage', 'fuzzing', 'stateful'].map((phase) => [phase, 'success']),
  );
  expect(report.exit_code).toBe(0);
});
