import type { ObjectStore } from '../../storage/object-store.js';
import type { Fleet } from '../deps.js';

type Pace = () => Promise<void>;

/** What an inspection asks the store; nothing that changes it. */
export type StoreReads = Pick<
  ObjectStore,
  'head' | 'listVersions' | 'getTags' | 'read' | 'listParts' | 'listInventory' | 'listPendingUploads'
>;

/** The store, asked no faster than the pace. */
export function pacedStore(store: StoreReads, pace: Pace): StoreReads {
  const paced = pacedBy(pace);
  return {
    head: paced((object) => store.head(object)),
    listVersions: paced((key) => store.listVersions(key)),
    getTags: paced((object) => store.getTags(object)),
    read: paced((object, options) => store.read(object, options)),
    listParts: paced((key, uploadId) => store.listParts(key, uploadId)),
    listInventory: paced((query) => store.listInventory(query)),
    listPendingUploads: paced((query) => store.listPendingUploads(query)),
  };
}

/** The same for questions to the Temporal server. */
export function pacedFleet(fleet: Fleet, pace: Pace): Fleet {
  const paced = pacedBy(pace);
  return {
    findRunning: paced((ids) => fleet.findRunning(ids)),
    listRunning: paced((query) => fleet.listRunning(query)),
    look: paced((id) => fleet.look(id)),
    recall: paced((id) => fleet.recall(id)),
  };
}

export const pacedBy =
  (pace: Pace) =>
  <Asked extends unknown[], Answer>(ask: (...asked: Asked) => Promise<Answer>) =>
  async (...asked: Asked): Promise<Answer> => {
    await pace();
    return ask(...asked);
  };
