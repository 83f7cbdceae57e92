import type { Access } from '../../../src/api/access.js';
import type { ErrorCode } from '../../../src/domain/errors.js';
import { sha256Of } from '../api.js';
import { STATES, type Place, type State } from './states.js';

/** A status of success, or the code of a problem. */
export type Answer = number | ErrorCode;

/** What a request says beside the address that follows from the names in the route. */
interface Saying {
  url?: string;
  payload?: object | string;
  headers?: Record<string, string>;
}

/**
 * What a route must answer, said a second time: the one place to add to when a route is new. A HEAD that comes with a GET follows
 * its rule.
 */
export interface RouteRule {
  access: Access;
  /** A second scope that it needs. */
  alsoNeeds?: Access;
  /** To somebody who has the scope and may see the execution, by the state of the artifact. */
  answers: Readonly<Record<State, Answer>>;
  /**
   * To somebody with the scope who may not know that it exists: a problem that reads the same for what does not exist, or the same
   * success as ever, without a word about it.
   */
  outsider: Answer;
  /** What does not exist yet comes into being by its first use, so it is not answered like what belongs to others. */
  createsExecution?: true;
  /** Where an answer to an insider must name the artifact. Default: nowhere is looked for it. */
  shows?: (state: State) => boolean;
  request?: (place: Place) => Saying;
  /** The answer does not end by itself. */
  endless?: (state: State) => boolean;
  /** It works on the connection itself, so a pretended one is not enough. */
  needsSocket?: true;
}

type Answers = Partial<Record<State, Answer>>;
const answers = (usual: Answer, but: Answers): Record<State, Answer> =>
  Object.fromEntries(STATES.map((state) => [state, but[state] ?? usual])) as Record<State, Answer>;

/** Of an artifact: one that awaits its publication does not exist yet, for anybody. */
const artifact = (access: Access, usual: Answer, but: Answers = {}, rest: Partial<RouteRule> = {}): RouteRule => ({
  access,
  outsider: 'artifact_not_found',
  answers: answers(usual, { 'awaiting its publication': 'artifact_not_found', ...but }),
  ...rest,
});

/** Of an execution: the same whatever state its artifact is in, unless said otherwise. */
const execution = (access: Access, usual: Answer, rest: Partial<RouteRule> & { but?: Answers } = {}): RouteRule => {
  const { but = {}, ...others } = rest;
  return { access, outsider: 'execution_not_found', answers: answers(usual, but), ...others };
};

const open = (usual: Answer = 200): RouteRule => ({ access: 'public', outsider: usual, answers: answers(usual, {}) });

const READ = 'artifacts:read';
const WRITE = 'artifacts:write';

const gone = (code: Answer): Answers => ({ 'deleted, window open': code, purged: code });
const uploading = (code: Answer): Answers => ({ uploading: code, 'uploading in parts': code });
const claim = ({ sizeBytes, sha256 }: Place) => ({ payload: { sizeBytes, sha256 } });
const tagged = (): RouteRule =>
  artifact(
    WRITE,
    200,
    { ...gone('artifact_deleted'), ...uploading('wrong_state') },
    { request: () => ({ payload: { tags: { step: '3' } } }) },
  );
const isListed = (state: State): boolean =>
  !['deleted, window open', 'purged', 'awaiting its publication'].includes(state);
const notReadable: Answers = {
  ...uploading('still_uploading'),
  ...gone('artifact_deleted'),
  archived: 'not_downloadable',
  restoring: 'not_downloadable',
  'of wrong bytes': 'content_mismatch',
};

