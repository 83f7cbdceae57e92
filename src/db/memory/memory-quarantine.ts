import { isUnchanged, type SeenObject } from '../../domain/quarantine.js';
import type { Quarantine, QuarantinedObject } from '../quarantine.js';

type Name = Pick<SeenObject, 'key' | 'versionId'>;

/** The quarantine in memory, for tests that need no Postgres. Passes the same contract suite. */
export class MemoryQuarantine implements Quarantine {
  readonly #objects = new Map<string, QuarantinedObject>();

  quarantineObject(object: SeenObject, seenAtMs: number): Promise<QuarantinedObject> {
    const before = this.#objects.get(nameOf(object));
    const isSame = before !== undefined && isUnchanged(before, object);
    const { key, versionId, sizeBytes, etag, lastModifiedMs } = object;
    const seen: QuarantinedObject = {
      ...{ key, versionId, sizeBytes, etag, lastModifiedMs },
      firstSeenMs: isSame ? before.firstSeenMs : seenAtMs,
      lastSeenMs: seenAtMs,
    };
    this.#objects.set(nameOf(object), seen);
    return Promise.resolve({ ...seen });
  }

  findQuarantined(object: Name): Promise<QuarantinedObject | null> {
    const found = this.#objects.get(nameOf(object));
    return Promise.resolve(found === undefined ? null : { ...found });
  }

  releaseObject(object: Name): Promise<void> {
    this.#objects.delete(nameOf(object));
    return Promise.resolve();
  }

  releaseUnseen(sinceMs: number): Promise<void> {
    for (const [name, { lastSeenMs }] of this.#objects) if (lastSeenMs < sinceMs) this.#objects.delete(name);
    return Promise.resolve();
  }

  countQuarantined(firstSeenBeforeMs: number): Promise<number> {
    const all = [...this.#objects.values()];
    return Promise.resolve(all.filter(({ firstSeenMs }) => firstSeenMs < firstSeenBeforeMs).length);
  }
}

const nameOf = ({ key, versionId }: Name): string => JSON.stringify([key, versionId]);
