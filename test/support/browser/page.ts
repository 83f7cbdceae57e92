import { setTimeout as sleep } from 'node:timers/promises';
import type { Devtools } from './devtools.js';

/** What became of an address: it is shown, the browser took it for a download, or there is nothing. */
export type Outcome = 'shown' | 'download' | 'error';

export interface Page {
  /** Everything scripts have said by `console`, also in frames. */
  said: string[];
  /** Opens an address as a user would, and resolves when it has loaded and had a moment to act. */
  open(url: string): Promise<Outcome>;
  /** Runs an expression in the page, and waits for what it promises. */
  run(expression: string): Promise<unknown>;
}

const LOAD_TIMEOUT_MS = 5_000;
/** For what a page does after it has loaded. */
const SETTLE_MS = 60;

/** @param origins what is sent along to addresses of an origin, whoever asks: as if it were a cookie. */
export async function openPage(devtools: Devtools, origins: Record<string, Record<string, string>>): Promise<Page> {
  const { targetId } = await devtools.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await devtools.send<{ sessionId: string }>('Target.attachToTarget', {
    targetId,
    flatten: true,
  });
  const send = <T>(method: string, params?: object) => devtools.send<T>(method, params, sessionId);
  const said: string[] = [];
  let loads = 0;
  devtools.listen(({ method, params, sessionId: from }) => {
    if (from !== sessionId) return;
    if (method === 'Page.loadEventFired') loads += 1;
    if (method === 'Runtime.consoleAPICalled')
      said.push((params['args'] as { value?: unknown }[]).map(({ value }) => String(value)).join(' '));
    if (method === 'Fetch.requestPaused') {
      const { requestId, request } = params as {
        requestId: string;
        request: { url: string; headers: Record<string, string> };
      };
      const headers = { ...request.headers, ...origins[new URL(request.url).origin] };
      const named = Object.entries(headers).map(([name, value]) => ({ name, value }));
      // It may be gone by now.
      send('Fetch.continueRequest', { requestId, headers: named }).catch(() => undefined);
    }
  });
  await Promise.all([send('Page.enable'), send('Runtime.enable')]);
  await send('Browser.setDownloadBehavior', { behavior: 'deny' });
  await send('Fetch.enable', { patterns: Object.keys(origins).map((origin) => ({ urlPattern: `${origin}/*` })) });
  return {
    said,
    async open(url) {
      const before = loads;
      const answer = await send<{ errorText?: string; isDownload?: boolean }>('Page.navigate', { url });
      if (answer.isDownload === true) return 'download';
      if (answer.errorText !== undefined) return 'error';
      const untilMs = Date.now() + LOAD_TIMEOUT_MS;
      while (loads === before && Date.now() < untilMs) await sleep(5);
      await sleep(SETTLE_MS);
      return 'shown';
    },
    async run(expression) {
      const { result } = await send<{ result: { value?: unknown } }>('Runtime.evaluate', {
        ...{ expression, awaitPromise: true, returnByValue: true },
      });
      return result.value;
    },
  };
}
