import { describe, expect, test } from 'vitest';
import { probeStore } from '../../../src/storage/probe.js';
import { codeOf, openedStore } from './fixtures.js';
import type { StoreLeg } from './suite.js';

export function probeTests(leg: StoreLeg): void {
  describe('the probe', () => {
    const { get } = openedStore(leg);

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

    test('reports a bucket that does not exist', async () => {
      const { withoutBucket, send } = get();
      const code = await codeOf(probeStore(withoutBucket, send));
      expect(code).toBe('bucket_not_found');
    });
  });
}
