import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ArtifactError } from '../../domain/errors.js';
import { PROBLEM_MEDIA_TYPE } from '../schemas/problem.js';
import { renderProblem } from './errors.js';

/** Answers under way. */
const underWay = new WeakMap<Socket, number>();

/** Has {@link answerBrokenRequest} know on which sockets an answer is being sent. */
export function watchAnswers(server: Server): void {
  const add = (socket: Socket, change: number) => underWay.set(socket, (underWay.get(socket) ?? 0) + change);
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    add(socket, 1);
    response.once('close', () => add(socket, -1));
  });
}

/** Answers what never became a request, as every other failure: Fastify's `clientErrorHandler`. */
export function answerBrokenRequest({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  // Whatever is written now would become a part of the answer that is being sent.
  if ((underWay.get(socket) ?? 0) > 0) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const problem = renderProblem(brokenRequest(code), { instance: '/', requestId });
  const body = JSON.stringify(problem);
  if (socket.writable)
    socket.write(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nx-content-type-options: nosniff\r\n` +
        `connection: close\r\n\r\n${body}`,
    );
  socket.destroySoon();
}

function brokenRequest(code: string | undefined): ArtifactError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ArtifactError('headers_too_large', 'Address and headers are longer than 16 KiB together');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ArtifactError('request_timeout', 'The head of the request had not arrived in time');
    default:
      return new ArtifactError('invalid_request', 'This is not HTTP/1.1');
  }
}
