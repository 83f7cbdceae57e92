import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { startChromium, type Devtools } from '../support/browser/devtools.js';
import { hostileFiles, type HostileFile } from '../support/browser/hostile-files.js';
import { openPage, type Outcome, type Page } from '../support/browser/page.js';
import { startStoredApi, type StoredApi } from '../support/stored-api.js';

/*
 * What an agent made up, opened in a real browser by every link we hand out. Beside it, the same files from a server that believes
 * what it is told about them: there the scripts run, so this test would see them.
 */

/** For what arrives late. */
const LATE_MS = 500;

let chromium: Devtools;
beforeAll(async () => {
  chromium = await startChromium(inject('chromium'));
});
afterAll(() => chromium.close());

/** A server of the attacker: gives out the files under `/<name>` as what is dangerous, and remembers which scripts have run where. */
async function startCollector(): Promise<{ origin: string; ran: Set<string>; files: HostileFile[] }> {
  const ran = new Set<string>();
  let files: HostileFile[] = [];
  const server = createServer(({ url = '/' }: IncomingMessage, response) => {
    const [, name, where] = /^\/ran\/([^?]+)\?(.+)$/.exec(url) ?? [];
    if (name !== undefined) ran.add(`${name} at ${where}`);
    const file = files.find(({ fileName }) => url === `/${fileName}`);
    const type = file?.dangerousAs ?? (url.startsWith('/frame?') ? 'text/html' : 'text/plain');
    response.writeHead(200, { 'content-type': type }).end(file?.bytes ?? decodeURIComponent(url.split('?')[1] ?? ''));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // Another site than the API, as names count and not addresses.
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  files = hostileFiles(origin);
  return { origin, ran, files };
}

/** Everything by which a page can take in an address. */
const elementsFor = (url: string): string =>
  [
    `<iframe src="${url}"></iframe>`,
    `<object data="${url}"></object>`,
    `<embed src="${url}">`,
    `<img src="${url}">`,
    `<script src="${url}"></script>`,
    `<script type="module" src="${url}"></script>`,
    `<link rel="stylesheet" href="${url}">`,
  ].join('');

/** The same from a page that is there already, and what only scripts can do. */
const takeIn = (
  urls: string[],
): string => `document.body.replaceChildren(), Promise.all(${JSON.stringify(urls)}.map((url) => {
  for (const [tag, name] of [['iframe', 'src'], ['object', 'data'], ['embed', 'src'], ['img', 'src'], ['script', 'src']])
    document.body.append(Object.assign(document.createElement(tag), { [name]: url }));
  try { new Worker(url) } catch {}
  return import(url).catch(() => undefined);
}))`;

const scriptsOf = (page: Page): string[] =>
  page.said.filter((line) => line.startsWith('ran:')).map((line) => line.slice(4));

/** Every link to an artifact that we hand out, by what it is. */
async function linksTo(api: StoredApi, id: string): Promise<Record<string, string>> {
  const content = `${api.origin}/v1/artifacts/${id}/content`;
  const signed = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/download-url` });
  const shared = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/shares` });
  const sharedUrl = shared.json<{ url: string }>().url;
  return {
    content,
    inline: `${content}?disposition=inline`,
    redirect: `${content}?redirect=true`,
    'redirect inline': `${content}?redirect=true&disposition=inline`,
    signed: signed.json<{ url: string }>().url,
    shared: sharedUrl,
    'shared inline': `${sharedUrl}?disposition=inline`,
  };
}

test('a careless server: the scripts run, and are seen', async () => {
  const { origin, ran, files } = await startCollector();
  const page = await openPage(chromium, {});
  for (const { fileName, dangerousAs } of files) {
    if (dangerousAs === 'text/javascript')
      await page.open(`${origin}/frame?${encodeURIComponent(`<script src="/${fileName}"></script>`)}`);
    else await page.open(`${origin}/${fileName}`);
  }
  const dangerous = files.flatMap(({ dangerousAs, fileName }) =>
    dangerousAs === null ? [] : [`${fileName} at ${origin}`],
  );
  expect(new Set(scriptsOf(page))).toEqual(new Set(dangerous));
  await expect.poll(() => ran).toEqual(new Set(dangerous));

  const host = await openPage(chromium, {});
  await host.open(`${origin}/frame?`);
  await host.run(takeIn([`${origin}/code.js`, `${origin}/page.html`]));
  await expect
    .poll(() => new Set(scriptsOf(host)))
    .toEqual(new Set([`code.js at ${origin}`, `page.html at ${origin}`]));
});

describe('our own links', () => {
  test('run no script on our origin, opened or taken into a page', async () => {
    const collector = await startCollector();
    const api = await startStoredApi();
    const asked: string[] = [];
    api.app.server.on('request', ({ url = '' }: IncomingMessage) => asked.push(url));
    // As if the token were a cookie: nothing is saved by a browser not knowing it.
    const page = await openPage(chromium, { [api.origin]: { authorization: `Bearer ${api.token}` } });
    const attacker = await openPage(chromium, { [api.origin]: { authorization: `Bearer ${api.token}` } });
    const docs = await openPage(chromium, { [api.origin]: { authorization: `Bearer ${api.token}` } });
    await docs.open(`${api.origin}/docs/`);
    const outcomes: Record<string, Record<string, Outcome>> = {};
    let opened = 0;
    for (const file of collector.files) {
      const links = Object.entries(await linksTo(api, await api.put(file)));
      for (const [kind, url] of links) {
        (outcomes[kind] ??= {})[file.fileName] = await page.open(url);
        expect(await page.run('document.title')).not.toContain('ran:');
      }
      const urls = links.map(([, url]) => url);
      await attacker.open(`${collector.origin}/frame?${encodeURIComponent(urls.map(elementsFor).join(''))}`);
      await docs.run(takeIn(urls));
      opened += urls.length;
    }
    await sleep(LATE_MS);
    // An attacker may take a script from the store into a page of its own, as from anywhere: that runs as the attacker.
    const elsewhere = (script: string): boolean => !script.endsWith(` at ${collector.origin}`);
    const scripts = [...[page, attacker, docs].flatMap(scriptsOf), ...collector.ran].filter(elsewhere);
    console.log(`untrusted content: ${opened} links opened in Chromium, ${scripts.length} scripts run`);
    expect(scripts).toEqual([]);
    expect(asked.filter((url) => url.startsWith('/ran/'))).toEqual([]);
    expect(asked.filter((url) => url.includes('/content')).length).toBeGreaterThan(opened);

    const isShown = (kind: string) =>
      Object.entries(outcomes[kind] ?? {})
        .filter(([, outcome]) => outcome === 'shown')
        .map(([name]) => name);
    const images = ['page.gif', 'page.png', 'code.gif'];
    const texts = ['notes.txt', 'readme.md', 'table.csv', 'data.json', 'code.txt'];
    expect(isShown('inline').sort()).toEqual([...images, ...texts].sort());
    for (const kind of Object.keys(outcomes).filter((each) => each !== 'inline'))
      expect({ kind, shown: isShown(kind) }).toEqual({ kind, shown: [] });
  });
});
