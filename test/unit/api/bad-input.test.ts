import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { codeOf, sha256Of, startTestApi, tokenFor } from '../../support/api.js';

const SHA256 = sha256Of('x');
const file = { fileName: 'a.txt', sizeBytes: 1, sha256: SHA256 };

describe('a begin that is refused before any side effect', () => {
  const cases: [string, object | string, number, string][] = [
    ['a file over 5 GiB', { ...file, sizeBytes: 5 * 1024 ** 3 + 1 }, 413, 'too_large'],
    ['an empty name', { ...file, fileName: '' }, 400, 'invalid_path'],
    ['a name of 256 characters', { ...file, fileName: 'x'.repeat(256) }, 400, 'invalid_path'],
    ['a path with ..', { ...file, fileName: 'a/../b' }, 400, 'invalid_path'],
    ['an absolute path', { ...file, fileName: '/etc/passwd' }, 400, 'invalid_path'],
    ['control characters', { ...file, fileName: 'a\u0000b' }, 400, 'invalid_path'],
    ['a negative retention', { ...file, retentionDays: -1 }, 400, 'invalid_retention'],
    ['a fractional retention', { ...file, retentionDays: 1.5 }, 400, 'invalid_retention'],
    ['an expiry that is no time', { ...file, expiresAt: 'tomorrow' }, 400, 'invalid_retention'],
    ['an expiry on no day', { ...file, expiresAt: '2030-02-30T00:00:00Z' }, 400, 'invalid_retention'],
    ['an expiry without an offset', { ...file, expiresAt: '2030-01-01T00:00:00' }, 400, 'invalid_retention'],
    ['an expiry in the past', { ...file, expiresAt: '2020-01-01T00:00:00Z' }, 400, 'invalid_retention'],
    ['an expiry after 2200', { ...file, expiresAt: '2200-01-02T00:00:00Z' }, 400, 'invalid_retention'],
    ['days and an expiry', { ...file, retentionDays: 5, expiresAt: '2030-01-01T00:00:00Z' }, 400, 'invalid_retention'],
    ['a negative tier age', { ...file, tiering: { warmAfterDays: -1 } }, 400, 'invalid_tiering'],
    ['a fractional tier age', { ...file, tiering: { coldAfterDays: 0.5 } }, 400, 'invalid_tiering'],
    ['a tier nobody knows', { ...file, tiering: { hotAfterDays: 1 } }, 400, 'invalid_request'],
    ['nine tags', { ...file, tags: Object.fromEntries([...'123456789'].map((n) => [n, n])) }, 400, 'invalid_tags'],
    ['a tag with characters that S3 refuses', { ...file, tags: { a: 'b\n' } }, 400, 'invalid_tags'],
    ['a reserved tag', { ...file, tags: { 'artifact-retention': 'permanent' } }, 400, 'invalid_tags'],
    ['a checksum that is not hex', { ...file, sha256: 'zz' }, 400, 'invalid_checksum'],
    ['a checksum without a size', { fileName: 'a', sha256: SHA256 }, 400, 'invalid_request'],
    ['a small size without a checksum', { fileName: 'a', sizeBytes: 1 }, 400, 'invalid_request'],
    ['a negative size', { ...file, sizeBytes: -1 }, 400, 'invalid_request'],
    ['a fractional size', { ...file, sizeBytes: 1.5 }, 400, 'invalid_request'],
    ['a size given as text', { ...file, sizeBytes: '1' }, 400, 'invalid_request'],
    ['a field nobody knows', { ...file, colour: 'red' }, 400, 'invalid_request'],
    ['a type that does not exist', { ...file, type: 'film' }, 400, 'invalid_request'],
    ['a MIME type without a slash', { ...file, mimeType: 'text' }, 400, 'invalid_request'],
    ['a MIME type with a line break', { ...file, mimeType: 'text/plain\r\nx: y' }, 400, 'invalid_request'],
    ['a MIME type of 101 characters', { ...file, mimeType: `text/${'x'.repeat(96)}` }, 400, 'invalid_request'],
    ['a tier age given as text', { ...file, tiering: { warmAfterDays: '1' } }, 400, 'invalid_request'],
    ['no name at all', { sizeBytes: 1, sha256: SHA256 }, 400, 'invalid_request'],
    ['JSON that is none', '{"fileName":', 400, 'invalid_request'],
    ['a body over 1 MiB', { ...file, fileName: 'x'.repeat(1024 ** 2) }, 413, 'request_too_large'],
  ];

  test.each(cases)('%s is refused', async (_name, payload, status, code) => {
    const api = await startTestApi();
    const response = await api.send({
      method: 'POST',
      url: `/v1/executions/${randomUUID()}/artifacts`,
      headers: { 'content-type': 'application/json' },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    });
    expect([response.statusCode, codeOf(response)]).toEqual([status, code]);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(api.lifecycle.calls).toEqual([]);
    expect([...api.store.calls.keys()]).toEqual([]);
  });

  test('an execution id that is no UUID is refused', async () => {
    const api = await startTestApi();
    for (const id of ['nope', 'ABCDEF00-0000-4000-8000-000000000000', 'x'.repeat(300)]) {
      const response = await api.send({ method: 'POST', url: `/v1/executions/${id}/artifacts`, payload: file });
      expect([response.statusCode, codeOf(response)]).toEqual([400, 'invalid_id']);
    }
    expect(api.lifecycle.calls).toEqual([]);
  });

  test('a body that is not JSON is refused', async () => {
    const api = await startTestApi();
    const url = `/v1/executions/${randomUUID()}/artifacts`;
    const headers = { 'content-type': 'text/plain' };
    const response = await api.send({ method: 'POST', url, headers, payload: JSON.stringify(file) });
    expect([response.statusCode, codeOf(response)]).toEqual([415, 'unsupported_media_type']);
    expect(api.lifecycle.calls).toEqual([]);
  });

  test('an execution of another tenant does not exist', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    await api.upload({ executionId });
    const before = api.lifecycle.calls.length;
    const token = await tokenFor({ tenant: 'other' });
    const url = `/v1/executions/${executionId}/artifacts`;
    const response = await api.send({ method: 'POST', url, token, payload: file });
    expect([response.statusCode, codeOf(response)]).toEqual([404, 'execution_not_found']);
    expect(api.lifecycle.calls).toHaveLength(before);
  });

  test('a bucket that does not exist is told', async () => {
    const api = await startTestApi();
    api.store.outage = 'bucket_not_found';
    const url = `/v1/executions/${randomUUID()}/artifacts`;
    const response = await api.send({ method: 'POST', url, payload: file });
    expect([response.statusCode, codeOf(response)]).toEqual([503, 'bucket_not_found']);
    expect(api.lifecycle.calls).toEqual([]);
  });

  test('the faults of a body are listed by field', async () => {
    const api = await startTestApi();
    const url = `/v1/executions/${randomUUID()}/artifacts`;
    const response = await api.send({ method: 'POST', url, payload: { sizeBytes: '1', colour: 'red' } });
    const fields = response.json<{ errors: { field: string }[] }>().errors.map(({ field }) => field);
    expect(fields.sort()).toEqual(['colour', 'fileName', 'sizeBytes']);
  });

  test('a fault says what is meant, and not only the rule', async () => {
    const api = await startTestApi();
    const messageOf = async (url: string, payload?: object): Promise<string | undefined> => {
      const response = await api.send({
        method: payload === undefined ? 'GET' : 'POST',
        url,
        ...(payload === undefined ? {} : { payload }),
      });
      return response.json<{ errors: { message: string }[] }>().errors[0]?.message;
    };
    expect(await messageOf('/v1/plan?within=3x')).toMatch(/^is not valid\. It is: From now: hours \(`12h`\) or days/);
    const url = `/v1/artifacts/${randomUUID()}/shares`;
    expect(await messageOf(url, { expiresIn: 0 })).toMatch(
      /^must be >= 1\. It is: Life of the link in seconds, 1 to \d+$/,
    );
    expect(await messageOf(url, { singleUse: 'yes' })).toContain(
      'must be boolean. It is: The first who gets the bytes',
    );
  });
});

