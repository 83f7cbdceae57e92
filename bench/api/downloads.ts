import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../../src/cli/tables.js';
import type { Connection } from '../../src/dev/connection.js';
import { readSettings } from '../../src/dev/settings.js';
import { MIB_BYTES } from '../../src/domain/units.js';
import { ArtifactClient, fromFile } from '../../src/sdk/index.js';
import { mib, quantile } from '../figures.js';
import { withFolder, writeLargeFile } from '../upload/files.js';
import { residentBytes } from './resident.js';

const LARGE_BYTES = 1_024 * MIB_BYTES;
const ROUNDS = 3;
const AT_ONCE = 50;
/** Each of those at once reads so much, then leaves: that they are many is what costs memory. */
const SHARE_BYTES = 128 * MIB_BYTES;
const SAMPLE_MS = 50;

/** 1 GiB through the API beside the same object straight from the store, alternating; then 50 at once, and what the API's memory says to it. */
export async function downloads({ apiUrl, token }: Connection): Promise<void> {
  const client = new ArtifactClient({ baseUrl: apiUrl, token });
  const executionId = randomUUID();
  const artifact = await withFolder(async (folder) => {
    const path = await writeLargeFile(join(folder, 'large.bin'), LARGE_BYTES);
    return client.uploadArtifact(executionId, fromFile(path), { fileName: 'large.bin' });
  });
  while ((await client.getArtifact(artifact.id)).checksumState === 'claimed') await sleep(250);
  const content = `${apiUrl}/v1/artifacts/${artifact.id}/content`;
  const bearer = { authorization: `Bearer ${token}` };
  try {
    const seconds: Record<'api' | 'store', number[]> = { api: [], store: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      seconds.api.push(await drain(content, bearer));
      seconds.store.push(await drain((await client.createDownloadUrl(artifact.id)).url, {}));
    }
    const [api, store] = [quantile(seconds.api, 0.5), quantile(seconds.store, 0.5)];
    console.log(`\n${mib(LARGE_BYTES)}, median of ${ROUNDS}\n`);
    console.log(
      table(
        [
          { head: '', text: ({ name }) => name },
          { head: 'time', text: ({ took }) => `${took.toFixed(2)} s`, align: 'right' },
          { head: 'per second', text: ({ took }) => mib(LARGE_BYTES / took), align: 'right' },
          { head: '× the store alone', text: ({ took }) => (store / took).toFixed(2), align: 'right' },
        ],
        [
          { name: 'through the API', took: api },
          { name: 'straight from the store', took: store },
        ],
      ),
    );
    await manyAtOnce(content, bearer);
  } finally {
    await client.deleteArtifact(artifact.id, { purge: true });
    client.close();
  }
}

async function manyAtOnce(content: string, bearer: Record<string, string>): Promise<void> {
  const pid = apiProcess();
  const before = residentBytes(pid);
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, residentBytes(pid))), SAMPLE_MS);
  const started = performance.now();
  const range = { ...bearer, range: `bytes=0-${SHARE_BYTES - 1}` };
  await Promise.all(Array.from({ length: AT_ONCE }, () => drain(content, range)));
  clearInterval(sampler);
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `\n${AT_ONCE} at once, ${mib(SHARE_BYTES)} each: ${mib((AT_ONCE * SHARE_BYTES) / seconds)}/s; ` +
      `memory of the API ${mib(before)} after one at a time, ${mib(peak)} at its peak`,
  );
}

/** Seconds until the last byte; nothing is kept. */
async function drain(url: string, headers: Record<string, string>): Promise<number> {
  const started = performance.now();
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers }, resolve).once('error', reject);
  });
  if (answer.statusCode !== 200 && answer.statusCode !== 206) throw new Error(`${url}: ${answer.statusCode}`);
  await finished(answer.resume());
  return (performance.now() - started) / 1_000;
}

/** Process id of the API of the local stack. */
function apiProcess(): number {
  const file = join(readSettings(process.env).directory, 'processes.json');
  const children = JSON.parse(readFileSync(file, 'utf8')) as { name: string; pid: number }[];
  const api = children.find(({ name }) => name === 'The API');
  if (api === undefined) throw new Error('the local stack has no API');
  return api.pid;
}
