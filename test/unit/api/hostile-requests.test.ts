import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/domain/errors.js';
import { startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { placeIn, type Place } from '../../support/access/states.js';

const SEED = 20_260_101;
const RUNS = 1_500;
const TEST_TIMEOUT_MS = 60_000;

/** What breaks things that take text. */
const NASTY = [
  ...['', ' ', '.', '..', '../../etc/passwd', '/', '//', '%', '%00', '%ff', '%2e%2e%2f', '\\', '"', "' OR 1=1 --"],
  ...['null', 'true', '-1', '-0', '1e309', 'NaN', '0x10', '9007199254740993', '[]', '{}', '__proto__', 'constructor'],
  ...[
    'toString',
    '\u0000',
    'a\u0000b',
    '\r\nx: y',
    '\t',
    '\u202e',
    '\ufeff',
    '가'.repeat(100),
    '🦊',
    'x'.repeat(5_000),
  ],
  ...[
    '${jndi:ldap://x}',
    '{{7*7}}',
    '<script>',
    'bytes=',
    'bytes=0-',
    'bytes=--1',
    'bytes=9-1',
    'bytes=0-0,2-3',
    '*',
    'W/"x"',
  ],
];
const text = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 40 }),
);
const field = fc.constantFrom(
  ...[
    'fileName',
    'sizeBytes',
    'sha256',
    'mimeType',
    'type',
    'tags',
    'retentionDays',
    'expiresAt',
    'tiering',
    'parts',
    'days',
  ],
  ...[
    'confirm',
    'permanent',
    'reason',
    'id',
    'until',
    'tier',
    'expiresIn',
    'force',
    'hostId',
    'folder',
    'publicationId',
  ],
  ...['include', 'exclude', 'allOrNothing', 'maxUses', 'singleUse', 'set', 'remove', '__proto__', 'constructor'],
);
const value: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.jsonValue({ maxDepth: 4 }),
  fc.double(),
  fc.array(text, { maxLength: 3 }),
);
const body = fc.oneof(
  fc.dictionary(field, value, { maxKeys: 6 }).map((fields) => JSON.stringify(fields)),
  fc.jsonValue().map((json) => JSON.stringify(json)),
  text,
  fc.constantFrom(
    '{"__proto__":{"a":1}}',
    '{"a":',
    '['.repeat(5_000),
    '{"sizeBytes":1e999}',
    '\ufeff{}',
    '{"fileName":"\\ud800"}',
  ),
);
const query = fc.array(
  fc.tuple(
    fc.oneof(
      fc.constantFrom(
        'limit',
        'cursor',
        'status',
        'type',
        'tag',
        'within',
        'executionId',
        'action',
        'purge',
        'force',
        'redirect',
      ),
      fc.constantFrom('disposition', 'waitSeconds', 'deletionId', 'path', 'name', 'sort', '__proto__'),
    ),
    text,
  ),
  { maxLength: 4 },
);
const latin1 = fc
  .oneof(fc.constantFrom(...NASTY), fc.string({ maxLength: 40 }))
  .map((given) => given.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?'));
const headers = fc.dictionary(
  fc.constantFrom(
    'range',
    'if-range',
    'if-none-match',
    'idempotency-key',
    'last-event-id',
    'x-request-id',
    'accept',
    'prefer',
  ),
  latin1,
  { maxKeys: 3 },
);
const contentType = fc.oneof(
  { weight: 4, arbitrary: fc.constant('application/json') },
  { weight: 1, arbitrary: latin1.filter((type) => type !== '') },
);

interface Documented {
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
}

/** Before a route has its say: no such address, or a body that none of them reads. */
const OF_ANY_REQUEST = [
  'route_not_found',
  'method_not_allowed',
  'invalid_request',
  'unsupported_media_type',
  'request_too_large',
];

/** Everything an answer may be: what the document says of the route, or that there is no such route. */
function isDocumented(
  document: Documented,
  route: { method: string; url: string },
  code: string,
  status: number,
): boolean {
  if (OF_ANY_REQUEST.includes(code)) return true;
  const path = route.url.replace(/\*$/, ':path').replace(/:(\w+)/g, '{$1}');
  return (
    document.paths[path]?.[route.method.toLowerCase()]?.responses[status]?.description.includes(`\`${code}\``) === true
  );
}

/** An id that exists, or anything. */
const idOr = (id: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(id) }, { weight: 1, arbitrary: text });

async function startFuzzedApi(): Promise<{ api: TestApi; places: Place[]; document: Documented }> {
  const api = await startTestApi({ eventPollMs: 3_600_000, log: { level: 'silent' } });
  await api.app.ready();
  const states = ['active', 'uploading', 'uploading in parts', 'held', 'archived', 'deleted, window open'] as const;
  const places = await Promise.all(states.map((state) => placeIn(api, state)));
  return { api, places, document: (await api.app.inject('/openapi.json')).json<Documented>() };
}

