import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { loadConfig } from '../../../src/config.js';
import { connectReconciliation } from '../../../src/temporal/reconciliation-client.js';

const NOBODY = '127.0.0.1:1';

it('ends the calls that were given up before it closes their connection', { timeout: 60_000 }, async () => {
  const temporal = connectReconciliation(loadConfig({ TEMPORAL_ADDRESS: NOBODY }));
  await expect(temporal.client.startReconciliation('dry-run')).rejects.toMatchObject({ code: 'workflows_unavailable' });
  await temporal.close();
  // A call that went on would throw now, where nobody catches it, and fail this run.
  await sleep(6_000);
});
