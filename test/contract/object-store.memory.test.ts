import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { objectStoreSuite, type StoreUnderTest } from './object-store/suite.js';

function open(): Promise<StoreUnderTest> {
  const store = new MemoryObjectStore();
  const unversioned = new MemoryObjectStore({ versioning: false });
  const withoutBucket = new MemoryObjectStore();
  withoutBucket.outage = 'bucket_not_found';
  const unreachable = new MemoryObjectStore();
  unreachable.outage = 'storage_unavailable';
  const byToken = [store, unversioned];
  return Promise.resolve({
    ...{ store, unversioned, withoutBucket, unreachable },
    send: async (request, body) => {
      const answers = await Promise.all(byToken.map((one) => one.receive(request, body)));
      const known = answers.find((answer) => answer.status !== 403) ?? answers[0];
      return known ?? { status: 500, headers: {}, body: Buffer.alloc(0) };
    },
    holdRestore: () => Promise.resolve(),
    finishRestores: () => Promise.resolve(store.finishRestores()),
    keysBelow: (prefix) => Promise.resolve(store.keys().filter((key) => key.startsWith(prefix))),
    close: () => Promise.resolve(),
  });
}

objectStoreSuite({
  name: 'memory',
  open,
  cannot: {},
  capabilities: { versioning: true, storageClasses: true, restore: true, enforcesChecksums: true },
});
