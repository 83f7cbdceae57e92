/**
 * Builds the workflow code into one file, so that a worker starts without bundling: `build/workflow-bundle.js`, for WORKFLOW_BUNDLE.
 * Part of `npm run build`. Bundle and worker must come from the same SDK version, which the lock file sees to.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

// Run by tsx from `scripts`, or compiled from `build/scripts`: the workflows stand beside it in either case.
const extension = extname(fileURLToPath(import.meta.url));
const workflowsPath = fileURLToPath(new URL(`../src/workflows/index${extension}`, import.meta.url));
const target = fileURLToPath(
  new URL(extension === '.ts' ? '../build/workflow-bundle.js' : '../workflow-bundle.js', import.meta.url),
);

const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
await mkdir(dirname(target), { recursive: true });
await writeFile(target, code);
