import { ArtifactError, isErrorCode } from '../domain/errors.js';
import type { ErrorCode, ErrorDetails } from '../domain/errors.js';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** What a status means when no problem of ours came with it, such as a proxy's own page. */
function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  // What our API does not have, it says in a problem.
  if (status === 404 || status === 405 || status === 501) return 'not_the_api';
  if (status === 413) return 'too_large';
  if (status === 429) return 'rate_limited';
  if (status === 502 || status === 503 || status === 504) return 'api_unreachable';
  return status >= 400 && status < 500 ? 'invalid_request' : 'internal';
}

const isDetail = (value: unknown): value is ErrorDetails[string] =>
  value === null ||
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) && value.every((item) => typeof item === 'string'));

function detailsOf(problem: Record<string, unknown>): ErrorDetails {
  const details: ErrorDetails = {};
  if (isObject(problem['details']))
    for (const [key, value] of Object.entries(problem['details'])) if (isDetail(value)) details[key] = value;
  if (typeof problem['requestId'] === 'string') details['requestId'] = problem['requestId'];
  if (Array.isArray(problem['errors']))
    details['errors'] = problem['errors']
      .filter(isObject)
      .map((error) => `${String(error['field'])}: ${String(error['message'])}`);
  return details;
}

/**
 * Turns an answer that is not 2xx into our error: the problem's `code` when the catalogue has it (an unknown one becomes
 * `internal`), else what the status says.
 * @param base address that was asked.
 * @param body the answer's text, RFC 9457 JSON or anything else.
 */
export function errorOfAnswer(base: string, status: number, body: string): ArtifactError {
  let problem: unknown;
  try {
    problem = JSON.parse(body);
  } catch {
    problem = undefined;
  }
  if (!isObject(problem) || typeof problem['code'] !== 'string') {
    const meaning = codeOfStatus(status);
    if (meaning === 'not_the_api') return notTheApi(base, `${status} without a problem of the API`);
    return new ArtifactError(meaning, `${base} answered ${status}`, { details: { status, url: base } });
  }
  const code = isErrorCode(problem['code']) ? problem['code'] : 'internal';
  const text = [problem['detail'], problem['title'], problem['code']].find((part) => typeof part === 'string');
  return new ArtifactError(code, String(text), { details: detailsOf(problem) });
}

/** Something answered at this address, but as the API never does. */
export const notTheApi = (base: string, answer: string, cause?: unknown): ArtifactError =>
  new ArtifactError('not_the_api', `${base} gave ${answer}`, { details: { url: base }, cause });