describe('whatever is sent', () => {
  test('is answered below 500, by a problem of the document if at all', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { api, places, document } = await startFuzzedApi();
    const token = await tokenFor({ scope: 'artifacts:admin' });
    // Files that are put need a real connection; streams of events do not end by themselves.
    const routes = api.app.accessRules.filter(
      ({ url, method }) => url.startsWith('/v1/') && method !== 'HEAD' && !/\/events$|\/files\//.test(url),
    );
    const request = fc
      .record({
        route: fc.constantFrom(...routes),
        place: fc.constantFrom(...places),
        query,
        headers,
        contentType,
        body,
      })
      .chain((parts) =>
        fc.record({
          ...{
            id: idOr(parts.place.artifactId),
            executionId: idOr(parts.place.executionId),
            other: idOr(parts.place.holdId),
          },
          parts: fc.constant(parts),
        }),
      );
    const codes = new Map<string, number>();
    const property = fc.asyncProperty(request, async ({ id, executionId, other, parts }) => {
      const { route } = parts;
      const path = route.url
        .replace(':id', () => encode(id))
        .replace(':executionId', () => encode(executionId))
        .replace(/:\w+/g, () => encode(other));
      const search = parts.query.map((pair) => pair.map(encode).join('=')).join('&');
      const takesBody = route.method !== 'GET';
      const response = await api.app.inject({
        method: route.method as 'GET',
        url: search === '' ? path : `${path}?${search}`,
        headers: {
          ...parts.headers,
          authorization: `Bearer ${token}`,
          ...(takesBody ? { 'content-type': parts.contentType } : {}),
        },
        ...(takesBody ? { payload: parts.body } : {}),
      });
      const { statusCode: status } = response;
      if (status < 400) return;
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json\b/);
      const { code, ...problem } = response.json<{ code: string; status: number }>();
      expect(problem.status).toBe(status);
      expect(ERROR_CODES).toContain(code);
      expect({ route: route.url, code, isDocumented: isDocumented(document, route, code, status) }).toMatchObject({
        isDocumented: true,
      });
      // There is no such host; nothing of ours has failed.
      if (code !== 'host_unreachable') expect({ status, code }).toSatisfy(() => status < 500);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    // Not all of it was refused at the door.
    expect(codes.size).toBeGreaterThan(10);
  });

  test('as a range gets just these bytes, all of them, or 416', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { api } = await startFuzzedApi();
    const bytes = Buffer.from(Array.from({ length: 50 }, (_, index) => index));
    const id = await api.upload({ bytes });
    const whole = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content` });
    const etag = String(whole.headers['etag']);
    const number = fc.oneof(
      fc.nat(120).map(String),
      fc.constantFrom('', '-1', '00', '99999999999999999999', 'x', ' 1'),
    );
    const range = fc.oneof(
      fc
        .tuple(fc.constantFrom('bytes', 'Bytes', 'items', ''), number, number)
        .map(([unit, first, last]) => `${unit}=${first}-${last}`),
      latin1,
    );
    const ifRange = fc.option(
      fc.oneof(fc.constantFrom(etag, '"x"', `W/${etag}`, 'Sat, 28 Nov 2026 00:00:00 GMT'), latin1),
      { nil: undefined },
    );
    const property = fc.asyncProperty(range, ifRange, async (asked, condition) => {
      const response = await api.send({
        ...{ method: 'GET', url: `/v1/artifacts/${id}/content` },
        headers: { range: asked, ...(condition === undefined ? {} : { 'if-range': condition }) },
      });
      const got = { status: response.statusCode, range: response.headers['content-range'], bytes: response.rawPayload };
      if (got.status === 416) {
        expect(got.range).toBe('bytes */50');
        return;
      }
      if (got.status === 200) {
        expect(got.bytes).toEqual(bytes);
        return;
      }
      const [, first = '', last = ''] = /^bytes (\d+)-(\d+)\/50$/.exec(String(response.headers['content-range'])) ?? [];
      expect({ status: response.statusCode, condition: condition ?? etag }).toEqual({ status: 206, condition: etag });
      expect(response.rawPayload).toEqual(bytes.subarray(Number(first), Number(last) + 1));
    });
    await fc.assert(property, { numRuns: 500, seed: SEED });
  });
});

describe('what is no request', () => {
  const cases: [string, string, number, string][] = [
    ['noise', '\u0016\u0003\u0001\u0002\u0000\r\n\r\n', 400, 'invalid_request'],
    ['a method nobody knows', 'PWN / HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid_request'],
    ['a header with a NUL', 'GET /livez HTTP/1.1\r\nhost: x\r\na: b\u0000c\r\n\r\n', 400, 'invalid_request'],
    [
      'two lengths',
      'POST /v1/plan HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      400,
      'invalid_request',
    ],
    [
      'a length and chunks',
      'POST /v1/plan HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'invalid_request',
    ],
    [
      'headers of 20 KiB',
      `GET /livez HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_480)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['an address of 20 KiB', `GET /${'x'.repeat(20_480)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431, 'headers_too_large'],
  ];

  test.each(cases)('%s is answered by a problem, and the connection ends', async (_name, sent, status, code) => {
    const api = await startTestApi();
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    const socket = connect({ host: '127.0.0.1', port });
    let received = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (received += piece));
    socket.write(sent, 'latin1');
    await once(socket, 'close');
    const [head = '', answer = ''] = received.split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toMatch(/content-type: application\/problem\+json/i);
    expect(JSON.parse(answer)).toMatchObject({ status, code });
  });
});

/** Percent-encoded, also what is no well-formed text. */
const encode = (given: string): string => encodeURIComponent(given.replaceAll(/\p{Cs}/gu, '\ufffd'));
