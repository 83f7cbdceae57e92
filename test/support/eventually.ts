import { vi } from 'vitest';

const TIMEOUT_MS = 45_000;

/**
 * Until the check does not throw; fails with what it throws after 45 seconds. `vi.waitFor` waits for one, which a busy machine may need;
 * `expect.poll`, which waits for longer, is not to be had in hooks.
 */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: TIMEOUT_MS });
