import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonWith } from '../../../src/dev/servers/python.js';

const packageRoot = fileURLToPath(new URL('../../../', import.meta.url));
/** Tests the API from its OpenAPI document (MIT); its configuration is `schemathesis.toml`. */
const SCHEMATHESIS = { name: 'schemathesis', version: '4.32.5', what: 'a tester of APIs' };

interface RunOptions {
  apiUrl: string;
  token: string;
  /** The same seed asks the same, as far as the answers are the same. */
  seed: number;
  /** Test cases for each operation, and sequences of linked operations. */
  examples: number;
}

export interface SchemathesisRun {
  /** Everything it said, for the message of a failing test. */
  output: string;
  report: {
    exit_code: number;
    operations: { total: number; tested: number; errored: number };
    phases: Record<string, { status: string }>;
    test_cases: { generated: number; with_failures: number };
    failures: { title: string; operations: unknown[] }[];
    errors: unknown[];
  };
}

/** Runs every phase and every check, and resolves with how it ended. */
export async function runSchemathesis({ apiUrl, token, seed, examples }: RunOptions): Promise<SchemathesisRun> {
  const python = await pythonWith(SCHEMATHESIS, (line) => console.log(`[schemathesis] ${line}`));
  const folder = await mkdtemp(join(tmpdir(), 'durable-artifacts-schemathesis-'));
  const reportFile = join(folder, 'report.json');
  const args = [
    ...['-m', 'schemathesis.cli', '--no-color', 'run', `${apiUrl}/openapi.json`],
    ...['--header', `Authorization: Bearer ${token}`, '--seed', String(seed), '--max-examples', String(examples)],
    ...['--report', 'json', '--report-json-path', reportFile],
  ];
  try {
    const output = await outputOf(python, args);
    const report = await readFile(reportFile, 'utf8').catch(() => {
      throw new Error(`schemathesis made no report:\n${output}`);
    });
    return { output, report: JSON.parse(report) as SchemathesisRun['report'] };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}
