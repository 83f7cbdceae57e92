import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { requireArtifact } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { eventId, eventStream, isFinal } from '../events/event-stream.js';
import { createFeeds } from '../events/feeds.js';
import { callerOf } from '../plugins/auth.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { problems, STORAGE_PROBLEMS } from '../schemas/problem.js';
import { UploadServerSentEvent } from '../schemas/uploads.js';
import { createSlots } from '../slots.js';
import { uploadProgress } from '../upload-status.js';

const schema = {
  tags: ['uploads'],
  operationId: 'watchUpload',
  summary: 'How far an upload is, as it goes on',
  description:
    'Server-sent events: `progress` about once a second while it uploads, `state` when anything about the artifact changes, and `end` ' +
    'with `{"reason": "done"}` once the upload is over; with `token_expired` or `stopping` it is worth coming again. With the ' +
    'Last-Event-ID of the last state there is nothing more to tell: 204.',
  params: ArtifactParams,
  headers: Type.Object({ 'last-event-id': Type.Optional(Type.String()) }),
  response: {
    200: { description: 'Events as they happen', content: { 'text/event-stream': { schema: UploadServerSentEvent } } },
    204: { description: 'It is over, and the caller knows', type: 'null' },
    ...problems('invalid_id', 'artifact_not_found', 'too_busy', ...STORAGE_PROBLEMS),
  },
};

export function registerEventRoutes(app: Api, context: ApiContext): void {
  const feeds = createFeeds(context, context.eventPollMs);
  const slots = createSlots('listeners', context.mostListeners);
  app.addHook('preClose', (done) => {
    feeds.close();
    done();
  });
  // Without a HEAD: Fastify's own would open a stream only to drop it.
  const options = { config: { access: 'artifacts:read' }, exposeHeadRoute: false, schema } as const;
  app.get('/v1/artifacts/:id/events', options, async (request, reply) => {
    // Before anything is waited for: who leaves meanwhile is not told twice.
    const gone = new AbortController();
    const { signal } = gone;
    reply.raw.once('close', () => gone.abort());
    const caller = callerOf(request);
    const record = await requireArtifact(context.records, caller, request.params.id);
    const lastEventId = request.headers['last-event-id'] ?? null;
    const seen = { record, progress: await uploadProgress(context, record) };
    if (signal.aborted || (isFinal(seen) && eventId(seen) === lastEventId)) return reply.code(204).send(null);

    const release = slots.take();
    const feed = feeds.join(record.id);
    signal.addEventListener('abort', () => {
      feed.leave();
      release();
    });
    const events = eventStream({ feed, lastEventId, expiresAtMs: caller.expiresAtMs, nowMs: context.nowMs, signal });
    void reply.headers({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Proxies of the nginx family would collect what should be seen at once.
      'x-accel-buffering': 'no',
    });
    return reply.send(Readable.from(events, { objectMode: false }));
  });
}
