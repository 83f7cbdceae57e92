import type { ActivityDeps } from '../deps.js';
import { inspectBucket } from './bucket.js';
import { inspectLives } from './lives.js';
import { inspectManifests } from './manifests.js';
import { inspectSlice, type InspectedSlice, type InspectionSlice } from './slice.js';
import { inspectUploads } from './uploads.js';

export type { InspectedSlice, InspectionSlice } from './slice.js';

/**
 * What finds drift (docs/decisions/0023-a-walk-beside-the-listing.md). Each call looks at one slice, of half a minute or so, notes in the
 * reconciliation what it finds, and answers where the next one begins. Safe to repeat: what is found twice is one finding. They only look.
 * @throws `storage_unavailable`, `database_unavailable`, `workflows_unavailable` when one of them does not answer.
 */
export function inspectionActivities(deps: ActivityDeps) {
  return {
    /** Objects against rows, both ways: bytes, classes, tags, what hides them, deadlines; and manifests that tell of nothing. */
    inspectBucket: (slice: InspectionSlice): Promise<InspectedSlice> => inspectSlice(deps, slice, inspectBucket),
    /** Rows against workflows, both ways. */
    inspectLives: (slice: InspectionSlice): Promise<InspectedSlice> => inspectSlice(deps, slice, inspectLives),
    /** Multipart uploads against rows. */
    inspectUploads: (slice: InspectionSlice): Promise<InspectedSlice> => inspectSlice(deps, slice, inspectUploads),
    /** Each `metadata.json` against what would be written now. */
    inspectManifests: (slice: InspectionSlice): Promise<InspectedSlice> => inspectSlice(deps, slice, inspectManifests),
  };
}
