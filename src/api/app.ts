import Fastify, { type FastifyInstance } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { MIB_BYTES, MINUTE_MS, SECOND_MS } from '../domain/units.js';
import { buildOf } from '../package.js';
import type { ApiDeps } from './api-deps.js';
import { createContext, type Api } from './context.js';
import { DownloadCounter } from './download-counter.js';
import { registerAuth } from './plugins/auth.js';
import { createAuthenticate } from './plugins/authenticate.js';
import { answerBrokenRequest, watchAnswers } from './plugins/broken-requests.js';
import { registerCrossOrigin } from './plugins/cross-origin.js';
import { registerErrors, sendProblem } from './plugins/errors.js';
import { registerIdempotencyKeys } from './plugins/idempotency.js';
import { registerRateLimit, registerSecurityHeaders } from './plugins/limits.js';
import { loggerOptions, OneLineLog } from './plugins/logging.js';
import { registerDocs, registerOpenApi } from './plugins/openapi.js';
import { rememberTokens } from './plugins/remember-tokens.js';
import { registerRequestBodies } from './plugins/request-body.js';
import { registerRequestIds, requestId } from './plugins/request-id.js';
import { registerArchiveRoutes } from './routes/archive.js';
import { registerArtifactRoutes } from './routes/artifacts.js';
import { registerBundleRoutes } from './routes/bundles.js';
import { registerDeletionRoutes } from './routes/deletion.js';
import { registerDownloadRoutes } from './routes/downloads.js';
import { registerEventRoutes } from './routes/events.js';
import { registerExecutionRoutes } from './routes/executions.js';
import { registerFileRoutes } from './routes/files.js';
import { registerHealthRoutes } from './routes/health.js';
import { registerHoldRoutes } from './routes/holds.js';
import { registerListRoutes } from './routes/lists.js';
import { registerPlanRoute } from './routes/plan.js';
import { registerPublicationRoutes } from './routes/publications.js';
import { registerRetentionRoutes } from './routes/retention.js';
import { registerShareRoutes } from './routes/shares.js';
import { registerTagRoutes } from './routes/tags.js';
import { registerUploadRoutes } from './routes/uploads.js';
import { registerReconciliationRoutes } from './routes/reconciliations.js';
import { registerUsageRoutes } from './routes/usage.js';
import { buildSerializer } from './serialization.js';
import { registerSchemas } from './schemas/index.js';
import { createValidatorCompiler } from './validation.js';

export type { ApiDeps } from './api-deps.js';

/** Largest JSON body. */
const MAX_BODY_BYTES = MIB_BYTES;
/** The head of a request must have arrived by then. What its body may take, its route says; an answer may take hours. */
const HEAD_TIMEOUT_MS = 30 * SECOND_MS;
/** A socket on which nothing moves for this long is closed, and with it the stream from the store. */
const IDLE_SOCKET_MS = 2 * MINUTE_MS;

/**
 * Builds the HTTP API; it never listens. Close it with `app.close()`; what `deps` holds stays open.
 * @throws ConfigError when tokens cannot be verified with this configuration.
 */
export async function buildApp(deps: ApiDeps): Promise<FastifyInstance> {
  const { config, nowMs = Date.now } = deps;
  const authenticate = rememberTokens(createAuthenticate(config, nowMs), nowMs);
  const app: Api = Fastify({
    logger: loggerOptions(deps.log ?? {}),
    logController: new OneLineLog(),
    genReqId: requestId,
    trustProxy: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 0,
    http: { headersTimeout: HEAD_TIMEOUT_MS },
    connectionTimeout: IDLE_SOCKET_MS,
    // Ids that are too long should be told that they are no ids.
    routerOptions: { maxParamLength: 2_048 },
    // On close, requests under way and streams end by themselves; only sockets without work are cut.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: sendProblem,
    clientErrorHandler: answerBrokenRequest,
    schemaController: { compilersFactory: { buildSerializer } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  const downloads = new DownloadCounter(deps.records, {
    nowMs: deps.nowMs ?? Date.now,
    onError: (err) => app.log.warn({ err }, 'downloads could not be counted yet'),
  });
  app.addHook('onClose', () => downloads.flush());
  const context = createContext(deps, downloads);
  watchAnswers(app.server);
  app.setValidatorCompiler(createValidatorCompiler());
  // JSON is all this API reads, but for the files that are put through it: without this, a text/plain body would reach handlers as a string.
  app.removeContentTypeParser('text/plain');
  registerSchemas(app);
  registerRequestIds(app);
  await registerSecurityHeaders(app);
  registerCrossOrigin(app, config.API_CORS_ORIGINS);
  registerErrors(app);
  registerRequestBodies(app);
  registerAuth(app, authenticate);
  await registerRateLimit(app, config.API_REQUESTS_PER_MINUTE);
  registerIdempotencyKeys(app);
  await registerOpenApi(app, buildOf(config));

  registerUploadRoutes(app, context);
  await registerFileRoutes(app, context);
  registerEventRoutes(app, context);
  registerListRoutes(app, context);
  registerArtifactRoutes(app, context);
  registerDownloadRoutes(app, context);
  registerBundleRoutes(app, context);
  registerShareRoutes(app, context);
  registerRetentionRoutes(app, context);
  registerHoldRoutes(app, context);
  registerTagRoutes(app, context);
  registerArchiveRoutes(app, context);
  registerDeletionRoutes(app, context);
  registerExecutionRoutes(app, context);
  registerPublicationRoutes(app, context);
  registerPlanRoute(app, context);
  registerUsageRoutes(app, context);
  registerReconciliationRoutes(app, context);
  registerHealthRoutes(app, context);
  await registerDocs(app);
  return app;
}
