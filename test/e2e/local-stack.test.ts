import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, isAlive, type ProcessIdentity } from '../../src/dev/process-identity.js';
import { endLeftovers } from '../../src/dev/processes.js';
import { readConnection } from '../../src/dev/connection.js';
import { ArtifactClient } from '../../src/sdk/index.js';
import { startCommand, type StartCommand } from '../support/local-stack.js';

type Child = ProcessIdentity & { name: string };

let directory: string;
let commands: StartCommand[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-stack-'));
  commands = [];
});

afterEach(async () => {
  for (const command of commands) command.child.kill('SIGTERM');
  await Promise.all(commands.map(({ ended }) => ended));
  // Of a stack that a failed test has killed and not started again.
  await endLeftovers(directory);
  await rm(directory, { recursive: true, force: true });
});

const start = (env: Record<string, string> = {}): StartCommand => {
  const command = startCommand(directory, env);
  commands.push(command);
  return command;
};

const children = (): Child[] => JSON.parse(readFileSync(join(directory, 'processes.json'), 'utf8')) as Child[];
const childNamed = (name: string): Child => {
  const child = children().find((candidate) => candidate.name === name);
  if (child === undefined) throw new Error(`no ${name} in ${JSON.stringify(children())}`);
  return child;
};

describe('npm start', () => {
  it('refuses to run twice, brings API and worker back, and leaves no process behind', async () => {
    const command = start();
    const connection = await command.ready();
    await command.says('npm run demo');

    const second = start();
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`as process ${connection.supervisorPid}`);
    expect(second.output()).toContain(connection.apiUrl);

    const killed = [childNamed('The API'), childNamed('The worker')];
    for (const { pid } of killed) process.kill(pid, 'SIGKILL');
    await command.says('The API is back.');
    await command.says('The worker is back.');
    expect(children().map(({ pid }) => pid)).not.toContain(killed[0]?.pid);

    const all = children();
    expect(all.map(({ name }) => name).sort()).toEqual([
      'Postgres',
      'S3',
      'Temporal',
      'The API',
      'The upload worker',
      'The worker',
    ]);
    // npm passes a Ctrl-C on that the terminal has sent already: two signals that mean one.
    command.child.kill('SIGINT');
    command.child.kill('SIGINT');
    expect(await command.ended).toBe(0);
    expect(command.output()).toContain('nothing is left running');
    expect(all.filter(isAlive)).toEqual([]);
    expect(await readConnection(directory)).toBeNull();
  });

  it('keeps its data when everything is killed, and ends what was left running', async () => {
    const command = start();
    const { apiUrl, token, supervisorPid } = await command.ready();
    await command.says('npm run demo');
    const executionId = randomUUID();
    const before = new ArtifactClient({ baseUrl: apiUrl, token });
    const artifact = await before.uploadArtifact(executionId, Buffer.from('kept'), { fileName: 'kept.txt' });
    before.close();

    const left = children();
    const supervisor = identify(supervisorPid);
    command.child.kill('SIGKILL');
    process.kill(supervisorPid, 'SIGKILL');
    await command.ended;
    await expect.poll(() => supervisor !== null && isAlive(supervisor)).toBe(false);
    expect(left.every(isAlive)).toBe(true);

    const again = start();
    const connection = await again.ready();
    expect(again.output()).toContain('ended Postgres, which an earlier stack that was killed had left behind');
    expect(left.filter(isAlive)).toEqual([]);
    // The old token still counts: the secret is kept, too.
    const after = new ArtifactClient({ baseUrl: connection.apiUrl, token });
    const chunks: Uint8Array[] = [];
    for await (const chunk of await after.downloadArtifact(artifact.id)) chunks.push(chunk);
    after.close();
    expect(Buffer.concat(chunks).toString()).toBe('kept');
  });

  it('names a taken port, who needs it and how to change it, before it starts anything', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    try {
      const command = start({ LOCAL_S3_PORT: String(port) });
      expect(await command.ended).toBe(1);
      expect(command.output()).toMatch(new RegExp(`Port ${port} for the S3 store is taken.*LOCAL_S3_PORT=`));
      expect(command.output()).not.toContain('✔');
    } finally {
      other.close();
    }
  });

  it('ends with the stack when a server dies, and says which', async () => {
    const command = start();
    await command.ready();
    await command.says('npm run demo');
    const all = children();
    process.kill(childNamed('S3').pid, 'SIGKILL');
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(/S3 ended by itself.*Run npm start again/);
    expect(all.filter(isAlive)).toEqual([]);
  });
});
