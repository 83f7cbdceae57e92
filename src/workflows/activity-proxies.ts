import { proxyActivities, proxyLocalActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { uploadTaskQueue, type HostActivities } from '../domain/publish.js';
import { READ_BACK_TASK_QUEUE, WEBHOOK_TASK_QUEUE } from './task-queues.js';

/**
 * Short steps on the way of a request: local activities, ten times faster than ordinary ones. They give up within the time a
 * caller waits (`isTimeUp` in the activities' boundary sees to it); the verb then fails with the error of the last try, nothing has changed, and it can be asked for again.
 */
export const {
  registerUpload,
  findRow,
  recordChange,
  recordExecutionRetention,
  beginExecutionDeletion,
  tagObject,
  requestRestore,
  joinUpload: joinSinglePut,
  activateUpload,
  findUnharmed,
  bringBack,
  examineArtifact,
  hideDeleted,
  restoreRow,
} = proxyLocalActivities<Activities>({
  startToCloseTimeout: '5s',
  scheduleToCloseTimeout: '8s',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '2s' },
});

/** Work that takes as long as the file is large: heartbeats every 5 s, a dead worker is noticed within 30. */
export const {
  joinUpload: joinMultipart,
  verifyBytes,
  ensureTier,
  pollRestore,
  removeOtherVersions,
} = proxyActivities<Activities>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 5 },
});

/** Short steps of a publication. Nobody waits for their answer but the publication itself, so they are asked until they are answered. */
export const { beginPublication, planPublication, commitPublication, finishPublication } = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Deletions and announcements of as many artifacts as a publication has. */
export const { removeReplaced, abandonUploads, abandonPublication, announcePublication, settlePublication } =
  proxyActivities<Activities>({
    startToCloseTimeout: '30m',
    heartbeatTimeout: '30s',
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '1m' },
  });

/**
 * What the upload worker of a host does. One that is not there, or not any more, is waited for so long; one that dies in the middle is
 * missed after the heartbeat timeout, and another attempt goes on from what its heartbeats and the store say.
 */
export const hostActivities = (hostId: string, hostTimeoutMs: number): ActivityInterfaceFor<HostActivities> =>
  proxyActivities<HostActivities>({
    taskQueue: uploadTaskQueue(hostId),
    scheduleToStartTimeout: hostTimeoutMs,
    startToCloseTimeout: '24h',
    scheduleToCloseTimeout: '24h',
    heartbeatTimeout: '15s',
    // Nothing is aborted before the host has stopped to send.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  });

/**
 * Beside everything else, on a queue of its own: it waits there until a worker has a place for it. Tried a few times at once; the workflow
 * itself goes on trying, hourly, and says so.
 */
export const { hashStored } = proxyActivities<Activities>({
  taskQueue: READ_BACK_TASK_QUEUE,
  startToCloseTimeout: '2h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 5 },
});

/** Tells thousands of artifacts; each may be told more than once, so attempts may overlap. */
export const { moveInheritors, tellToDelete, findOrphaned } = proxyActivities<Activities>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/**
 * The same write as the local activity, for when the database is away for longer: whether an attempt that timed out was committed is
 * unknown, so the write is repeated until it is answered. Until then nothing else is decided about the artifact.
 */
export const { recordChange: recordChangeAtLast } = proxyActivities<Activities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** A deletion is a few requests about one key. When they do not succeed here, the workflow tries again with more patience. */
export const { eraseArtifact: eraseAtOnce, purgeVersions } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '7s',
  scheduleToCloseTimeout: '8s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '2s' },
});

/** Short questions to the database that are asked until they are answered. */
export const { countDeletion, finishExecutionDeletions } = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '1m' },
});

/**
 * Tried a few times at once; the workflow itself goes on trying for ever, at growing distances, and says so. A worker that is cut off
 * gives up by its own clock, `startToCloseTimeout` and 5 s from the start, and is missed after `heartbeatTimeout`: see LATE_ATTEMPT_MS.
 */
export const { eraseArtifact } = proxyActivities<Activities>({
  startToCloseTimeout: '35s',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '500ms', backoffCoefficient: 3, maximumInterval: '10s', maximumAttempts: 3 },
});

/** The same for what no keep can call back. */
export const { sweepArtifact, removeSuperfluous } = proxyActivities<Activities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '500ms', backoffCoefficient: 3, maximumInterval: '10s', maximumAttempts: 3 },
});

/** Tried until the receiver accepts it; the activity itself says when it is too late. Longer than a receiver has for its answer. */
export const { deliverWebhook } = proxyActivities<Activities>({
  taskQueue: WEBHOOK_TASK_QUEUE,
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10m' },
});

/** Tried a few times at once; the workflow itself goes on trying for ever, at growing distances, and says so. */
export const { writeManifest } = proxyActivities<Activities>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 5 },
});

/**
 * Slices of a reconciliation, of half a minute each. An outage of hours is waited for, as nobody waits for the report; then it says that it
 * gave up, and the next one begins anew.
 */
export const {
  inspectBucket,
  inspectLives,
  inspectUploads,
  inspectManifests,
  beginReconciliation,
  weighRepair,
  settleFindings,
  finishReconciliation,
} = proxyActivities<Activities>({
  startToCloseTimeout: '10m',
  scheduleToCloseTimeout: '12h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});
