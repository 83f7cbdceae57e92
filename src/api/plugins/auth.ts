import type { FastifyRequest } from 'fastify';
import { requireScope, type Access, type Caller, type Scope } from '../access.js';
import type { Api } from '../context.js';
import type { Authenticate } from './authenticate.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks of its caller. Every route must say it: the app does not start otherwise. */
    access?: Access;
    /** A second scope, where one alone would open a way to what the other guards. */
    alsoNeeds?: Scope;
  }
  interface FastifyRequest {
    /** Null on public routes; read it with `callerOf`. */
    caller: Caller | null;
  }
  interface FastifyInstance {
    /** Every route with what it asks, for tests and documents. Complete once the app is ready. */
    accessRules: readonly AccessRule[];
  }
}

export interface AccessRule {
  method: string;
  url: string;
  access: Access;
  /** A second scope; null: none. */
  alsoNeeds: Scope | null;
}

/** The caller of a route that is not public. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === null) throw new Error('A public route has no caller');
  return caller;
}

/** Enforces the `access` of every route, before its body is read. Call it before any route is added. */
export function registerAuth(app: Api, authenticate: Authenticate): void {
  const rules: (() => AccessRule)[] = [];
  app.decorateRequest('caller', null);
  app.decorate('accessRules', { getter: () => rules.map((rule) => rule()) });

  app.addHook('onRoute', (route) => {
    // Read later: hooks of inner scopes may still set it.
    for (const method of [route.method].flat())
      rules.push(() => {
        const { access, alsoNeeds = null } = route.config ?? {};
        if (access === undefined) throw new Error(`Route ${method} ${route.url} does not declare its access`);
        return { method, url: route.url, access, alsoNeeds };
      });
  });
  app.addHook('onReady', (done) => {
    for (const rule of rules) rule();
    done();
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404) return;
    const { access, alsoNeeds } = request.routeOptions.config;
    if (access === 'public') return;
    if (access === undefined) throw new Error(`Route ${request.routeOptions.url} does not declare its access`);
    const caller = await authenticate(request.headers.authorization);
    requireScope(caller, access);
    if (alsoNeeds !== undefined) requireScope(caller, alsoNeeds);
    request.caller = caller;
  });
}
