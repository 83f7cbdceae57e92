import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../../src/dev/servers/ports.js';
import { findOnPath, runToEnd, startServer } from '../../../src/dev/servers/run.js';
import { LocalServerError } from '../../../src/dev/servers/running-server.js';

/** A child that answers HTTP on a port; `ignoreTerm` makes it deaf for SIGTERM. */
function httpServer(port: number, ignoreTerm = false): Parameters<typeof startServer>[0] {
  const deaf = ignoreTerm ? "process.on('SIGTERM', () => {});" : '';
  const code = `${deaf} require('node:http').createServer((q, r) => r.end()).listen(${port}, '127.0.0.1')`;
  const url = `http://127.0.0.1:${port}`;
  const isReady = async (): Promise<boolean> => (await fetch(url)).ok;
  return { name: 'test server', command: process.execPath, args: ['-e', code], url, isReady };
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a command that is run to its end', () => {
  test('passes on what it prints', async () => {
    const lines: string[] = [];
    const code = "console.log('out'); console.error(process.env.WORD)";
    const onLine = (line: string): void => void lines.push(line);
    await runToEnd(process.execPath, ['-e', code], { env: { WORD: 'err' }, onLine });
    expect(lines.sort()).toEqual(['err', 'out']);
  });

  test('fails with its exit code and last lines', async () => {
    const run = runToEnd(process.execPath, ['-e', "console.error('disk is full'); process.exit(3)"]);
    await expect(run).rejects.toThrow(LocalServerError);
    await expect(run).rejects.toThrow(/exit code 3[\s\S]*disk is full/);
  });

  test('that does not exist fails', async () => {
    await expect(runToEnd('/no/such/program', [])).rejects.toThrow(/ENOENT/);
  });

  test('is killed when it takes too long', async () => {
    const run = runToEnd(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 200 });
    await expect(run).rejects.toThrow(/SIGKILL/);
  });
});

describe('a server that is started', () => {
  test('answers, and is gone after stop, also when stopped twice', async () => {
    const server = await startServer(httpServer(await freePort()));
    expect((await fetch(server.url)).ok).toBe(true);
    await server.stop();
    await server.stop();
    expect(isAlive(server.pid ?? 0)).toBe(false);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  test('is killed when it does not listen to SIGTERM', async () => {
    const server = await startServer({ ...httpServer(await freePort(), true), stopGraceMs: 300 });
    await server.stop();
    expect(isAlive(server.pid ?? 0)).toBe(false);
  });

  test('on a port that another server has is refused, although that one answers', async () => {
    const other = createServer((_request, response) => response.end());
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    await expect(startServer(httpServer(port))).rejects.toThrow(/something else answers at http/);
    other.close();
  });

  test('that ends at once is reported with its last lines', async () => {
    const server = { ...httpServer(await freePort()), args: ['-e', "console.error('bad option'); process.exit(9)"] };
    await expect(startServer(server)).rejects.toThrow(/exit code 9[\s\S]*bad option/);
  });

  test('that never answers is given up and killed', async () => {
    const server = { ...httpServer(await freePort()), isReady: () => Promise.resolve(false), readyTimeoutMs: 300 };
    await expect(startServer(server)).rejects.toThrow(/no answer in time/);
  });
});

test('a command is found on PATH, or not', () => {
  expect(findOnPath('node')).toMatch(/\/node$/);
  expect(findOnPath('no-such-command-anywhere')).toBeNull();
});
