/** Workflow functions and nothing else: every export of this file is a workflow type. */
export { artifactLifecycle } from './artifact-lifecycle.js';
export { executionManifest } from './execution-manifest.js';
export { executionRetention } from './execution-retention.js';
export { executionDeletion } from './execution-deletion.js';
export { publishOutputs } from './publish-outputs.js';
export { publicationGuard } from './publication-guard.js';
export { webhookDelivery } from './webhook-delivery.js';
export { reconcile } from './reconcile.js';
