import { LogController, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import type { LogOptions } from '../api-deps.js';

/**
 * Credentials as they can appear in any text: header values, tokens, what makes a URL a signed one, and share links: whatever stands where
 * their token does, and what looks like one anywhere.
 */
const SECRETS: readonly [RegExp, string][] = [
  [/(\/v1\/shared\/)[^\s"?#\\]+/gi, '$1:token'],
  [/shr_[\w-]{20,}/g, '[hidden]'],
  [/(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^&"'\s\\]+/gi, '$1[hidden]'],
  [/\b(Bearer\s+)[\w.~+/=-]{16,}/gi, '$1[hidden]'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[hidden]'],
];

/** Takes credentials out of a text. */
export const hideSecrets = (text: string): string =>
  SECRETS.reduce((cleaned, [pattern, replacement]) => cleaned.replace(pattern, replacement), text);

/**
 * An address without credentials. The router takes `%73hared` for `shared`, so what need not be percent-encoded is decoded before it is
 * looked for.
 */
export const hideSecretsOf = (url = ''): string =>
  hideSecrets(url.replaceAll(/%(?:2[de]|3\d|[46][1-9a-f]|5[\daf]|7[\dae])/gi, decodeURIComponent));

/**
 * Pino options for Fastify. Headers are redacted by name, and every finished line goes through {@link hideSecrets}: a vendor's
 * error message may quote a URL that nobody thought of.
 */
export function loggerOptions({
  level = 'info',
  stream,
}: LogOptions): Exclude<FastifyServerOptions['logger'], boolean | undefined> {
  return {
    level,
    redact: {
      paths: ['authorization', 'cookie', '["set-cookie"]'].flatMap((name) =>
        ['req.headers', 'res.headers', 'headers'].map((at) =>
          name.startsWith('[') ? `${at}${name}` : `${at}.${name}`,
        ),
      ),
      censor: '[hidden]',
    },
    serializers: {
      req: ({ method, url, ip }: FastifyRequest) => ({ method, url: hideSecretsOf(url), remoteAddress: ip }),
    },
    hooks: { streamWrite: hideSecrets },
    ...(stream === undefined ? {} : { stream }),
  };
}

/** One line per request, once its answer is out or its client has gone: who asked what, and how it ended. */
export class OneLineLog extends LogController {
  override incomingRequest(): void {
    // Said at the end, with everything else.
  }

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const { caller } = request;
    const who = caller === null ? {} : { tenant: caller.tenant, subject: caller.subject };
    const facts = { req: request, res: reply, ...who, responseTime: reply.elapsedTime };
    if (error === null || error === undefined) reply.log.info(facts, 'request completed');
    else reply.log.error({ ...facts, err: error }, 'request errored');
  }
}
