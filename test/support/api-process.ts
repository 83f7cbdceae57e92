import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The API in a process of its own. */
export interface ApiProcess {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
  ended: Promise<number | null>;
}

/** Starts it with these variables alone; ends with the test. */
export function launchApi(env: Record<string, string>, overrides: Record<string, string> = {}): ApiProcess {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/api/server.ts'], {
    cwd: packageRoot,
    env: { PATH, NODE_NO_WARNINGS: '1', ...env, ...overrides },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output, ended };
}

/** Where it listens. @throws with what it said when it ends instead. */
export async function urlOf({ output, child }: ApiProcess): Promise<string> {
  while (child.exitCode === null) {
    const url = /^api: listening on (http:\S+)$/m.exec(output.stdout)?.[1];
    if (url !== undefined) return url;
    await sleep(50);
  }
  throw new Error(`The server has ended:\n${output.stdout}${output.stderr}`);
}
