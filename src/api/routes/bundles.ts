import { Type } from 'typebox';
import { requireExecution } from '../access.js';
import { sendBundle } from '../bundle/send-bundle.js';
import type { Api, ApiContext } from '../context.js';
import { callerOf } from '../plugins/auth.js';
import { ExecutionParams } from '../schemas/atoms.js';
import { BundleHeaders, BundleQuerystring } from '../schemas/bundles.js';
import { problems, STORAGE_PROBLEMS } from '../schemas/problem.js';
import { createSlots } from '../slots.js';
import { tagsOf } from '../tags-query.js';

/** Many artifacts at once. */
export function registerBundleRoutes(app: Api, context: ApiContext): void {
  const slots = createSlots('bundles', context.config.BUNDLES_AT_ONCE);
  const schema = {
    tags: ['downloads'],
    operationId: 'getBundle',
    summary: 'The artifacts of an execution as one zip',
    description:
      'Stored without compression, by path, as it is sent: its length is known before, and the same artifacts give the same zip and ETag. ' +
      'What is still uploaded, archived or has wrong bytes is left out and listed in `MISSING.txt` at its end, with what to do. When a ' +
      'file fails on the way, the connection is cut. No ranges: to go on where it stopped, use `artifacts download --execution`.',
    params: ExecutionParams,
    querystring: BundleQuerystring,
    headers: BundleHeaders,
    response: {
      200: { description: 'The zip', content: { 'application/zip': { schema: Type.Unknown() } } },
      304: { description: 'The caller has it already', type: 'null' },
      ...problems('invalid_id', 'execution_not_found', 'too_busy', ...STORAGE_PROBLEMS),
    },
  };
  // HEAD is ours too: the one Fastify derives from GET would open the files only to drop them.
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/executions/:executionId/bundle.zip',
    config: { access: 'artifacts:read' },
    schema,
    handler: async (request, reply) => {
      const { executionId } = request.params;
      await requireExecution(context.records, callerOf(request), executionId);
      const { tag, ...filters } = request.query;
      const tags = tag === undefined ? {} : { tags: tagsOf(tag) };
      return sendBundle(context, { executionId, ...filters, ...tags }, { request, reply, slots });
    },
  });
}
