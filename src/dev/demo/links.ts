import type { Artifact } from '../../sdk/index.js';
import type { Connection } from '../connection.js';
import type { Published } from './publish.js';

type Ui = Pick<Connection, 'temporalUiUrl' | 'namespace'>;

/** Shows where each artifact's life can be watched. */
export function showWorkflows(published: Published[], ui: Ui): string {
  for (const { artifact, file } of published) console.log(`  ${workflowLink(artifact, ui)}  ${file.fileName}`);
  return `${published.length} workflows, one per artifact`;
}

/** The links that are worth having at the end, where hundreds would bury what was said: those of the main parts, and of the list. */
export function showMainWorkflows(executionId: string, main: Published[], ui: Ui): void {
  for (const { artifact, file } of new Set(main)) console.log(`  ${workflowLink(artifact, ui)}  ${file.fileName}`);
  if (ui.temporalUiUrl !== null) console.log(`  all of them: ${listLink(executionId, ui)}`);
}

const workflowLink = ({ workflowId }: Artifact, { temporalUiUrl, namespace }: Ui): string =>
  temporalUiUrl === null
    ? workflowId
    : `${temporalUiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;

const listLink = (executionId: string, { temporalUiUrl, namespace }: Ui): string =>
  `${temporalUiUrl}/namespaces/${namespace}/workflows?query=${encodeURIComponent(`ExecutionId="${executionId}"`)}`;
