import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ArtifactError } from '../../domain/errors.js';
import { SECOND_MS } from '../../domain/units.js';
import type { Api } from '../context.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler reads the body itself, as long as it takes, and calls {@link askForBody} before. */
    body?: 'streamed';
  }
}

/** A JSON body must have arrived completely by then. */
const BODY_TIMEOUT_MS = 30 * SECOND_MS;
/** After a refusal the rest of a body is read and dropped for so long, as many clients read no answer before they have sent it. */
const LINGER_MS = 5 * SECOND_MS;

/** Requests whose client waits for `100 Continue` before it sends the body. */
const waiting = new WeakSet<IncomingMessage>();

/** Lets a client that waits for it send its body. Until then, a refusal saves it the sending. */
export function askForBody(request: FastifyRequest, reply: FastifyReply): void {
  if (waiting.delete(request.raw)) reply.raw.writeContinue();
}

/**
 * How bodies come in. Node has one `requestTimeout` for a server, which would end every long upload; so it is off, and here each
 * route has what fits it: JSON a fixed time, streams the handler's own watch.
 */
export function registerRequestBodies(app: Api): void {
  const { server } = app;
  // Node itself would ask for every body, also for one that is refused.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request);
    server.emit('request', request, response);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.once('finish', () => {
      if (!request.complete && !request.destroyed) linger(request);
      // Whoever keeps an idle connection must not keep a process that is about to stop.
      else if (!server.listening) request.socket.end();
    });
  });

  app.addHook('preParsing', async (request, reply) => {
    if (request.routeOptions.config.body === 'streamed') return;
    askForBody(request, reply);
    if (request.raw.complete) return;
    const timer = setTimeout(() => {
      if (request.raw.complete || reply.sent) return;
      const late = new ArtifactError(
        'request_timeout',
        `The body had not arrived after ${BODY_TIMEOUT_MS / SECOND_MS} s`,
      );
      void reply.header('connection', 'close').send(late);
    }, BODY_TIMEOUT_MS);
    request.raw.once('close', () => clearTimeout(timer));
  });
}

/** The answer is out before the body is in. */
function linger(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(timer));
  request.resume();
}
