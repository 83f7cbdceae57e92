import type { ArtifactReads, Page } from '../../db/artifact-records.js';
import { requireRanges, type ArtifactFilters } from '../../domain/artifact-filters.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { requireTime } from '../../domain/time.js';
import { executionsOf, requireExecution } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { ArtifactPage, ListQuerystring, SearchQuerystring } from '../schemas/artifact.js';
import { ExecutionParams } from '../schemas/atoms.js';
import { problems } from '../schemas/problem.js';
import { tagsOf } from '../tags-query.js';

const tags = ['artifacts'];
const response = { 200: ArtifactPage, ...problems('invalid_id', 'invalid_cursor', 'execution_not_found') };
const options = { config: { access: 'artifacts:read' } } as const;

/** Pages of artifacts. From the rows, so they work while workflows are down. */
export function registerListRoutes(app: Api, context: ApiContext): void {
  registerSearch(app, context);
  registerList(app, context);
}

function registerSearch(app: Api, { records }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'searchArtifacts',
    summary: 'All artifacts that the token may see, or those of them that match',
    description:
      'Of every execution of the tenant, or of those that the token is narrowed to. A page looks at 50 artifacts for each that it may ' +
      'have: when few of them match, it is short and has a `nextCursor`.',
    querystring: SearchQuerystring,
    response,
  };
  app.get('/v1/artifacts', { ...options, schema }, async (request) => {
    const { executionId, ...query } = request.query;
    const caller = callerOf(request);
    const executionIds = await executionsOf(records, caller, executionId);
    return encodePage(await records.search({ tenantId: caller.tenant, executionIds, ...readQuery(query) }));
  });
}

function registerList(app: Api, { records }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'listArtifacts',
    summary: 'The artifacts of an execution, or those of them that match',
    description: 'As `GET /v1/artifacts`.',
    params: ExecutionParams,
    querystring: ListQuerystring,
    response,
  };
  app.get('/v1/executions/:executionId/artifacts', { ...options, schema }, async (request) => {
    const { executionId } = request.params;
    await requireExecution(records, callerOf(request), executionId);
    return encodePage(await records.list({ executionId, ...readQuery(request.query) }));
  });
}

const encodePage = ({ items, nextCursor }: Page<ArtifactRecord>): ArtifactPage => ({
  items: items.map(encodeArtifact),
  nextCursor,
});

/** @throws `invalid_request` for a time that is none, and for a range that nothing can lie in. */
function readQuery(query: ListQuerystring): Omit<Parameters<ArtifactReads['list']>[0], 'executionId'> {
  const { tag, createdAfter, createdBefore, expiresBefore, ...same } = query;
  const time = <K extends keyof ArtifactFilters>(field: K, name: string, text?: string): ArtifactFilters =>
    text === undefined ? {} : { [field]: requireTime(text, name, 'invalid_request') };
  const filters = {
    ...same,
    ...(tag === undefined ? {} : { tags: tagsOf(tag) }),
    ...time('createdAfterMs', 'createdAfter', createdAfter),
    ...time('createdBeforeMs', 'createdBefore', createdBefore),
    ...time('expiresBeforeMs', 'expiresBefore', expiresBefore),
  };
  requireRanges(filters);
  return filters;
}
