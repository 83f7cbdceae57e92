import { afterAll, expect } from 'vitest';
import { startMoto } from '../../src/dev/servers/moto.js';
import { freePort } from '../../src/dev/servers/ports.js';
import type { RunningServer } from '../../src/dev/servers/running-server.js';
import { openOnS3 } from './object-store/s3-leg.js';
import { objectStoreSuite } from './object-store/suite.js';

// A server of its own: how fast restores end is a setting of the whole server.
let server: Promise<RunningServer> | undefined;
const start = (): Promise<RunningServer> => (server ??= freePort().then((port) => startMoto({ port })));

afterAll(async () => {
  await (await server)?.stop();
});

/** How restores move on: to their end at the next look, or one step after so many looks. A step: asked for, in progress, done. */
async function setRestoreProgress(url: string, transition: object): Promise<void> {
  const body = JSON.stringify({ model_name: 's3::keyrestore', transition });
  const response = await fetch(`${url}/moto-api/state-manager/set-transition`, { method: 'POST', body });
  expect(response.ok).toBe(true);
}

objectStoreSuite({
  name: 'moto',
  open: async () => {
    const { url } = await start();
    return openOnS3({ endpoint: url, accessKey: 'any', secretKey: 'any' }, (store) => ({
      holdRestore: async (key) => {
        await setRestoreProgress(url, { progression: 'manual', times: 1 });
        await store.head({ key });
        await setRestoreProgress(url, { progression: 'manual', times: 1_000_000 });
      },
      finishRestores: () => setRestoreProgress(url, { progression: 'immediate' }),
    }));
  },
  cannot: {
    'refuse other bytes': 'it does not compare checksums; uploads are read back instead',
    'refuse a broken signature': 'it does not check signatures',
    'refuse an expired URL': 'it does not check signatures',
    'keep checksums of signed uploads': 'it forgets the checksum header of a signed request',
    'compare with the current object when parts are joined': 'it reads If-None-Match there, but not If-Match',
    'say that an upload is gone': 'it answers a part of one with 500',
    'take an empty tag set': 'it answers with 500',
  },
  capabilities: { versioning: true, storageClasses: true, restore: true, enforcesChecksums: false },
});
