import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** What Chromium says by itself. */
export interface DevtoolsEvent {
  method: string;
  params: Record<string, unknown>;
  sessionId?: string;
}

/** A Chromium that is spoken to in its DevTools protocol, over a pipe. */
export interface Devtools {
  send<T = unknown>(method: string, params?: object, sessionId?: string): Promise<T>;
  listen(listener: (event: DevtoolsEvent) => void): void;
  close(): Promise<void>;
}

const FLAGS = [
  '--headless',
  '--remote-debugging-pipe',
  // That of the operating system, which needs rights that a container lacks; it has nothing to do with `sandbox` of a page.
  '--no-sandbox',
  '--no-zygote',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  // Frames stay in the process of their page, so that what they log is seen with it.
  '--disable-site-isolation-trials',
  '--disable-features=IsolateOrigins,site-per-process,IsolateSandboxedIframes',
];

type Answer = { id: number; result: unknown; error?: { message: string } } | (DevtoolsEvent & { id?: undefined });

/** Starts it with a profile of its own, which goes with it. @throws when it cannot be started. */
export async function startChromium(executable: string): Promise<Devtools> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-profile-'));
  const child = spawn(executable, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-2_000)));
  const [, , , commands, answers] = child.stdio as [null, null, Readable, Writable, Readable];
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  const listeners: ((event: DevtoolsEvent) => void)[] = [];
  const give = (text: string): void => {
    const answer = JSON.parse(text) as Answer;
    if (answer.id === undefined) return listeners.forEach((listener) => listener(answer));
    const { resolve, reject } = waiting.get(answer.id) ?? {};
    waiting.delete(answer.id);
    if (answer.error === undefined) resolve?.(answer.result);
    else reject?.(new Error(answer.error.message));
  };
  let rest = '';
  answers.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    messages.forEach(give);
  });
  commands.on('error', () => undefined);
  void ended.finally(() => {
    for (const { reject } of waiting.values()) reject(new Error(`Chromium has ended: ${complaints}`));
  });
  let sent = 0;
  const devtools: Devtools = {
    send: <T>(method: string, params = {}, sessionId?: string) =>
      new Promise<T>((resolve, reject) => {
        sent += 1;
        waiting.set(sent, { resolve: resolve as (result: unknown) => void, reject });
        commands.write(`${JSON.stringify({ id: sent, method, params, ...(sessionId && { sessionId }) })}\0`);
      }),
    listen: (listener) => void listeners.push(listener),
    async close() {
      child.kill('SIGKILL');
      await ended;
      // Its helpers write a last time while they end.
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
  await devtools.send('Browser.getVersion');
  return devtools;
}
