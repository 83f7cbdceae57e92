import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../../src/cli/tables.js';
import { MIB_BYTES } from '../../src/domain/units.js';
import { mib, quantile } from '../figures.js';
import { awsArgs } from './awscli.js';
import { withFolder, writeLargeFile } from './files.js';
import { withHostWorker } from './host-worker.js';
import { measure, type Cost } from './measure.js';
import { purge, removeObjects, type Place } from './place.js';

interface Contestant {
  name: string;
  upload: (place: Place, path: string) => Promise<Cost>;
}

const PEER_KEY = 'large.bin';

const client: Contestant = {
  name: 'artifacts upload',
  upload: async (place, path) => {
    const { python, cli, own } = place;
    const execution = randomUUID();
    const cost = await measure(python, {
      command: process.execPath,
      args: [cli, 'upload', path, '--execution', execution, '--json'],
      env: own,
    });
    await purge(place, execution);
    return cost;
  },
};

const hostWorker: Contestant = {
  name: 'host worker (artifacts publish)',
  upload: (place, path) =>
    withHostWorker(place, dirname(path), async ({ publish }) => {
      // The first one is waited for until the worker is there.
      const warmUp = await publish(await writeLargeFile(join(dirname(path), 'warm-up.bin'), MIB_BYTES));
      await purge(place, warmUp.execution);
      const { execution, cost } = await publish(path);
      await purge(place, execution);
      return cost;
    }),
};

const awscli: Contestant = {
  name: 'aws s3 cp',
  upload: async (place, path) => {
    const { python, keys: env, connection, bucket } = place;
    const args = awsArgs(connection.s3Endpoint, ['s3', 'cp', path, `s3://${bucket}/${PEER_KEY}`]);
    const cost = await measure(python, { command: python, args, env });
    await removeObjects(place, PEER_KEY);
    return cost;
  },
};

const libStorage: Contestant = {
  name: 'lib-storage, defaults',
  upload: async (place, path) => {
    const { python, keys: env, connection, bucket, region } = place;
    const script = fileURLToPath(new URL('./lib-storage.ts', import.meta.url));
    const args = ['--import', 'tsx', script, connection.s3Endpoint, region, bucket, PEER_KEY, path];
    const cost = await measure(python, { command: process.execPath, args, env });
    await removeObjects(place, PEER_KEY);
    return cost;
  },
};

/** A large file, each contestant in a process of its own, one after the other and again `rounds` times; the median counts. */
export async function large(place: Place, { sizeMib, rounds }: { sizeMib: number; rounds: number }): Promise<void> {
  const contestants = [client, hostWorker, awscli, libStorage];
  const costs = new Map(contestants.map(({ name }) => [name, [] as Cost[]]));
  await withFolder(async (folder) => {
    const path = await writeLargeFile(join(folder, 'large.bin'), sizeMib * MIB_BYTES);
    for (let round = 0; round < rounds; round += 1)
      for (const { name, upload } of contestants) costs.get(name)?.push(await upload(place, path));
  });
  const rows = [...costs].map(([name, all]) => ({
    name,
    wall: median(all, 'wallSeconds'),
    user: median(all, 'userSeconds'),
    peak: Math.max(...all.map(({ peakBytes }) => peakBytes)),
  }));
  const peer = rows.find(({ name }) => name === awscli.name);
  console.log(`\n${sizeMib} MiB, median of ${rounds}\n`);
  console.log(
    table(
      [
        { head: '', text: ({ name }) => name },
        { head: 'wall', text: ({ wall }) => `${wall.toFixed(2)} s`, align: 'right' },
        { head: 'user CPU', text: ({ user }) => `${user.toFixed(2)} s`, align: 'right' },
        { head: 'peak memory', text: ({ peak }) => mib(peak), align: 'right' },
        { head: '× wall of aws s3 cp', text: ({ wall }) => (wall / (peer?.wall ?? NaN)).toFixed(2), align: 'right' },
      ],
      rows,
    ),
  );
}

const median = (costs: Cost[], of: 'wallSeconds' | 'userSeconds'): number =>
  quantile(
    costs.map((cost) => cost[of]),
    0.5,
  );
