import { Type } from 'typebox';

/** The part of the configuration that is about which code runs. */
export const BUILD_VARIABLES = {
  WORKFLOW_BUNDLE: Type.Optional(
    Type.String({
      description: 'Workflow bundle of a worker; default: the one that the build made',
    }),
  ),

  WORKER_DEPLOYMENT_NAME: Type.Optional(
    Type.String({
      pattern: '^[^.]+$',
      description: 'Worker Versioning: deployment of a worker, without dots; set with WORKER_BUILD_ID, else it is off',
    }),
  ),
  WORKER_BUILD_ID: Type.Optional(
    Type.String({
      description:
        'Worker Versioning: version of a worker; it gets no work until that is the current one (docs/operators.md)',
    }),
  ),
  GIT_COMMIT: Type.Optional(
    Type.String({
      pattern: '^[0-9a-f]{7,64}$',
      description: 'Commit that an image was built from: part of the build that API and workers tell',
    }),
  ),
};
