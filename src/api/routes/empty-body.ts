import type { FastifyReply, FastifyRequest } from 'fastify';

/** For bodies whose every field has a default: none at all is the same as `{}`. */
export function allowEmptyBody(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  if (request.body === undefined) request.body = {};
  done();
}
