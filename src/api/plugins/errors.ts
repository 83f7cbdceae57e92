import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ArtifactError, errorKind, type ErrorCode } from '../../domain/errors.js';
import type { Api } from '../context.js';
import { PROBLEM_MEDIA_TYPE, type Problem } from '../schemas/problem.js';
import { listFaults, sentenceOf } from '../validation.js';
import { hideSecrets, hideSecretsOf } from './logging.js';

const PROBLEM_TYPE_BASE = 'urn:durable-artifacts:problem:';
/** What a caller should wait when nothing better is known. */
const RETRY_AFTER_SECONDS = 2;

/** Fastify's own refusals that have a code of ours; its other 4xx are `invalid_request`. */
const CODE_OF_FASTIFY: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

/** Renders every failure as RFC 9457: the only place that turns an error into an answer. */
export function registerErrors(app: Api): void {
  app.setErrorHandler(sendProblem);
  const methodsOf = methodFinder(app);
  const unknown = (request: FastifyRequest, reply: FastifyReply): ArtifactError => {
    const { method } = request;
    const path = pathOf(request);
    const allowed = methodsOf(path);
    // What the router refuses for another reason than its method (a parameter that is too long) is no address either.
    if (allowed.length === 0 || allowed.includes(method))
      return new ArtifactError('route_not_found', `${method} ${path} is not an address here`);
    void reply.header('allow', allowed.join(', '));
    return new ArtifactError('method_not_allowed', `${path} knows no ${method}`, { details: { allowed } });
  };
  // Before the body: Fastify would first complain of that.
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) throw unknown(request, reply);
  });
  app.setNotFoundHandler((request, reply) => sendProblem(unknown(request, reply), request, reply));
}

/** Which methods an address knows. Fastify's router can say only what one method finds. */
function methodFinder(app: Api): (path: string) => string[] {
  const known = new Map<string, { pattern: RegExp; methods: string[] }>();
  app.addHook('onRoute', ({ url, method }) => {
    const steps = url.split(/(\/:[^/]+|\*)/).map((step, index) => {
      if (index % 2 === 0) return step.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
      return step === '*' ? '.*' : '/[^/]+';
    });
    const entry = known.get(url) ?? { pattern: new RegExp(`^${steps.join('')}$`), methods: [] };
    entry.methods.push(...[method].flat());
    known.set(url, entry);
  });
  return (path) => {
    const found = [...known.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(found.flatMap(({ methods }) => methods))].sort();
  };
}

/** Also for `frameworkErrors`: what fails before there is a route. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toArtifactError(error);
  forgetContent(reply, known.code);
  const problem = renderProblem(known, { instance: pathOf(request), requestId: request.id });
  if (problem.status >= 500) request.log.error({ err: error, code: known.code }, problem.title);
  else request.log.info({ code: known.code, detail: known.message }, problem.title);
  if (known.retryable && (problem.status === 503 || problem.status === 429) && !reply.hasHeader('retry-after'))
    void reply.header('retry-after', RETRY_AFTER_SECONDS);
  if (known.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer error="invalid_token"');
  if (known.code === 'forbidden') void reply.header('www-authenticate', 'Bearer error="insufficient_scope"');
  void reply.code(problem.status).header('content-type', PROBLEM_MEDIA_TYPE).send(problem);
}

/** A stream may fail before its first byte, when the headers of what it was to be are set already. */
function forgetContent(reply: FastifyReply, code: ErrorCode): void {
  const aboutRange = code === 'range_not_satisfiable' ? [] : ['content-range'];
  for (const name of ['etag', 'content-disposition', ...aboutRange]) {
    void reply.removeHeader(name);
    if (!reply.raw.headersSent) reply.raw.removeHeader(name);
  }
}

/**
 * The answer to an error. What is our own fault (5xx) is told in neutral words, without facts; only what was accepted and is not done
 * says so in words of its own, which are written for callers.
 */
export function renderProblem(
  error: ArtifactError,
  { instance, requestId }: { instance: string; requestId: string },
): Problem {
  const { code } = error;
  const { status, title, remedy } = errorKind(code);
  const neutral = status >= 500;
  const { errors, details } = neutral ? { details: {} } : factsOf(error);
  return {
    type: `${PROBLEM_TYPE_BASE}${code}`,
    title,
    status,
    detail: neutral && code !== 'not_yet_answered' ? `${title}.` : hideSecrets(error.message),
    instance,
    code,
    remedy,
    details,
    ...(errors === undefined ? {} : { errors }),
    requestId,
  };
}

function factsOf(error: ArtifactError): Pick<Problem, 'details' | 'errors'> {
  if (isFastifyError(error.cause) && error.cause.validation !== undefined)
    return { details: {}, errors: listFaults(error.cause.validation) };
  const { field, message, ...details } = error.details;
  if (typeof field === 'string' && typeof message === 'string') return { details, errors: [{ field, message }] };
  return { details: error.details };
}

function toArtifactError(error: unknown): ArtifactError {
  if (error instanceof ArtifactError) return error;
  if (isFastifyError(error)) {
    if (error.validation !== undefined)
      return new ArtifactError('invalid_request', sentenceOf(error.validation), { cause: error });
    const code = CODE_OF_FASTIFY[error.code];
    if (code !== undefined) return new ArtifactError(code, error.message, { cause: error });
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
      return new ArtifactError('invalid_request', error.message, { cause: error });
  }
  return new ArtifactError('internal', 'An unexpected error', { cause: error });
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^FST_|^FAST/.test(error.code);

/** Without the query, nor the token of a link: neither must be sent back, as problems end up in logs. */
const pathOf = ({ url }: FastifyRequest): string => hideSecretsOf(url.split('?', 1)[0] ?? '/');
