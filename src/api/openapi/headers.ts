import type { Header, Operation } from './document.js';

/** Headers of answers, by the name under which `components.headers` has them. */
export const HEADERS = {
  RequestId: ['x-request-id', 'The id of the request in logs and histories: the caller’s own if it is harmless'],
  RetryAfter: [
    'retry-after',
    'Seconds to wait before the same request is worth sending again; absent when an operator must act first',
  ],
  RateLimitLimit: ['ratelimit-limit', 'Requests that the subject of the token may send in a minute'],
  RateLimitRemaining: ['ratelimit-remaining', 'How many of them are left'],
  RateLimitReset: ['ratelimit-reset', 'Seconds until all of them are there again'],
  Location: ['location', 'Path of what was created'],
  ETag: ['etag', 'SHA-256 of the file in quotes; not on bytes that were forced'],
  AcceptRanges: ['accept-ranges', '`bytes`'],
  ContentRange: ['content-range', 'Which bytes these are, and of how many: `bytes 0-99/48213`, or `bytes */48213`'],
  ContentDisposition: ['content-disposition', 'Always an attachment, with the name of the file (RFC 6266)'],
  WwwAuthenticate: ['www-authenticate', 'Why the token is not enough (RFC 6750)'],
} as const satisfies Record<string, readonly [string, string]>;

type HeaderName = keyof typeof HEADERS;

const NUMBERS: readonly HeaderName[] = ['RetryAfter', 'RateLimitLimit', 'RateLimitRemaining', 'RateLimitReset'];
/** Those that an answer may lack where they are listed. */
const OPTIONAL: readonly HeaderName[] = [
  'ETag',
  'RetryAfter',
  'RateLimitLimit',
  'RateLimitRemaining',
  'RateLimitReset',
];

export const headerComponents = (): Record<HeaderName, Header> =>
  Object.fromEntries(
    Object.entries(HEADERS).map(([name, [, description]]) => [
      name,
      {
        description,
        required: !OPTIONAL.includes(name as HeaderName),
        schema: NUMBERS.includes(name as HeaderName) ? { type: 'integer', minimum: 0 } : { type: 'string' },
      },
    ]),
  ) as Record<HeaderName, Header>;

const OF_A_FILE: readonly HeaderName[] = ['ETag', 'AcceptRanges', 'ContentDisposition'];

/** Of single operations, by status. */
const OWN: Readonly<Record<string, Readonly<Record<string, readonly HeaderName[]>>>> = {
  beginUpload: { '201': ['Location'] },
  putFile: { '201': ['Location'] },
  startPublication: { '202': ['Location'] },
  getContent: { '200': OF_A_FILE, '206': [...OF_A_FILE, 'ContentRange'], '304': ['ETag'], '416': ['ContentRange'] },
  getShared: { '200': OF_A_FILE, '206': [...OF_A_FILE, 'ContentRange'], '304': ['ETag'], '416': ['ContentRange'] },
  headContent: { '200': OF_A_FILE, '304': ['ETag'] },
};

/** Says for every answer of an operation which headers it has. */
export function addHeaders({ operationId = '', security, responses }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    const names: readonly HeaderName[] = [
      'RequestId',
      ...(status === '429' || status === '503' ? (['RetryAfter'] as const) : []),
      ...(status === '401' || status === '403' ? (['WwwAuthenticate'] as const) : []),
      ...(security.length > 0 ? (['RateLimitLimit', 'RateLimitRemaining', 'RateLimitReset'] as const) : []),
      ...(OWN[operationId]?.[status] ?? []),
    ];
    response.headers = {
      ...response.headers,
      ...Object.fromEntries(names.map((name) => [HEADERS[name][0], { $ref: `#/components/headers/${name}` }])),
    };
  }
}
