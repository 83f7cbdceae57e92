import { describe, expect, it } from 'vitest';
import { ARTIFACT_STATUSES } from '../../../src/domain/artifact.js';
import { ArtifactError, ERROR_CODES, errorKind, isErrorCode } from '../../../src/domain/errors.js';

describe('the error catalogue', () => {
  it.each(ERROR_CODES)('%s has a status, a title and something to do about it', (code) => {
    const { status, title, remedy } = errorKind(code);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(title.length).toBeGreaterThan(5);
    expect(remedy).toMatch(/\.$/);
  });

  it('calls nothing retryable that the caller has to change first', () => {
    const wrong = ERROR_CODES.filter((code) => errorKind(code).retryable && errorKind(code).status < 429);
    expect(wrong).toEqual([]);
  });

  it('does not take inherited names for codes', () => {
    expect(isErrorCode('toString')).toBe(false);
    expect(isErrorCode('too_large')).toBe(true);
    expect(ARTIFACT_STATUSES).toHaveLength(4);
  });

  it('keeps the cause of an error', () => {
    const cause = new Error('socket hang up');
    const error = new ArtifactError('storage_unavailable', 'no answer', { cause });
    expect(error.cause).toBe(cause);
    expect(error).toMatchObject({ status: 503, retryable: true, details: {} });
  });
});
