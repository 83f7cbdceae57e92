import { describe, expect, test } from 'vitest';
import { ArtifactError, ERROR_CODES, errorKind } from '../../../src/domain/errors.js';
import { renderProblem } from '../../../src/api/plugins/errors.js';
import { randomUUID } from 'node:crypto';
import { codeOf, startTestApi } from '../../support/api.js';

const where = { instance: '/v1/artifacts/x', requestId: 'r-1' };

describe('the renderer', () => {
  test.each(ERROR_CODES)('%s becomes a whole problem without a stack', (code) => {
    const error = new ArtifactError(code, 'the object at s3://secret-bucket/key', {
      details: { bucket: 'secret-bucket' },
      cause: new Error('connect 10.0.0.7:5432'),
    });
    const problem = renderProblem(error, where);
    const { status, title, remedy } = errorKind(code);
    expect(problem).toMatchObject({ ...where, code, status, title, remedy });
    expect(problem.type).toBe(`urn:durable-artifacts:problem:${code}`);
    const text = JSON.stringify(problem);
    expect(text).not.toContain('10.0.0.7');
    expect(text).not.toContain('.ts:');
    // What is our own fault says nothing about our insides; what is written for the caller says everything it needs.
    expect(text.includes('secret-bucket')).toBe(status < 500 || code === 'not_yet_answered');
    expect(problem.details).toEqual(status < 500 ? { bucket: 'secret-bucket' } : {});
  });
});

describe('an answer', () => {
  const url = `/v1/artifacts/${randomUUID()}`;

  test.each(ERROR_CODES)('to %s has its status, and Retry-After only when trying again may help', async (code) => {
    const api = await startTestApi();
    api.records.get = () => Promise.reject(new ArtifactError(code, 'injected'));
    const response = await api.send({ method: 'GET', url });
    expect([response.statusCode, codeOf(response)]).toEqual([errorKind(code).status, code]);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    const mayRetry = errorKind(code).retryable && [429, 503].includes(response.statusCode);
    expect('retry-after' in response.headers).toBe(mayRetry);
    expect(response.headers['x-content-type-options']).toBe('nosniff');
  });

  test('to a bug is neutral, and the log has its stack', async () => {
    const api = await startTestApi();
    api.records.get = () => Promise.reject(new TypeError('undefined is not a function'));
    const response = await api.send({ method: 'GET', url });
    expect(response.json()).toMatchObject({
      status: 500,
      code: 'internal',
      detail: 'Something went wrong on our side.',
    });
    expect(response.body).not.toContain('undefined is not');
    expect(api.log()).toContain('undefined is not a function');
    expect(api.log()).toContain('errors.test.ts');
  });

  test('carries the request id of the caller when it is harmless, else a new one', async () => {
    const api = await startTestApi();
    const given = await api.send({ method: 'GET', url, headers: { 'x-request-id': 'trace-42' } });
    expect([given.headers['x-request-id'], given.json<{ requestId: string }>().requestId]).toEqual([
      'trace-42',
      'trace-42',
    ]);
    const harmful = await api.send({ method: 'GET', url, headers: { 'x-request-id': '<script>' } });
    expect(harmful.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
