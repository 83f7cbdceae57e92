import { withBoundary } from './boundary.js';
import { deletionActivities } from './deletion.js';
import type { ActivityDeps } from './deps.js';
import { executionActivities } from './executions.js';
import { inspectionActivities } from './inspection/index.js';
import { manifestActivities } from './manifest.js';
import { publicationActivities } from './publications.js';
import { reconciliationActivities } from './reconciliation/index.js';
import { recordActivities } from './records.js';
import { repairActivities } from './repair.js';
import { tieringActivities } from './tiering.js';
import { uploadActivities } from './upload.js';
import { webhookActivities } from './webhooks.js';

export { pageSizeAt } from './inspection/page-size.js';
export type { InspectedSlice, InspectionSlice } from './inspection/index.js';
export type { ActivityDeps, ActivitySettings, ArtifactLives } from './deps.js';

/** All side effects of the product, over ports. The type of what it returns is what workflows may call. */
export function createActivities(deps: ActivityDeps) {
  return withBoundary({
    ...uploadActivities(deps),
    ...recordActivities(deps),
    ...tieringActivities(deps),
    ...deletionActivities(deps),
    ...executionActivities(deps),
    ...webhookActivities(deps),
    ...manifestActivities(deps),
    ...publicationActivities(deps),
    ...inspectionActivities(deps),
    ...repairActivities(deps),
    ...reconciliationActivities(deps),
  });
}

export type Activities = ReturnType<typeof createActivities>;
