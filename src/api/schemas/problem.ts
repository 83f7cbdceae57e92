import { Type, type Static } from 'typebox';
import { shared } from './shared.js';
import { errorKind, type ErrorCode } from '../../domain/errors.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** RFC 9457, with the members every answer of ours has. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ examples: ['urn:durable-artifacts:problem:artifact_not_found'] }),
    title: Type.String(),
    status: Type.Integer({ examples: [404] }),
    detail: Type.String({ description: 'About this occurrence; neutral for 5xx' }),
    instance: Type.String({ description: 'Path of the request' }),
    code: Type.String({ description: 'Stable; what programs compare', examples: ['artifact_not_found'] }),
    remedy: Type.String({ description: 'What the caller can do' }),
    details: Type.Record(Type.String(), Type.Unknown(), { description: 'Facts of this occurrence' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String({ examples: ['sizeBytes'] }), message: Type.String() })),
    ),
    requestId: Type.String({ description: 'Also in the x-request-id header' }),
  },
  { $id: 'Problem' },
);
export type Problem = Static<typeof ProblemSchema>;
const Problem = shared('Problem', ProblemSchema);

interface ProblemAnswer {
  description: string;
  content: Record<typeof PROBLEM_MEDIA_TYPE, { schema: typeof Problem; examples: Record<string, { $ref: string }> }>;
}

/** Every route with a token can answer with these. */
const COMMON: readonly ErrorCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'internal',
  'database_unavailable',
  'database_not_migrated',
  'issuer_unavailable',
];
/** A verb that goes through the workflow can answer with these as well. */
export const WORKFLOW_PROBLEMS = ['workflows_unavailable', 'not_yet_answered'] as const satisfies readonly ErrorCode[];
/** A route that asks the object store can answer with these as well. */
export const STORAGE_PROBLEMS = [
  'storage_rejected',
  'storage_unavailable',
  'bucket_not_found',
] as const satisfies readonly ErrorCode[];
/** A route with a JSON body can answer with these as well. */
export const BODY_PROBLEMS = ['request_too_large', 'unsupported_media_type'] as const satisfies readonly ErrorCode[];

/**
 * Response schemas for the given codes and for those any route can answer with, by status. Typed as nothing on purpose:
 * handlers throw problems, they never send one.
 */
export function problems(...codes: ErrorCode[]): Record<never, ProblemAnswer> {
  return Object.fromEntries(byStatus([...COMMON, ...codes]));
}

/** The same for a route that needs no token and no database. */
export function publicProblems(...codes: ErrorCode[]): Record<never, ProblemAnswer> {
  return Object.fromEntries(byStatus(['internal', ...codes]));
}

function byStatus(codes: readonly ErrorCode[]): Map<number, ProblemAnswer> {
  const grouped = new Map<number, Set<ErrorCode>>();
  for (const code of codes) {
    const { status } = errorKind(code);
    grouped.set(status, (grouped.get(status) ?? new Set()).add(code));
  }
  return new Map(
    [...grouped]
      .sort(([a], [b]) => a - b)
      .map(([status, group]) => [
        status,
        {
          description: [...group].map((code) => `\`${code}\`: ${errorKind(code).title}.`).join(' '),
          content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem, examples: examplesOf([...group]) } },
        },
      ]),
  );
}

const examplesOf = (codes: readonly ErrorCode[]): Record<string, { $ref: string }> =>
  Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