describe('other requests that are refused before any side effect', () => {
  const cases: [string, string, object, number, string][] = [
    ['a complete without a hash', 'POST upload/complete', { sizeBytes: 1 }, 400, 'invalid_request'],
    ['a complete with a bad hash', 'POST upload/complete', { sizeBytes: 1, sha256: 'x' }, 400, 'invalid_checksum'],
    ['a complete over 5 GiB', 'POST upload/complete', { sizeBytes: 6e9, sha256: SHA256 }, 413, 'too_large'],
    ['a retention of nothing', 'PUT retention', {}, 400, 'invalid_request'],
    ['a retention of both kinds', 'PUT retention', { days: 1, permanent: true }, 400, 'invalid_request'],
    ['a permanence that is false', 'PUT retention', { permanent: false }, 400, 'invalid_request'],
    ['a fractional retention', 'PUT retention', { days: 0.5 }, 400, 'invalid_retention'],
    ['a retention of 36501 days', 'PUT retention', { days: 36_501 }, 400, 'invalid_retention'],
    ['days and a date', 'PUT retention', { days: 1, expiresAt: '2030-01-01T00:00:00Z' }, 400, 'invalid_request'],
    [
      'a date for ever',
      'PUT retention',
      { permanent: true, expiresAt: '2030-01-01T00:00:00Z' },
      400,
      'invalid_request',
    ],
    [
      'a date with a reason',
      'PUT retention',
      { expiresAt: '2030-01-01T00:00:00Z', reason: 'x' },
      400,
      'invalid_request',
    ],
    ['a date that is none', 'PUT retention', { expiresAt: '2030-01-01' }, 400, 'invalid_retention'],
    ['a date after 2200', 'PUT retention', { expiresAt: '2300-01-01T00:00:00Z' }, 400, 'invalid_retention'],
    ['a hold without a reason', 'POST holds', {}, 400, 'invalid_request'],
    ['a hold with a blank reason', 'POST holds', { reason: ' ' }, 400, 'invalid_hold'],
    ['a hold with a long reason', 'POST holds', { reason: '가'.repeat(334) }, 400, 'invalid_hold'],
    ['a hold until no time', 'POST holds', { reason: 'x', until: 'soon' }, 400, 'invalid_hold'],
    ['a hold until the past', 'POST holds', { reason: 'x', until: '2020-01-01T00:00:00Z' }, 400, 'invalid_hold'],
    ['a hold with an id that is no UUID', 'POST holds', { reason: 'x', id: 'one' }, 400, 'invalid_id'],
    ['a restore tier that does not exist', 'POST restore', { tier: 'Warp' }, 400, 'invalid_request'],
    ['a download URL for more than the limit', 'POST download-url', { expiresIn: 3_601 }, 400, 'invalid_request'],
    ['a download URL for no time', 'POST download-url', { expiresIn: 0 }, 400, 'invalid_request'],
    ['no parts', 'POST upload/parts', { parts: [] }, 400, 'invalid_request'],
  ];

  test.each(cases)('%s is refused', async (...[, target, payload, status, code]) => {
    const api = await startTestApi();
    const id = await api.upload({});
    const before = api.lifecycle.calls.length;
    const [method, path] = target.split(' ');
    const url = `/v1/artifacts/${id}/${path}`;
    const response = await api.send({ method: method === 'PUT' ? 'PUT' : 'POST', url, payload });
    expect([response.statusCode, codeOf(response)]).toEqual([status, code]);
    expect(api.lifecycle.calls).toHaveLength(before);
  });

  test('a page limit, cursor, filter or parameter that is not allowed is refused', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    await api.upload({ executionId });
    const codes: Record<string, string> = {};
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=x',
      'status=GONE',
      'tag=nocolon',
      'tag=k%00:v',
      'tag=k:%00',
      'name=%00',
      'path=%00',
      'what=1',
      'cursor=%00',
    ])
      codes[query] = codeOf(await api.send({ method: 'GET', url: `/v1/executions/${executionId}/artifacts?${query}` }));
    const { 'cursor=%00': ofCursor, ...others } = codes;
    expect(ofCursor).toBe('invalid_cursor');
    expect(new Set(Object.values(others))).toEqual(new Set(['invalid_request']));
  });

  test.each([
    ['artifacts?tag=nocolon', 'tag.0', /^must be key:value, as in agent:researcher/],
    ['artifacts?tag=a:1&tag=:2', 'tag.1', /^must be key:value/],
    ['artifacts?name=%00', 'name', /^must not contain the character NUL$/],
    ['artifacts?what=1', 'what', /^is not known here: leave it out$/],
    ['artifacts?sort=heaviest', 'sort', /^must be one of newest, /],
    ['plan?within=soon', 'within', /^is not valid. It is: From now: hours /],
    ['artifacts/7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11/content?range=bytes=0-1', 'range', /^is not known here/],
  ])('%s says of %s in words what is wrong, and shows no pattern', async (url, field, message) => {
    const api = await startTestApi();
    const response = await api.send({ method: 'GET', url: `/v1/${url}` });
    expect([response.statusCode, codeOf(response)]).toEqual([400, 'invalid_request']);
    const { errors, detail } = response.json<{ errors: { field: string; message: string }[]; detail: string }>();
    expect(errors).toEqual([{ field, message: expect.stringMatching(message) as string }]);
    expect(detail).toBe(`${field} ${errors[0]?.message ?? ''}`);
    expect(response.body).not.toContain('pattern');
  });

  test('an upload through the API says what form its tags must have, and one without a field which', async () => {
    const api = await startTestApi();
    const execution = `/v1/executions/${randomUUID()}`;
    const put = await api.send({ method: 'PUT', url: `${execution}/files/output/a.txt?tag=nocolon`, payload: 'a' });
    expect(put.json()).toMatchObject({
      errors: [{ field: 'tag.0', message: expect.stringMatching(/^must be key:value/) as string }],
    });
    const post = await api.send({ method: 'POST', url: `${execution}/artifacts`, payload: {} });
    expect(post.json<{ detail: string }>().detail).toContain('fileName is missing');
  });

  test('an address that does not exist is told, also without a token', async () => {
    const api = await startTestApi();
    const response = await api.app.inject({ method: 'GET', url: '/v2/artifacts?secret=1' });
    expect([response.statusCode, codeOf(response)]).toEqual([404, 'route_not_found']);
    expect(response.json()).toMatchObject({ instance: '/v2/artifacts' });
    const { requestId } = response.json<{ requestId: string }>();
    expect(response.headers).toMatchObject({ 'x-request-id': requestId, 'x-content-type-options': 'nosniff' });
  });

  test('an address that cannot be decoded is refused', async () => {
    const api = await startTestApi();
    const response = await api.send({ method: 'GET', url: '/v1/artifacts/%ff' });
    expect([response.statusCode, codeOf(response)]).toEqual([400, 'invalid_request']);
  });
});
