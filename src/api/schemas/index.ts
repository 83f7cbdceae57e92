import type { Api } from '../context.js';
import { ArtifactSchema } from './artifact.js';
import { SignedRequestSchema } from './atoms.js';
import { ProblemSchema } from './problem.js';
import { PublicationSchema } from './publications.js';

/** Makes the schemas that routes refer to known to Fastify. Before any route. */
export function registerSchemas(app: Api): void {
  for (const schema of [ArtifactSchema, SignedRequestSchema, ProblemSchema, PublicationSchema]) app.addSchema(schema);
}
