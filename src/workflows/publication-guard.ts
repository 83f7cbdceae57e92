import * as wf from '@temporalio/workflow';
import type { PublishRequest } from '../domain/publish.js';
import { MINUTE_MS } from '../domain/units.js';
import { settlePublication } from './activity-proxies.js';

/** What a publication that was ended from outside has left waits at most so long. */
const LOOK_EVERY_MS = 15 * MINUTE_MS;

/** A publication that is all or nothing, and what only tests say. */
export interface PublicationGuardInput extends PublishRequest {
  /** Default: 15 minutes. */
  lookEveryMs?: number;
}

/**
 * Looks after a publication that is all or nothing until it has ended, as its own workflow cannot when an operator terminates it: then what
 * is hidden goes, or what was committed is announced, and the publication has an end that can be asked for.
 */
export async function publicationGuard(input: PublicationGuardInput): Promise<void> {
  const { lookEveryMs = LOOK_EVERY_MS, ...request } = input;
  for (;;) {
    await wf.sleep(lookEveryMs, { summary: 'whether the publication still runs, or has ended' });
    if (await settlePublication(request)) return;
    if (wf.workflowInfo().continueAsNewSuggested) await wf.continueAsNew<typeof publicationGuard>(input);
  }
}
