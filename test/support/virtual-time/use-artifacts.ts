import { afterAll, beforeAll } from 'vitest';
import { VirtualArtifact } from './virtual-artifact.js';
import { Sandbox } from './virtual-run.js';

type Options = Parameters<typeof VirtualArtifact.start>[1];

/** Lives under virtual time for the tests of a file, in a sandbox that is opened before and closed after them. */
export function useArtifacts(): Record<'start' | 'active', (options?: Options) => Promise<VirtualArtifact>> {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await Sandbox.open();
  });
  afterAll(() => sandbox.close());
  return {
    start: (options) => VirtualArtifact.start(sandbox, options),
    active: (options) => VirtualArtifact.active(sandbox, options),
  };
}
