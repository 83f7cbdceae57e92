import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { findMoto, startMoto } from '../../src/dev/servers/moto.js';
import { freePort } from '../../src/dev/servers/ports.js';
import { startPostgres } from '../../src/dev/servers/postgres.js';
import { findTemporal, startTemporal } from '../../src/dev/servers/temporal.js';
import { findVersitygw, startVersitygw } from '../../src/dev/servers/versitygw.js';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.js';
import { findChromium } from './browser/find-chromium.js';
import { findJavaTestServer } from './java-test-server.js';

type Name = keyof ProvidedContext;

/** What each project gets. A server that no project of the run needs is not started. */
const needs: Record<string, readonly Name[]> = {
  workflows: ['temporalAddress', 'temporalBinary', 'javaTestServer', 'workflowBundle'],
  contract: ['databaseUrl', 'versitygw', 'moto'],
  integration: ['temporalAddress', 'temporalBinary', 'databaseUrl', 'versitygw', 'moto', 'chromium', 'workflowBundle'],
  e2e: ['temporalAddress', 'temporalBinary', 'databaseUrl', 'versitygw', 'moto', 'workflowBundle'],
  load: ['temporalAddress', 'databaseUrl', 'versitygw', 'moto', 'workflowBundle'],
};

const say = (line: string): void => {
  console.log(`[servers] ${line}`);
};

/** Servers and folders of one run. */
interface Run {
  /** Each value is made the first time a project asks for it. */
  values: { [name in Name]: () => Promise<ProvidedContext[name]> };
  /** Projects that use it. */
  projects: number;
  /** Ends everything, in reverse order. */
  end(): Promise<void>;
}

type Ending = () => Promise<void>;

function createRun(): Run {
  const endings: Ending[] = [];
  const atEnd = (ending: Ending): void => {
    endings.push(ending);
  };
  return {
    projects: 0,
    values: {
      temporalBinary: once(() => findTemporal(say)),
      temporalAddress: once(() => temporal(atEnd)),
      databaseUrl: once(() => postgres(atEnd)),
      versitygw: once(() => versitygw(atEnd)),
      moto: once(() => moto(atEnd)),
      chromium: once(() => findChromium(say)),
      javaTestServer: once(javaTestServer),
      workflowBundle: once(() => workflowBundle(atEnd)),
    },
    async end() {
      for (const ending of endings.splice(0).reverse()) await ending();
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

async function temporal(atEnd: (ending: Ending) => void): Promise<string> {
  const server = await startTemporal({ onProgress: say });
  atEnd(() => server.stop());
  const connection = await Connection.connect({ address: server.address });
  try {
    await registerSearchAttributes(connection, 'default');
  } finally {
    await connection.close();
  }
  return server.address;
}

async function postgres(atEnd: (ending: Ending) => void): Promise<string> {
  const dataDir = await temporaryFolder(atEnd);
  const server = await startPostgres({ dataDir, port: await freePort(), onProgress: say, durable: false });
  atEnd(() => server.stop());
  return server.databaseUrl;
}

async function versitygw(atEnd: (ending: Ending) => void): Promise<ProvidedContext['versitygw']> {
  const binary = await findVersitygw(say);
  const keys = { accessKey: 'test-access-key', secretKey: 'test-secret-key' };
  const dataDir = await temporaryFolder(atEnd);
  const server = await startVersitygw({ binary, dataDir, port: await freePort(), ...keys });
  atEnd(() => server.stop());
  return { endpoint: server.url, ...keys, dataDir };
}

async function moto(atEnd: (ending: Ending) => void): Promise<ProvidedContext['moto']> {
  const server = await startMoto({ python: await findMoto(say), port: await freePort() });
  atEnd(() => server.stop());
  return { endpoint: server.url };
}

async function javaTestServer(): Promise<string | null> {
  const found = await findJavaTestServer(say);
  if ('path' in found) return found.path;
  say(`the tests on the Java test server are skipped: ${found.missing}`);
  return null;
}

/** Bundling takes seconds, and the sources do not change during a run. */
async function workflowBundle(atEnd: (ending: Ending) => void): Promise<string> {
  const workflowsPath = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const file = join(await temporaryFolder(atEnd), 'workflow-bundle.js');
  await writeFile(file, code);
  return file;
}

async function temporaryFolder(atEnd: (ending: Ending) => void): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-artifacts-test-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Vitest loads this file once per project; the run is shared through the one thing those copies have in common. */
const shared = globalThis as { durableArtifactsTestRun?: Run | undefined };

/** Starts what the project needs and provides it. Returns what the end of the project does: the last one ends everything. */
export async function setup(project: TestProject): Promise<Ending> {
  const run = (shared.durableArtifactsTestRun ??= createRun());
  run.projects += 1;
  const leave = async (): Promise<void> => {
    run.projects -= 1;
    if (run.projects > 0) return;
    shared.durableArtifactsTestRun = undefined;
    await run.end();
  };
  const provide = async <N extends Name>(name: N): Promise<void> => {
    project.provide(name, await run.values[name]());
  };
  const provided = await Promise.allSettled((needs[project.name] ?? []).map((name) => provide(name)));
  const failed = provided.find((result) => result.status === 'rejected');
  if (failed === undefined) return leave;
  await leave();
  throw failed.reason instanceof Error ? failed.reason : new Error(String(failed.reason));
}
