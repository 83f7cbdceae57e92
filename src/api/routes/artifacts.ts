import { mergeByTime } from '../../domain/shares.js';
import { planOf } from '../../domain/plan.js';
import { requireArtifact } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact, toTimestamp } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { ArtifactAnswer, History } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { Plan } from '../schemas/plan.js';
import { problems } from '../schemas/problem.js';

const tags = ['artifacts'];

/** Reads: all of them come from the rows, so they work while workflows are down. */
export function registerArtifactRoutes(app: Api, context: ApiContext): void {
  registerGet(app, context);
  registerHistory(app, context);
  registerPlan(app, context);
}

function registerGet(app: Api, { records }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'getArtifact',
    summary: 'What is known about an artifact',
    params: ArtifactParams,
    response: { 200: ArtifactAnswer, ...problems('invalid_id', 'artifact_not_found') },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/artifacts/:id', options, async (request) => {
    return { artifact: encodeArtifact(await requireArtifact(records, callerOf(request), request.params.id)) };
  });
}

function registerHistory(app: Api, { records, shares }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'getHistory',
    summary: 'What happened to an artifact, oldest first',
    description: 'With its share links and every use of them, of those the latest 1,000 events.',
    params: ArtifactParams,
    response: { 200: History, ...problems('invalid_id', 'artifact_not_found') },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/artifacts/:id/history', options, async (request) => {
    const { id } = await requireArtifact(records, callerOf(request), request.params.id);
    const [own, ofLinks] = await Promise.all([records.history(id), shares.shareHistory(id)]);
    const events = mergeByTime(own, ofLinks);
    return { items: events.map(({ kind, actor, atMs, detail }) => ({ kind, actor, at: toTimestamp(atMs), detail })) };
  });
}

function registerPlan(app: Api, { records, nowMs }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'getPlan',
    summary: 'What happens to an artifact next, when and why',
    description: 'By the same rules that its workflow follows.',
    params: ArtifactParams,
    response: { 200: Plan, ...problems('invalid_id', 'artifact_not_found') },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/artifacts/:id/plan', options, async (request) => {
    const { atMs, ...plan } = planOf(await requireArtifact(records, callerOf(request), request.params.id), nowMs());
    return { ...plan, at: atMs === null ? null : toTimestamp(atMs) };
  });
}
