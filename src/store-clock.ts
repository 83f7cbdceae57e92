import { randomUUID } from 'node:crypto';
import { PROBE_PREFIX } from './domain/keys.js';
import type { ObjectStore } from './storage/object-store.js';

const CLOCK_PREFIX = `${PROBE_PREFIX}clock/`;

/**
 * The time by the clock of the store, to which it dates what it has: asked once, by an object that is thrown away again, and then by the time
 * that has passed since.
 */
export function storeClock(store: ObjectStore): () => Promise<number> {
  let asked: Promise<{ storeMs: number; askedAtMs: number }> | null = null;
  return async () => {
    asked ??= ask(store);
    const { storeMs, askedAtMs } = await asked;
    return storeMs + (performance.now() - askedAtMs);
  };
}

async function ask(store: ObjectStore): Promise<{ storeMs: number; askedAtMs: number }> {
  const id = randomUUID();
  const key = `${CLOCK_PREFIX}${id}`;
  const owner = { artifactId: id, executionId: id, type: 'other' };
  const askedAtMs = performance.now();
  const { lastModifiedMs, versionId } = await store.put(
    { key, mimeType: 'text/plain', owner, tags: {} },
    Buffer.from('?'),
  );
  await store.deleteVersion(key, versionId);
  return { storeMs: lastModifiedMs, askedAtMs };
}
