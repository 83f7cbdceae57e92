import { Type, type TObject } from 'typebox';
import { IDEMPOTENCY_KEY, requireIdempotencyKey } from '../../domain/same-upload.js';
import type { Api } from '../context.js';
import { documented } from '../openapi/documented.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the same `Idempotency-Key` means here, for the document. Every POST must say it: the app does not start otherwise. */
    sameKey?: string;
  }
  interface FastifyRequest {
    /** Checked. Null without one, and on routes that know none. */
    idempotencyKey: string | null;
  }
}

const HEADER = 'idempotency-key';

/** Of a POST that changes an artifact. */
export const APPLIED_ONCE =
  'The same key of the same caller, with the same body, is the same request: it is applied once, and answered with its first outcome. ' +
  'What was refused, and failures that say to try again, are not remembered.';
/** Of a POST that leaves nothing behind. */
export const NOTHING_REMEMBERED = 'Accepted, and needed by nobody: this may be repeated without one.';

/** Documents and checks the `Idempotency-Key` of every route that knows one. Call it before any route is added. */
export function registerIdempotencyKeys(app: Api): void {
  app.decorateRequest('idempotencyKey', null);
  app.addHook('onRoute', (route) => {
    const sameKey = route.config?.sameKey;
    if (sameKey !== undefined) route.schema = { ...route.schema, headers: withKey(route.schema?.headers, sameKey) };
    else if ([route.method].flat().includes('POST'))
      throw new Error(`POST ${route.url} does not say what its Idempotency-Key means`);
  });
  app.addHook('onRequest', (request, _reply, done) => {
    const header = request.headers[HEADER];
    const isKnown = !request.is404 && request.routeOptions.config.sameKey !== undefined;
    if (isKnown && header !== undefined) request.idempotencyKey = requireIdempotencyKey(String(header));
    done();
  });
}

const withKey = (headers: unknown, sameKey: string): TObject =>
  Type.Object({
    ...(headers as TObject | undefined)?.properties,
    [HEADER]: Type.Optional(
      Type.String({
        description: `1 to 255 visible ASCII characters. ${sameKey}`,
        examples: ['turn-7-report'],
        ...documented({ pattern: IDEMPOTENCY_KEY.source }),
      }),
    ),
  });