/** By method and address, as the app registers them. */
export const RULES: Readonly<Record<string, RouteRule>> = {
  'POST /v1/executions/:executionId/artifacts': execution(WRITE, 201, {
    createsExecution: true,
    request: () => ({ payload: { fileName: 'new.txt', sizeBytes: 3, sha256: sha256Of('new') } }),
  }),
  'PUT /v1/executions/:executionId/files/:folder/*': execution(WRITE, 201, {
    createsExecution: true,
    needsSocket: true,
    request: ({ executionId }) => ({
      url: `/v1/executions/${executionId}/files/output/new.txt`,
      payload: 'new',
      headers: { 'content-type': 'text/plain' },
    }),
  }),
  'GET /v1/executions/:executionId/artifacts': execution(READ, 200, { shows: isListed }),
  'GET /v1/executions/:executionId/bundle.zip': execution(READ, 200),
  'DELETE /v1/executions/:executionId/artifacts': execution(WRITE, 200),
  'PUT /v1/executions/:executionId/retention': execution(WRITE, 200, {
    createsExecution: true,
    request: () => ({ payload: { days: 90 } }),
  }),

  'POST /v1/executions/:executionId/publish': execution(WRITE, 202, {
    createsExecution: true,
    request: () => ({ payload: { hostId: 'host-1', folder: 'out' } }),
  }),
  'GET /v1/executions/:executionId/publish/:publicationId': execution(READ, 200, { outsider: 'publication_not_found' }),
  'DELETE /v1/executions/:executionId/publish/:publicationId': execution(WRITE, 202, {
    outsider: 'publication_not_found',
  }),

  'GET /v1/artifacts/:id': artifact(READ, 200, {}, { shows: (state) => state !== 'awaiting its publication' }),
  'GET /v1/artifacts/:id/history': artifact(READ, 200),
  'GET /v1/artifacts/:id/plan': artifact(READ, 200),
  'GET /v1/artifacts/:id/holds': artifact(READ, 200),
  'GET /v1/artifacts/:id/upload': artifact(READ, 200),
  'GET /v1/artifacts/:id/events': artifact(READ, 200, {}, { endless: (state) => state.startsWith('uploading') }),
  'GET /v1/artifacts/:id/content': artifact(READ, 200, notReadable),
  'POST /v1/artifacts/:id/download-url': artifact(READ, 200, notReadable),

  'POST /v1/artifacts/:id/shares': artifact(WRITE, 201, gone('artifact_deleted'), { alsoNeeds: READ }),
  'GET /v1/artifacts/:id/shares': artifact(READ, 200),
  'DELETE /v1/artifacts/:id/shares/:shareId': artifact(
    WRITE,
    'share_not_found',
    {},
    { request: ({ artifactId, holdId }) => ({ url: `/v1/artifacts/${artifactId}/shares/${holdId}` }) },
  ),

  'POST /v1/artifacts/:id/upload/parts': artifact(
    WRITE,
    'not_uploading',
    { ...gone('artifact_deleted'), uploading: 'invalid_part', 'uploading in parts': 200 },
    { request: () => ({ payload: { parts: [{ partNumber: 1, sizeBytes: 8 * 1024 ** 2, crc32: '00000000' }] } }) },
  ),
  'POST /v1/artifacts/:id/upload/complete': artifact(
    WRITE,
    200,
    { ...gone('artifact_deleted'), ...uploading('upload_incomplete') },
    { request: claim },
  ),
  'POST /v1/artifacts/:id/upload/abort': artifact(WRITE, 'not_uploading', { ...uploading(200), ...gone(200) }),

  'PUT /v1/artifacts/:id/retention': artifact(WRITE, 200, gone('artifact_deleted'), {
    request: () => ({ payload: { days: 90 } }),
  }),
  'PUT /v1/artifacts/:id/tags': tagged(),
  'PATCH /v1/artifacts/:id/tags': tagged(),
  'POST /v1/artifacts/:id/holds': artifact(
    WRITE,
    201,
    { ...gone('artifact_deleted'), ...uploading('wrong_state') },
    { request: () => ({ payload: { reason: 'audit' } }) },
  ),
  'DELETE /v1/artifacts/:id/holds/:holdId': artifact(WRITE, 'hold_not_found', { held: 200 }),
  'POST /v1/artifacts/:id/archive': artifact(WRITE, 200, {
    ...gone('artifact_deleted'),
    ...uploading('wrong_state'),
    restoring: 'wrong_state',
  }),
  'POST /v1/artifacts/:id/restore': artifact(WRITE, 200, {
    ...gone('artifact_deleted'),
    ...uploading('wrong_state'),
    archived: 202,
    restoring: 202,
  }),
  'DELETE /v1/artifacts/:id': artifact(WRITE, 200, { held: 'held' }),
  'POST /v1/artifacts/:id/undelete': artifact(WRITE, 200, { purged: 'artifact_deleted' }),

  // Whoever sees nothing is told of nothing.
  'GET /v1/artifacts': execution(READ, 200, { outsider: 200, shows: isListed }),
  'GET /v1/usage': execution(READ, 200, { outsider: 200 }),
  'GET /v1/executions/:executionId/usage': execution(READ, 200),
  'GET /v1/reconciliations/latest': execution('artifacts:admin', 'reconciliation_not_found', {
    outsider: 'reconciliation_not_found',
  }),
  'GET /v1/plan': execution(READ, 200, {
    outsider: 200,
    shows: (state) => isListed(state) || state === 'deleted, window open',
    request: () => ({ url: '/v1/plan?within=366d&limit=200' }),
  }),

  // Whoever has no link has nothing.
  'GET /v1/shared/:token': {
    ...open('share_not_found'),
    request: () => ({ url: `/v1/shared/shr_${'a'.repeat(43)}` }),
  },

  'GET /livez': open(),
  'GET /readyz': open(),
  'GET /openapi.json': open(),
  'GET /docs/': open(),
  'HEAD /docs': open(),
  'GET /docs/json': open(),
  'GET /docs/yaml': open(),
  'GET /docs/static/index.html': open(302),
  'GET /docs/static/swagger-initializer.js': open(),
  'GET /docs/static/*': { ...open(), request: () => ({ url: '/docs/static/swagger-ui.css' }) },
};

/** The rule of a route; that of its GET for a HEAD without one. Null: there is none. */
export function ruleKeyOf({ method, url }: { method: string; url: string }): string | null {
  const keys = [`${method} ${url}`, ...(method === 'HEAD' ? [`GET ${url}`] : [])];
  return keys.find((key) => Object.hasOwn(RULES, key)) ?? null;
}
