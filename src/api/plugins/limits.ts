import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { ArtifactError } from '../../domain/errors.js';
import { MINUTE_MS } from '../../domain/units.js';
import type { Api } from '../context.js';

/** Security headers on every answer, refusals included: register before anything that may refuse. */
export async function registerSecurityHeaders(app: Api): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'same-site' },
  });
}

/** A limit of requests per subject. Register after the access hook: the limit needs the caller. */
export async function registerRateLimit(app: Api, requestsPerMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: MINUTE_MS,
    enableDraftSpec: true,
    // Public routes must answer probes whatever else goes on.
    allowList: (request) => request.caller === null,
    keyGenerator: ({ caller, ip }) => (caller === null ? ip : JSON.stringify([caller.tenant, caller.subject])),
    errorResponseBuilder: (_request, { max }) =>
      new ArtifactError('rate_limited', `More than ${max} requests in a minute`, {
        details: { requestsPerMinute: max },
      }),
  });
}
