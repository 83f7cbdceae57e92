import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeStale, takeLock } from '../../../src/dev/lock.js';
import { identify, isAlive } from '../../../src/dev/process-identity.js';
import { endLeftovers, recordProcesses } from '../../../src/dev/processes.js';

let directory: string;
let child: ChildProcess;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'processes-'));
  child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
});

afterEach(async () => {
  child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

describe('processes left behind by a stack that was killed', () => {
  it('are ended at the next start', async () => {
    recordProcesses(directory).add('a server', child.pid);
    const ended = once(child, 'exit');
    expect(await endLeftovers(directory)).toEqual(['a server']);
    await ended;
    expect(identify(child.pid ?? 0)).toBeNull();
    expect(existsSync(join(directory, 'processes.json'))).toBe(false);
  });

  it('are left alone when their id belongs to another process by now', async () => {
    recordProcesses(directory).add('a server', child.pid);
    const file = join(directory, 'processes.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"startedAt": "[^"]*"/, '"startedAt": "before"'));
    expect(await endLeftovers(directory)).toEqual([]);
    expect(identify(child.pid ?? 0)).not.toBeNull();
  });

  it('are none when the file is damaged or absent', async () => {
    expect(await endLeftovers(directory)).toEqual([]);
    await writeFile(join(directory, 'processes.json'), '[{"pid": 1');
    expect(await endLeftovers(directory)).toEqual([]);
  });
});

describe('the lock of a stack', () => {
  it('is held by one process at a time, and free again after it', () => {
    const unlock = takeLock(directory);
    expect(() => takeLock(directory)).toThrow(`as process ${process.pid}`);
    unlock();
    takeLock(directory)();
  });

  it('is not removed by a start that judged the one before it', async () => {
    const file = join(directory, 'lock');
    await writeFile(file, 'stale');
    const unlock = takeLock(directory);
    const fresh = await readFile(file, 'utf8');
    removeStale(file, 'stale');
    expect(await readFile(file, 'utf8')).toBe(fresh);
    unlock();
    expect(await readdir(directory)).toEqual([]);
  });

  it('is taken by one of many that start at once on a stale one', async () => {
    await writeFile(join(directory, 'lock'), JSON.stringify({ pid: child.pid, startedAt: 'before' }));
    const script = `
      import { takeLock } from ${JSON.stringify(new URL('../../../src/dev/lock.ts', import.meta.url).href)};
      try { takeLock(process.argv[1]); console.log('taken'); process.stdin.resume(); } catch { console.log('refused'); }`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script, directory];
    const starts = Array.from({ length: 4 }, () =>
      spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const said = await Promise.all(starts.map(async ({ stdout }) => String(await once(stdout, 'data')).trim()));
    expect(said.sort()).toEqual(['refused', 'refused', 'refused', 'taken']);
    // Who has it keeps it until all have tried.
    for (const { stdin } of starts) stdin.end();
    await Promise.all(starts.map(async (start) => start.exitCode ?? (await once(start, 'exit'))));
  });

  it('does not count when its process has died', async () => {
    const identity = identify(child.pid ?? 0);
    await writeFile(join(directory, 'lock'), JSON.stringify(identity));
    expect(() => takeLock(directory)).toThrow(`as process ${child.pid ?? 0}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(identity !== null && isAlive(identity)).toBe(false);
    takeLock(directory)();
  });
});
