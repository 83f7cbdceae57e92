import { afterAll, beforeAll, vi } from 'vitest';
import { VirtualArtifact } from './virtual-artifact.js';
import { Sandbox } from './virtual-run.js';

type Options = Parameters<typeof VirtualArtifact.start>[1];

/**
 * Lives under virtual time for the tests of a file, in a sandbox that is opened before and closed after them. The clock of this process
 * follows theirs: activities, the bucket and the rows have the time of the run that moved last.
 */
export function useArtifacts(): Record<'start' | 'active', (options?: Options) => Promise<VirtualArtifact>> {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await Sandbox.open((nowMs) => vi.setSystemTime(nowMs));
  });
  afterAll(async () => {
    vi.useRealTimers();
    await sandbox.close();
  });
  return {
    start: (options) => VirtualArtifact.start(sandbox, options),
    active: (options) => VirtualArtifact.active(sandbox, options),
  };
}
