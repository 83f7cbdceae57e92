import { describe, expect, it } from 'vitest';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES } from '../support/virtual-time/virtual-artifact.js';

const { start } = useArtifacts();

describe('an upload for which there is no room', () => {
  it('is refused before its first byte, and its run is over with nothing to do', async () => {
    const artifact = await start({ quotas: { tenantBytes: BYTES.length - 1 } });
    const details = { quota: 'tenantBytes', limit: BYTES.length - 1, used: 0, asked: BYTES.length };
    const begun = await artifact.run.update('beginUpload');
    expect(begun.failed ?? begun.rejected).toMatchObject({ type: 'quota_exceeded', details: [details] });
    expect(artifact.run.ending).toEqual({ completed: { artifactId: artifact.id, ended: 'refused' } });
    expect(await artifact.world.records.get(artifact.id)).toBeNull();
    expect(artifact.run.activities).toEqual(['registerUpload']);
  });

  it('is refused when its size is known, which for a stream is its end, and leaves nothing', async () => {
    const artifact = await start({
      upload: { sizeBytes: null, sha256: null },
      quotas: { executionBytes: BYTES.length - 1 },
    });
    await artifact.sendInParts(BYTES);
    await expect(artifact.complete()).rejects.toMatchObject({ type: 'quota_exceeded' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_failed' });
    expect(await artifact.remains()).toBe(0);
  });
});
