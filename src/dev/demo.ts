/** `npm run demo -- [folder]`: the main job from end to end, on real files and a real stack. Exits 0 only if every step held. */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ArtifactClient } from '../sdk/index.js';
import { readConnection } from './connection.js';
import type { Connection } from './connection.js';
import { defaultFiles, filesOf } from './demo/input.js';
import type { DemoFile } from './demo/input.js';
import { showMainWorkflows, showWorkflows } from './demo/links.js';
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

/** What the demo was asked to do, and how far it has come. */
interface Run {
  executionId: string;
  folder: string | undefined;
  /** Files that are in the store. */
  storedFiles: number;
  /** The stack is our own, and ends with the demo. */
  isOwnStack: boolean;
}

function readArguments(): Run {
  try {
    const { positionals } = parseArgs({ allowPositionals: true });
    if (positionals.length > 1) throw new Error('more than one folder');
    const [folder] = positionals;
    return { executionId: randomUUID(), folder, storedFiles: 0, isOwnStack: false };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new steps.DemoFailure(`Usage: npm run demo -- [folder] (${reason})`, { cause: error });
  }
}

const dataFolder = (): string => join(readSettings(process.env).directory, 'demo');

async function inputFiles(folder: string | undefined): Promise<DemoFile[]> {
  if (folder === undefined) return defaultFiles(dataFolder());
  const path = resolve(folder);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new steps.DemoFailure(`${path} does not exist`);
  if (!stats.isDirectory()) throw new steps.DemoFailure(`${path} is not a folder`);
  const files = await filesOf(path);
  if (files.length === 0) throw new steps.DemoFailure(`${path} has no files`);
  return files;
}

async function runSteps(connection: Connection, files: DemoFile[], run: Run, signal: AbortSignal): Promise<void> {
  const client = new ArtifactClient({ baseUrl: connection.apiUrl, token: connection.token });
  const { executionId } = run;
  try {
    const published = await step(
      `Publish ${files.length} files as the output of execution ${executionId}`,
      () => publish(client, { executionId, files, onStored: () => (run.storedFiles += 1) }, signal),
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
    await say('See their workflows', () => Promise.resolve(showWorkflows(published, connection)));
    await say('Download one by presigned URL', () => steps.downloadByUrl(client, largest));
    await say('Download one through the API', () => steps.downloadThroughApi(client, second));
    await say('Keep one for ever', () => steps.keepOne(client, second === smallest ? largest : second));
    await say('Hold one, so that nobody can delete it', () => steps.holdOne(client, smallest));
    await say('Delete it', () => steps.deleteOne(client, smallest, connection));
    await say('Bring it back', () => steps.undeleteOne(client, smallest));
    console.log('\nWhat became of these can be read in their workflows:');
    showMainWorkflows(executionId, [largest, second, smallest], connection);
  } finally {
    client.close();
  }
}

/** Runs with the stack that is there, or with a new one that ends with the demo; false when it did not start (it has said why). */
async function withStack(
  run: Run,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<void>,
): Promise<boolean> {
  const running = await readConnection();
  if (running !== null) {
    await work(running);
    return true;
  }
  console.log('No local stack runs: starting one for the demo.');
  run.isOwnStack = true;
  const own = launchStack({ invites: false });
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
  let run: Run | undefined;
  try {
    const current = readArguments();
    run = current;
    const files = await inputFiles(current.folder);
    const work = (connection: Connection): Promise<void> => runSteps(connection, files, current, interrupt.signal);
    const isDone = await withStack(current, interrupt.signal, work);
    if (!isDone && !interrupt.signal.aborted) return 1;
    if (!interrupt.signal.aborted) {
      console.log(`\nEvery step did what it says. Look again: ${later(current, 'list')}`);
      return 0;
    }
  } catch (error) {
    if (!interrupt.signal.aborted) console.error(`\n✘ ${steps.explain(error)}`);
  }
  if (interrupt.signal.aborted) console.log('\nThe demo was interrupted.');
  if (run !== undefined && run.storedFiles > 0)
    console.log(
      `${run.storedFiles} published ${run.storedFiles === 1 ? 'file stays' : 'files stay'} in the store, under execution ${run.executionId}. Delete them: ${later(run, 'delete --execution')}`,
    );
  else if (interrupt.signal.aborted) console.log('Nothing of it was published.');
  return interrupt.signal.aborted ? INTERRUPTED : 1;
}

/** A command for later; a stack of our own has ended by then, and with it what its links lead to. */
const later = ({ executionId, isOwnStack }: Run, command: string): string => {
  const line = `npx artifacts ${command} ${executionId}`;
  return isOwnStack
    ? `\n  npm start\n  ${line}\nThe stack of the demo has ended; its data is kept, and the links work when it runs again.`
    : line;
};

process.exitCode = await main();
