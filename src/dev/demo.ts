/** `npm run demo -- [folder]`: the main job from end to end, on real files and a real stack. Exits 0 only if every step held. */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { ArtifactClient } from '../sdk/index.js';
import { readConnection } from './connection.js';
import type { Connection } from './connection.js';
import { defaultFiles, filesOf } from './demo/input.js';
import type { DemoFile } from './demo/input.js';
import { publish } from './demo/publish.js';
import * as steps from './demo/steps.js';
import { launchStack } from './launch.js';
import { readSettings } from './settings.js';

const INTERRUPTED = 130;
/** npm passes a Ctrl-C on that we have from the terminal already: one key press, two signals. */
const SAME_KEY_PRESS_MS = 500;

/** Runs one step and says how it went. The name of a step that fails is what the demo ends with. */
async function step<T>(name: string, work: () => Promise<T>, result: (value: T) => string): Promise<T> {
  const startMs = Date.now();
  console.log(`\n▸ ${name}`);
  try {
    const value = await work();
    console.log(`  ✔ ${result(value)} (${((Date.now() - startMs) / 1_000).toFixed(1)} s)`);
    return value;
  } catch (error) {
    throw new steps.DemoFailure(`"${name}" failed. ${steps.explain(error)}`, { cause: error });
  }
}

async function inputFiles(folder: string | undefined): Promise<DemoFile[]> {
  const cacheFolder = join(readSettings(process.env).directory, 'demo');
  const files = folder === undefined ? await defaultFiles(cacheFolder) : await filesOf(resolve(folder));
  if (files.length === 0) throw new steps.DemoFailure(`${resolve(folder ?? '.')} has no files`);
  return files;
}

async function runSteps(connection: Connection, files: DemoFile[], signal: AbortSignal): Promise<void> {
  const client = new ArtifactClient({ baseUrl: connection.apiUrl, token: connection.token });
  const executionId = randomUUID();
  try {
    const published = await step(
      `Publish ${files.length} files as the output of execution ${executionId}`,
      () => publish(client, executionId, files, signal),
      (all) => `${all.length} files are in the store`,
    );
    const bySize = [...published].sort((a, b) => b.file.sizeBytes - a.file.sizeBytes);
    const [largest, second = largest] = bySize;
    const smallest = bySize.at(-1);
    if (largest === undefined || second === undefined || smallest === undefined) return;
    const say = async (name: string, work: () => Promise<string>): Promise<void> => {
      signal.throwIfAborted();
      await step(name, work, (text) => text);
    };
    await say('List them', () => steps.showArtifacts(client, executionId, published));
    await say('Download one by presigned URL', () => steps.downloadByUrl(client, largest));
    await say('Download one through the API', () => steps.downloadThroughApi(client, second));
    await say('Keep one for ever', () => steps.keepOne(client, second === smallest ? largest : second));
    await say('Delete one', () => steps.deleteOne(client, smallest, connection));
    await say('See their workflows', () => Promise.resolve(steps.showWorkflows(published, connection)));
    console.log(`\nEvery step did what it says. Look again: npx artifacts list ${executionId}`);
  } finally {
    client.close();
  }
}

/** Runs with the stack that is there, or with a new one that ends with the demo; false when it did not start (it has said why). */
async function withStack(signal: AbortSignal, work: (connection: Connection) => Promise<void>): Promise<boolean> {
  const running = await readConnection();
  if (running !== null) {
    await work(running);
    return true;
  }
  console.log('No local stack runs: starting one for the demo.');
  const own = launchStack();
  // A second call would not wait for an orderly end.
  let isStopping = false;
  const stop = (): void => {
    if (!isStopping) own.stop();
    isStopping = true;
  };
  try {
    // While it starts there is nothing to clean up first; later the upload is removed before the stack goes.
    signal.addEventListener('abort', stop, { once: true });
    const connection = await own.ready;
    signal.removeEventListener('abort', stop);
    if (connection === null) return false;
    await work(connection);
    return true;
  } finally {
    stop();
    await own.ended;
  }
}

async function main(): Promise<number> {
  const interrupt = new AbortController();
  let lastSignalMs = 0;
  const onSignal = (): void => {
    if (Date.now() - lastSignalMs < SAME_KEY_PRESS_MS) return;
    lastSignalMs = Date.now();
    if (interrupt.signal.aborted) process.exit(INTERRUPTED);
    interrupt.abort(new Error('interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  try {
    const files = await inputFiles(process.argv[2]);
    const isDone = await withStack(interrupt.signal, (connection) => runSteps(connection, files, interrupt.signal));
    if (interrupt.signal.aborted) return INTERRUPTED;
    return isDone ? 0 : 1;
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    console.error(`\n✘ ${steps.explain(error)}`);
    return 1;
  }
}

process.exitCode = await main();
