import { proxyActivities } from '@temporalio/workflow';
import {
  uploadTaskQueue,
  type HostActivities,
  type ScanPage,
  type ScanQuery,
  type UploadedFile,
  type UploadFilesQuery,
} from '../../../src/domain/publish.js';

interface Drive {
  hostId: string;
  heartbeatTimeoutMs: number;
}

const activitiesOf = ({ hostId, heartbeatTimeoutMs }: Drive) =>
  proxyActivities<HostActivities>({
    taskQueue: uploadTaskQueue(hostId),
    startToCloseTimeout: '10m',
    heartbeatTimeout: heartbeatTimeoutMs,
    // What was begun is removed while the workflow still waits.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '100ms', maximumInterval: '1s' },
  });

/** Nothing but the activities of an upload worker, with short times. */
export const driveScan = (drive: Drive, query: ScanQuery): Promise<ScanPage> => activitiesOf(drive).scanFolder(query);
export const driveUpload = (drive: Drive, query: UploadFilesQuery): Promise<UploadedFile[]> =>
  activitiesOf(drive).uploadFiles(query);
