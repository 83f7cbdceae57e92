import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Artifact } from '../../sdk/index.js';
import type { Connection } from '../connection.js';
import type { Published } from './publish.js';

/** More links than this bury what the demo has to say. */
const MAX_SHOWN = 20;
/** From here on one link to all of them is worth its line. */
const MIN_FOR_LIST = 10;

interface LinkOptions {
  executionId: string;
  /** Those that played a part: shown whatever their number. */
  main: Published[];
  /** Show all, however many they are. */
  showAll: boolean;
  /** Where all links go when they are too many to be shown. */
  file: string;
}

type Ui = Pick<Connection, 'temporalUiUrl' | 'namespace'>;

/** Shows where each artifact's life can be watched: on the screen, or when they are many in a file that is named. */
export function showWorkflows(published: Published[], ui: Ui, options: LinkOptions): string {
  const { executionId, main, showAll, file } = options;
  const areShown = showAll || published.length <= MAX_SHOWN;
  const line = (one: Published): string => `${workflowLink(one.artifact, ui)}  ${one.file.fileName}`;
  for (const one of areShown ? published : new Set(main)) console.log(`  ${line(one)}`);
  if (published.length > MIN_FOR_LIST && ui.temporalUiUrl !== null)
    console.log(`  all of them: ${listLink(executionId, ui)}`);
  if (areShown) return `${published.length} workflows, one per artifact`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, published.map((one) => `${line(one)}\n`).join(''));
  return `${published.length} workflows, one per artifact; the link of each is in ${file} (--links prints them)`;
}

const workflowLink = ({ workflowId }: Artifact, { temporalUiUrl, namespace }: Ui): string =>
  temporalUiUrl === null
    ? workflowId
    : `${temporalUiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;

const listLink = (executionId: string, { temporalUiUrl, namespace }: Ui): string =>
  `${temporalUiUrl}/namespaces/${namespace}/workflows?query=${encodeURIComponent(`ExecutionId="${executionId}"`)}`;
