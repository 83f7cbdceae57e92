import { setCurrentDetails } from '@temporalio/workflow';
import type { PublicationReport, PublishRequest } from '../domain/publish.js';

/** What is carried from run to run, plain JSON. */
export interface PublishingState {
  report: PublicationReport;
  /** The last file that is done with; null at the begin. */
  after: string | null;
}

/** A publication while a run of its workflow lives. */
export interface Publishing {
  request: PublishRequest;
  hostTimeoutMs: number;
  state: PublishingState;
  /** Artifacts that were begun, or may have been, and are not known to be complete: who gives up must abort them. */
  underWay: Set<string>;
}

/** Believes it, and shows it to operators, which costs no event. */
export function note({ state }: Publishing, report: PublicationReport): void {
  state.report = report;
  setCurrentDetails(detailsOf(report));
}

function detailsOf({ phase, outcome, counts, problem, failures }: PublicationReport): string {
  const lines = [
    `**${outcome ?? phase}**`,
    '',
    `- found: ${counts.found} files, ${counts.foundBytes} bytes`,
    `- uploaded: ${counts.uploaded} files, ${counts.uploadedBytes} bytes`,
    `- unchanged: ${counts.unchanged}`,
    `- failed: ${counts.failed}`,
    ...failures.slice(0, 20).map(({ file, code, message }) => `  - ${file}: ${code}: ${message}`),
  ];
  if (problem !== null) lines.push(`- **problem**: ${problem.code}: ${problem.message}`);
  return lines.join('\n');
}
