import type { ObjectStore } from '../object-store.js';
import { createS3Context, type S3ObjectStoreOptions } from './client.js';
import { downloadVerbs } from './downloads.js';
import { checkBucket } from './head.js';
import { listInventory, listPendingUploads } from './inventory.js';
import { keeperVerbs } from './keeper.js';
import { uploadVerbs } from './uploads.js';

export type { S3ObjectStoreOptions } from './client.js';

/** The object store on Amazon S3 or a store that speaks its protocol. Connects with the first call; `close` frees the sockets. */
export function createS3ObjectStore(options: S3ObjectStoreOptions): ObjectStore {
  const context = createS3Context(options);
  const uploads = uploadVerbs(context);
  return {
    bucket: options.bucket,
    ...uploads,
    ...downloadVerbs(context),
    ...keeperVerbs(context),
    listInventory: (query) => listInventory(context, query),
    listPendingUploads: (query) => listPendingUploads(context, query, (key) => uploads.listUploads(key)),
    checkBucket: () => checkBucket(context),
    close: () => {
      context.client.destroy();
      context.presigner.destroy();
    },
  };
}
