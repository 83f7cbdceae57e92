import type { Api } from '../context.js';
import { HEADERS } from '../openapi/headers.js';

/** How long a browser need not ask again. */
const PREFLIGHT_SECONDS = 3_600;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** Headers that requests may have, besides those that every page may set. */
const REQUEST_HEADERS = [
  ...['authorization', 'content-type', 'content-digest', 'repr-digest', 'idempotency-key'],
  ...['if-match', 'if-none-match', 'if-range', 'last-event-id', 'range', 'x-request-id'],
];
const ANSWER_HEADERS = Object.values(HEADERS).map(([name]) => name);

/**
 * Lets pages of these origins call the API from a browser (Fetch standard, "CORS protocol"). An origin gives no rights: there are no cookies,
 * so a page must have a token like everybody. Call it before anything that may refuse, since pages must be able to read refusals.
 * @param origins with commas between them; nobody when absent.
 */
export function registerCrossOrigin(app: Api, origins: string | undefined): void {
  const allowed = new Set(origins?.split(',').map((origin) => origin.trim()));
  if (allowed.size === 0) return;
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('vary', 'origin');
    const { origin, 'access-control-request-method': wanted } = request.headers;
    if (origin === undefined || !allowed.has(origin)) return;
    void reply.header('access-control-allow-origin', origin);
    if (request.method !== 'OPTIONS' || wanted === undefined) {
      void reply.header('access-control-expose-headers', ANSWER_HEADERS.join(', '));
      return;
    }
    return reply
      .code(204)
      .headers({
        'access-control-allow-methods': METHODS.join(', '),
        'access-control-allow-headers': REQUEST_HEADERS.join(', '),
        'access-control-max-age': String(PREFLIGHT_SECONDS),
      })
      .send();
  });
}
