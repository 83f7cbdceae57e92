import type { NumberedFinding } from '../../db/reconciliations.js';
import { isAwaited } from '../../domain/inspection.js';
import { LEAST_AGE_MS } from '../../domain/reconcile.js';
import { rowsOfKey } from './rows-of-key.js';
import { beforeOurTime, gone, tooYoung, type Settlement, type SettlingContext } from './settlement.js';

/** Aborts an upload that no row waits for. */
export async function settleUpload(
  { records, store, storeNowMs, hasMissingRows }: SettlingContext,
  { key, uploadId }: NumberedFinding,
): Promise<Settlement> {
  if (key === null || uploadId === null) return { outcome: 'failed', note: 'it is not known which upload it is' };
  const upload = await find();
  if (upload === undefined) return gone('the upload is gone');
  if ((await storeNowMs()) - upload.initiatedAtMs < LEAST_AGE_MS) return tooYoung;
  const rows = await rowsOfKey(records, key);
  if (isAwaited(upload, rows)) return gone('a row waits for it');
  // It does not say whose it is: of a life that runs, its row alone would.
  if (await hasMissingRows())
    return { outcome: 'open', note: 'rows are missing, and it may be of one of them: left to the next reconciliation' };
  if (await records.isYoungerThan(upload.initiatedAtMs)) return beforeOurTime;
  await store.abortUpload(key, uploadId);
  if ((await find()) !== undefined) return { outcome: 'failed', note: 'it is still there after it was aborted' };
  return { outcome: 'repaired', note: 'aborted' };

  async function find() {
    return (await store.listUploads(key ?? '')).find((pending) => pending.uploadId === uploadId);
  }
}
