import { describe, expect, it } from 'vitest';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

const { start } = useArtifacts();

type Options = Parameters<typeof start>[0];

/** A stream of unknown length, which is uploaded in parts however short it is; all sent. */
async function sentInParts(options: Options = {}, bytes = BYTES): Promise<VirtualArtifact> {
  const artifact = await start({ ...options, upload: { sizeBytes: null, sha256: null, ...options.upload } });
  await artifact.sendInParts(bytes);
  return artifact;
}

describe('an upload in parts that a process of ours hashed while it sent them', () => {
  it('is verified without being read back, when the store has checked every part', async () => {
    const artifact = await sentInParts();
    const row = await artifact.complete(BYTES, { hashedBy: 'service' });
    expect(row).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
    expect(artifact.run.activities).not.toContain('verifyBytes');
    const [, completed] = await artifact.world.records.history(artifact.id);
    expect(completed).toMatchObject({ kind: 'upload_completed', detail: { verifiedBy: 'service' } });
  });

  it('is read back on a store that checks nothing', async () => {
    const artifact = await sentInParts({ capabilities: { enforcesChecksums: false } });
    const row = await artifact.complete(BYTES, { hashedBy: 'service' });
    expect(row).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
    expect(artifact.run.activities).toContain('verifyBytes');
  });
});
