import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '../../src/dev/settings.js';
import { measure, usageOf, type Cost } from './measure.js';
import type { Place } from './place.js';

const STOP_MS = 10_000;
const RETRY_MS = 500;
const START_TRIES = 60;

/** An upload worker of a host of its own. */
export interface HostWorker {
  /** Publishes a folder or file into a new execution; answers with it, and with what the worker, not the waiting command, used up. */
  publish: (path: string) => Promise<{ execution: string; cost: Cost }>;
}

/** Runs the upload worker over a folder, as a user would start it. */
export async function withHostWorker<T>(place: Place, root: string, run: (host: HostWorker) => Promise<T>): Promise<T> {
  const hostId = `bench-${randomUUID()}`;
  const env = { ...process.env, LOCAL_DIRECTORY: readSettings(process.env).directory };
  const args = [place.cli, 'worker', '--upload', '--host', hostId, '--root', root];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const publish = async (path: string): Promise<{ execution: string; cost: Cost }> => {
    const before = usageOf(child.pid ?? -1);
    const execution = randomUUID();
    const command = [place.cli, 'publish', path, '--execution', execution, '--host', hostId, '--json'];
    const { wallSeconds } = await measure(place.python, { command: process.execPath, args: command, env: place.own });
    const after = usageOf(child.pid ?? -1);
    const used = after ?? { userSeconds: NaN, peakBytes: NaN, writtenBytes: NaN };
    return { execution, cost: { ...used, userSeconds: used.userSeconds - (before?.userSeconds ?? 0), wallSeconds } };
  };
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    return await run({
      publish: (path) =>
        patiently(
          () => publish(path),
          () => said,
        ),
    });
  } finally {
    child.kill('SIGTERM');
    await Promise.race([exited, sleep(STOP_MS, undefined, { ref: false })]);
    child.kill('SIGKILL');
  }
}

/** Until the worker asks for work, whoever wants to publish is refused. */
async function patiently<T>(work: () => Promise<T>, said: () => string): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === START_TRIES || !String(error).includes('host_unreachable'))
        throw new Error(`${String(error)}\nThe upload worker said: ${said().slice(-2_000)}`, { cause: error });
      await sleep(RETRY_MS);
    }
  }
}
