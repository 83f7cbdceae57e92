import { createHash, randomUUID } from 'node:crypto';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { onTestFinished } from 'vitest';
import { buildApp, type ApiDeps } from '../../src/api/app.js';
import { mintToken, type TokenOptions } from '../../src/api/plugins/token.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { MemoryShares } from '../../src/db/memory/memory-shares.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { FakePublications } from './fake-publications.js';
import { FakeLifecycle } from './fake-lifecycle.js';

export const API_SECRET = 'a secret that only these tests know, 32+';
export const apiConfig = {
  AUTH_JWT_SECRET: API_SECRET,
  AUTH_ISSUER: 'durable-artifacts',
  AUTH_AUDIENCE: 'durable-artifacts',
  PRESIGN_UPLOAD_SECONDS: 3_600,
  PRESIGN_DOWNLOAD_MAX_SECONDS: 3_600,
  PROXIED_UPLOADS_AT_ONCE: 4,
  BUNDLES_AT_ONCE: 2,
  PUBLISH_HOST_TIMEOUT_SECONDS: 600,
  EXECUTION_MAX_ARTIFACTS: 100,
  EXECUTION_MAX_BYTES: 1_000,
  TENANT_MAX_ARTIFACTS: 0,
  TENANT_MAX_BYTES: 10_000,
  API_HOST: '127.0.0.1',
  API_PORT: 8080,
  API_REQUESTS_PER_MINUTE: 1_000_000,
  API_LINK_REQUESTS_PER_MINUTE: 600,
  SHARE_DEFAULT_DAYS: 7,
  SHARE_MAX_DAYS: 30,
} satisfies ApiDeps['config'];

export const sha256Of = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** A token of tenant `acme` with every scope for ten minutes, unless told otherwise. */
export const tokenFor = (options: Partial<TokenOptions> = {}): Promise<string> =>
  mintToken({
    secret: API_SECRET,
    issuer: apiConfig.AUTH_ISSUER,
    audience: apiConfig.AUTH_AUDIENCE,
    sub: 'agent-7',
    tenant: 'acme',
    scope: 'artifacts:read artifacts:write',
    expiresInSeconds: 600,
    ...options,
  });

/** The API over fakes, without a socket; closes with the test. */
export interface TestApi {
  app: FastifyInstance;
  records: MemoryArtifactRecords;
  shares: MemoryShares;
  reconciliations: MemoryReconciliations;
  store: MemoryObjectStore;
  lifecycle: FakeLifecycle;
  publications: FakePublications;
  /** Everything that was logged, as text. */
  log(): string;
  /** Sends a request with a token of tenant `acme`, or with the given one. */
  send(request: InjectOptions & { token?: string }): Promise<LightMyRequestResponse>;
  /** Uploads a file all the way and answers with its id. */
  upload(file: {
    executionId?: string;
    fileName?: string;
    bytes?: Buffer;
    tags?: Record<string, string>;
  }): Promise<string>;
}

export async function startTestApi(
  deps: Partial<ApiDeps> = {},
  store: MemoryObjectStore = new MemoryObjectStore(),
): Promise<TestApi> {
  const records = new MemoryArtifactRecords();
  const shares = new MemoryShares(records);
  const reconciliations = new MemoryReconciliations();
  const nowMs = deps.nowMs ?? Date.now;
  const lifecycle = new FakeLifecycle({ records, store, nowMs });
  const publications = new FakePublications();
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  const app = await buildApp({
    records,
    shares,
    reconciliations,
    store,
    lifecycle,
    publications,
    config: apiConfig,
    log: { level: 'trace', stream },
    ...deps,
  });
  onTestFinished(() => app.close());
  const ownToken = await tokenFor();
  const send: TestApi['send'] = ({ token = ownToken, ...request }) =>
    app.inject({ ...request, headers: { authorization: `Bearer ${token}`, ...request.headers } });
  const upload: TestApi['upload'] = async ({
    executionId = randomUUID(),
    fileName = 'report.txt',
    bytes,
    tags = {},
  }) => {
    const body = bytes ?? Buffer.from('hello artifact');
    const claim = { sizeBytes: body.length, sha256: sha256Of(body) };
    const begun = await send({
      method: 'POST',
      url: `/v1/executions/${executionId}/artifacts`,
      payload: { fileName, tags, ...claim },
    });
    const { artifact, upload: how } = begun.json<{
      artifact: { id: string };
      upload: { request: { method: 'PUT'; url: string; headers: Record<string, string>; expiresAt: string } };
    }>();
    await store.receive({ ...how.request, expiresAtMs: Date.parse(how.request.expiresAt) }, body);
    const url = `/v1/artifacts/${artifact.id}/upload/complete`;
    const done = await send({ method: 'POST', url, payload: claim });
    if (done.statusCode !== 200) throw new Error(done.body);
    return artifact.id;
  };
  return {
    app,
    records,
    shares,
    reconciliations,
    store,
    lifecycle,
    publications,
    log: () => lines.join(''),
    send,
    upload,
  };
}

/** The `code` of a problem, after a look at its shape. */
export function codeOf(response: LightMyRequestResponse): string {
  const { code, status } = response.json<{ code: string; status: number }>();
  if (status !== response.statusCode) throw new Error(`status ${status} in the body of a ${response.statusCode}`);
  return code;
}
