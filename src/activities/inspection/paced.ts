import type { ObjectStore } from '../../storage/object-store.js';

/** What an inspection asks the store; nothing that changes it. */
export type StoreReads = Pick<
  ObjectStore,
  'head' | 'listVersions' | 'getTags' | 'read' | 'listParts' | 'listInventory' | 'listPendingUploads'
>;

/** A port that is asked no faster than the pace: every call of a method is a request. */
export const paced = <Port extends object>(port: Port, pace: () => Promise<void>): Port =>
  new Proxy(port, {
    get: (target, name): unknown => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...asked: unknown[]): Promise<unknown> => {
        await pace();
        return (await Reflect.apply(member, target, asked)) as unknown;
      };
    },
  });
