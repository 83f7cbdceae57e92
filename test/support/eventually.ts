import { vi } from 'vitest';

const TIMEOUT_MS = 30_000;

/** Until the check does not throw; fails with what it throws after half a minute. `vi.waitFor` waits for a second, which a busy machine may need. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: TIMEOUT_MS });
