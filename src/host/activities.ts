import { withBoundary, withHeartbeat } from '../activities/boundary.js';
import { ArtifactError } from '../domain/errors.js';
import type { HostActivities, ScanPage, ScanQuery, UploadedFile, UploadFilesQuery } from '../domain/publish.js';
import type { HostDeps } from './deps.js';
import { scanPage } from './scan.js';
import { uploadFiles } from './upload-files.js';

/** What an upload worker does for workflows: it reads files of its host. */
export function createHostActivities(deps: HostDeps): HostActivities {
  const requireOwnTenant = (tenantId: string): void => {
    if (tenantId !== deps.tenantId)
      throw new ArtifactError('source_not_allowed', 'the upload worker of this host serves another tenant');
  };
  return withBoundary({
    /** One page of what lies below a folder. Changes nothing. */
    scanFolder(query: ScanQuery): Promise<ScanPage> {
      requireOwnTenant(query.tenantId);
      return withHeartbeat('scanning', ({ signal }) => scanPage(deps.roots, query, signal));
    },

    /** What became of each file, in their order. Safe to repeat, also while another attempt is at it. */
    uploadFiles(query: UploadFilesQuery): Promise<UploadedFile[]> {
      requireOwnTenant(query.tenantId);
      return uploadFiles(deps, query);
    },
  });
}
