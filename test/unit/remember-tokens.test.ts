import { describe, expect, it } from 'vitest';
import { rememberTokens } from '../../src/api/plugins/remember-tokens.js';
import { MINUTE_MS } from '../../src/domain/units.js';

function counting({ expiresAtMs = Number.MAX_SAFE_INTEGER, fails = false } = {}) {
  let nowMs = 1_000;
  let verified = 0;
  const authenticate = rememberTokens(
    (authorization) => {
      verified += 1;
      if (fails) return Promise.reject(new Error('not valid'));
      return Promise.resolve({
        subject: authorization ?? '',
        tenant: 't',
        scopes: new Set<string>(),
        executions: null,
        expiresAtMs,
      });
    },
    () => nowMs,
  );
  return { authenticate, verified: () => verified, pass: (ms: number) => (nowMs += ms) };
}

describe('rememberTokens', () => {
  it('verifies a token once a minute', async () => {
    const { authenticate, verified, pass } = counting();
    await authenticate('Bearer a');
    expect((await authenticate('Bearer a')).subject).toBe('Bearer a');
    expect(verified()).toBe(1);
    pass(MINUTE_MS + 2);
    await authenticate('Bearer a');
    expect(verified()).toBe(2);
  });

  it('never takes one token for another', async () => {
    const { authenticate, verified } = counting();
    await authenticate('Bearer a');
    expect((await authenticate('Bearer b')).subject).toBe('Bearer b');
    expect(verified()).toBe(2);
  });

  it('verifies again what has expired meanwhile', async () => {
    const { authenticate, verified, pass } = counting({ expiresAtMs: 2_000 });
    await authenticate('Bearer a');
    pass(999);
    await authenticate('Bearer a');
    expect(verified()).toBe(1);
    pass(1);
    await authenticate('Bearer a');
    expect(verified()).toBe(2);
  });

  it('remembers no refusal', async () => {
    const { authenticate, verified } = counting({ fails: true });
    await expect(authenticate('Bearer a')).rejects.toThrow('not valid');
    await expect(authenticate('Bearer a')).rejects.toThrow('not valid');
    expect(verified()).toBe(2);
  });
});
