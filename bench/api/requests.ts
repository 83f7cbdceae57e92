import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { table } from '../../src/cli/tables.js';
import type { Connection } from '../../src/dev/connection.js';
import { ArtifactClient } from '../../src/sdk/index.js';
import { quantile } from '../figures.js';
import { load, type Target } from './load.js';

const ROUNDS = 3;
const ARTIFACTS = 100;
const PAGE = 50;

/** Reads and signing, each beside the same statements through bare Fastify and node-postgres, alternating; the median counts. */
export async function requests({ apiUrl, token, databaseUrl }: Connection): Promise<void> {
  const client = new ArtifactClient({ baseUrl: apiUrl, token });
  const executionId = randomUUID();
  for (let index = 0; index < ARTIFACTS; index += 1)
    await client.uploadArtifact(executionId, Buffer.from(`${index}`), { fileName: `file-${index}.txt` });
  const [artifact] = await client.listArtifacts(executionId);
  if (artifact === undefined) throw new Error('nothing was uploaded');
  const ours = `${apiUrl}/v1/artifacts/${artifact.id}`;
  const theirs = await startBare(databaseUrl);
  try {
    const rows = [];
    const compared: [string, Target, Target | null][] = [
      ['get', { url: ours, token }, { url: `${theirs.url}/artifacts/${artifact.id}` }],
      ['get, planned once by both', { url: ours, token }, { url: `${theirs.url}/prepared/artifacts/${artifact.id}` }],
      [
        `list, pages of ${PAGE}`,
        { url: `${apiUrl}/v1/executions/${executionId}/artifacts?limit=${PAGE}`, token },
        { url: `${theirs.url}/executions/${executionId}/artifacts` },
      ],
      ['signed download URL', { url: `${ours}/download-url`, method: 'POST', token }, null],
    ];
    for (const [name, own, peer] of compared) rows.push({ name, ...(await alternate(own, peer)) });
    console.log(`\nrequests per second, 32 connections, median of ${ROUNDS}\n`);
    console.log(
      table(
        [
          { head: '', text: ({ name }) => name },
          { head: 'API', text: ({ own }) => own.toFixed(0), align: 'right' },
          { head: 'bare Fastify + pg', text: ({ peer }) => peer?.toFixed(0) ?? '', align: 'right' },
          { head: '×', text: ({ own, peer }) => (peer === null ? '' : (own / peer).toFixed(2)), align: 'right' },
        ],
        rows,
      ),
    );
  } finally {
    await theirs.stop();
    await client.deleteExecutionArtifacts(executionId);
    client.close();
  }
}

async function alternate(own: Target, peer: Target | null): Promise<{ own: number; peer: number | null }> {
  const samples: Record<'own' | 'peer', number[]> = { own: [], peer: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    samples.own.push(await load(own));
    if (peer !== null) samples.peer.push(await load(peer));
  }
  return { own: quantile(samples.own, 0.5), peer: peer === null ? null : quantile(samples.peer, 0.5) };
}

async function startBare(databaseUrl: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const script = fileURLToPath(new URL('./bare.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, databaseUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('close', () => reject(new Error('the peer did not start')));
  });
  return {
    url,
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}
