import { describe, expect, test } from 'vitest';
import { openProbe, probeStore } from '../../../src/storage/probe.js';
import { codeOf, openedStore } from './fixtures.js';
import type { StoreLeg } from './suite.js';

export function probeTests(leg: StoreLeg): void {
  describe('the probe', () => {
    const { get, can } = openedStore(leg);

    test('finds out what the store does and leaves nothing behind', async () => {
      const { store, send, keysBelow } = get();
      expect(await probeStore(store, send)).toEqual(leg.capabilities);
      expect(await keysBelow('artifacts-probe/')).toEqual([]);
    });

    test('sees that a bucket keeps no versions', async () => {
      const { unversioned, send } = get();
      expect(await probeStore(unversioned, send)).toMatchObject({ versioning: false });
    });

    test('leaves nothing behind when it fails half way', async () => {
      const { store, send, keysBelow } = get();
      let sent = 0;
      const failing = async (...request: Parameters<typeof send>): Promise<{ status: number }> => {
        sent += 1;
        if (sent > 1) throw new Error('the network is gone');
        return send(...request);
      };
      await expect(probeStore(store, failing)).rejects.toThrow('the network is gone');
      expect(sent).toBe(2);
      expect(await keysBelow('artifacts-probe/')).toEqual([]);
    });

    test('answers each question by itself, and leaves nothing behind', async () => {
      const { store, send, keysBelow } = get();
      const probe = openProbe(store, { send });
      expect(await probe.keepsVersions()).toBe(true);
      expect(await probe.hidesBehindMarkers()).toBe(true);
      expect(await probe.writesConditionally()).toBe(true);
      expect(await probe.keepsTags()).toBe(true);
      expect(await probe.refusesOtherPart()).toBe(can('refuse other bytes'));
      expect(await probe.refusesTampering()).toBe(can('refuse a broken signature'));
      expect(await probe.refusesExpired()).toBe(can('refuse an expired URL'));
      expect(await probe.signedGet()).toMatchObject({ status: 200 });
      const { putMs, getMs } = await probe.latency(3);
      expect([putMs > 0, getMs > 0]).toEqual([true, true]);
      const lifeMs = await probe.signedLifeMs(60);
      expect([lifeMs > 58_000, lifeMs <= 60_000]).toEqual([true, true]);
      expect(await keysBelow('artifacts-probe/')).not.toEqual([]);
      await probe.clean();
      expect(await keysBelow('artifacts-probe/')).toEqual([]);
      expect(await store.listUploads('artifacts-probe/')).toEqual([]);
    });

    test('sees that nothing hides behind a marker in a bucket without versions', async () => {
      const { unversioned, send } = get();
      const probe = openProbe(unversioned, { send });
      expect(await probe.hidesBehindMarkers()).toBe(false);
      await probe.clean();
    });

    test('begins no question any more once it was given up, and still cleans up', async () => {
      const { store, send, keysBelow } = get();
      const given = new AbortController();
      const probe = openProbe(store, { send, signal: given.signal });
      expect(await probe.keepsVersions()).toBe(true);
      const waiting = probe.refusesExpired().catch((error: unknown) => error);
      given.abort();
      expect(await waiting).toBeInstanceOf(Error);
      expect(await codeOf(probe.keepsTags())).toBe('aborted');
      await probe.clean();
      expect(await keysBelow('artifacts-probe/')).toEqual([]);
    });

    test('reports a bucket that does not exist', async () => {
      const { withoutBucket, send } = get();
      const code = await codeOf(probeStore(withoutBucket, send));
      expect(code).toBe('bucket_not_found');
    });
  });
}
