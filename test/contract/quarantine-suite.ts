import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Quarantine } from '../../src/db/quarantine.js';
import type { SeenObject } from '../../src/domain/quarantine.js';
import { DAY_MS } from '../../src/domain/units.js';

const AT_MS = Date.UTC(2026, 0, 3);

/** What `Quarantine` promises, for every implementation of it. */
export function quarantineSuite(name: string, subject: () => Quarantine): void {
  const anObject = (given: Partial<SeenObject> = {}): SeenObject => ({
    key: `stray/${randomUUID()}`,
    versionId: 'v1',
    sizeBytes: 12,
    etag: '"abc"',
    lastModifiedMs: AT_MS - DAY_MS,
    ...given,
  });

  describe(`${name}: the quarantine`, () => {
    test('remembers when an object was seen first and last, as long as it stays the same', async () => {
      const object = anObject();
      const first = await subject().quarantineObject(object, AT_MS);
      expect(first).toEqual({ ...object, firstSeenMs: AT_MS, lastSeenMs: AT_MS });
      const again = await subject().quarantineObject(object, AT_MS + 5);
      expect(again).toEqual({ ...object, firstSeenMs: AT_MS, lastSeenMs: AT_MS + 5 });
      expect(await subject().findQuarantined(object)).toEqual(again);
    });

    test.each([{ sizeBytes: 13 }, { etag: '"abd"' }, { lastModifiedMs: AT_MS }])(
      'begins anew with an object that has changed: %o',
      async (change) => {
        const object = anObject();
        await subject().quarantineObject(object, AT_MS);
        const changed = { ...object, ...change };
        const expected = { ...changed, firstSeenMs: AT_MS + 5, lastSeenMs: AT_MS + 5 };
        expect(await subject().quarantineObject(changed, AT_MS + 5)).toEqual(expected);
        expect(await subject().findQuarantined(object)).toEqual(expected);
      },
    );

    test('keeps versions of one key apart, and objects that have none', async () => {
      const object = anObject();
      const plain = { ...object, versionId: null, sizeBytes: 99 };
      await subject().quarantineObject(object, AT_MS);
      await subject().quarantineObject(plain, AT_MS + 1);
      expect(await subject().findQuarantined(object)).toMatchObject({ versionId: 'v1', sizeBytes: 12 });
      expect(await subject().findQuarantined(plain)).toMatchObject({ versionId: null, sizeBytes: 99 });
      await subject().releaseObject(plain);
      expect(await subject().findQuarantined(plain)).toBeNull();
      expect(await subject().findQuarantined(object)).not.toBeNull();
    });

    test('releases what was not seen any more', async () => {
      const gone = anObject();
      const there = anObject();
      await subject().quarantineObject(gone, AT_MS);
      await subject().quarantineObject(there, AT_MS + 10);
      await subject().releaseUnseen(AT_MS + 10);
      expect(await subject().findQuarantined(gone)).toBeNull();
      expect(await subject().findQuarantined(there)).not.toBeNull();
    });

    test('counts what is in it since before a time', async () => {
      const longAgo = Date.UTC(2020, 0, 1);
      expect(await subject().countQuarantined(longAgo)).toBe(0);
      await subject().quarantineObject(anObject(), longAgo - 1);
      await subject().quarantineObject(anObject(), longAgo);
      expect(await subject().countQuarantined(longAgo)).toBe(1);
    });

    test('takes keys that no text column can hold', async () => {
      const object = anObject({ key: `a\ud800b/${randomUUID()}` });
      await subject().quarantineObject(object, AT_MS);
      await subject().releaseObject(object);
      expect(await subject().findQuarantined(object)).toBeNull();
    });
  });
}
