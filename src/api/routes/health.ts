import { buildOf } from '../../package.js';
import type { Api, ApiContext } from '../context.js';
import { createReadiness } from '../readiness.js';
import { Liveness, Readiness } from '../schemas/health.js';
import { publicProblems } from '../schemas/problem.js';

const tags = ['health'];

export function registerHealthRoutes(app: Api, context: ApiContext): void {
  const readiness = createReadiness(context);
  const build = buildOf(context.config);
  const livez = {
    tags,
    operationId: 'getLiveness',
    summary: 'The process runs',
    response: { 200: Liveness, ...publicProblems() },
  };
  app.get('/livez', { config: { access: 'public' }, schema: livez, logLevel: 'warn' }, () => ({
    status: 'ok' as const,
    build,
  }));

  const readyz = {
    tags,
    operationId: 'getReadiness',
    summary: 'Requests can be served',
    description: 'Answers may be 3 seconds old.',
    response: { ...publicProblems(), 200: Readiness, 503: Readiness },
  };
  app.get('/readyz', { config: { access: 'public' }, schema: readyz, logLevel: 'warn' }, async (_request, reply) => {
    const answer = await readiness();
    return reply.code(answer.status === 'ok' || answer.status === 'degraded' ? 200 : 503).send(answer);
  });
}
