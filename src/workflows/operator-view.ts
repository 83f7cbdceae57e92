import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ErrorCode } from '../domain/errors.js';
import type { LifecycleState, NextAction } from '../domain/lifecycle.js';
import { SEARCH_ATTRIBUTES, searchAttributeValues } from './search-attributes.js';

/**
 * Keeps what an operator sees in the Temporal UI true: search attributes (only those that changed: each write is an event) and
 * the current details, which cost none.
 */
export function showOperators(state: LifecycleState, next: NextAction): void {
  const known = workflowInfo().typedSearchAttributes;
  const values = searchAttributeValues(state.record, state.problem?.code ?? standingProblemOf(state.record));
  const changed = SEARCH_ATTRIBUTES.map((key, index) => ({ key, value: values[index] ?? null })).filter(
    ({ key, value }) => comparable(known.get(key as never) ?? null) !== comparable(value),
  );
  if (changed.length > 0) upsertSearchAttributes(changed as SearchAttributePair[]);
  setCurrentDetails(detailsOf(state, next));
}

/** What stays until somebody does something about it. */
const standingProblemOf = ({ status, checksumState }: ArtifactRecord): ErrorCode | null =>
  checksumState === 'mismatch' && status !== 'DELETED' ? 'content_mismatch' : null;

const comparable = (value: unknown): string => (value instanceof Date ? value.toISOString() : JSON.stringify(value));

const at = (ms: number): string => new Date(ms).toISOString();

function keptText({ retention, createdAtMs }: ArtifactRecord): string {
  if (retention.rule === 'permanent') return `for ever, by ${retention.by}: ${retention.reason}`;
  if (retention.rule === 'date') return `until ${at(retention.expiresAtMs)} (date)`;
  return `${retention.days} days from ${at(createdAtMs)} (${retention.rule})`;
}

function detailsOf({ record, problem, verifyingSinceMs }: LifecycleState, next: NextAction): string {
  const lines = [
    `**${record.status}** ${record.path}`,
    '',
    `- next: ${next.kind === 'none' ? `nothing (${next.rule})` : `${next.kind} at ${at(next.atMs)}, because of ${next.rule}`}`,
    `- kept: ${keptText(record)}`,
    ...record.holds.map(
      ({ id, by, reason, untilMs }) =>
        `- held: by ${by}${untilMs === null ? '' : ` until ${at(untilMs)}`}: ${reason} (hold ${id})`,
    ),
    `- size: ${record.sizeBytes ?? 'unknown'} bytes, SHA-256 ${record.sha256 ?? 'unknown'} (${record.checksumState})`,
    `- object: ${record.key}${record.versionId === null ? '' : ` version ${record.versionId}`} in ${record.storageClass}`,
  ];
  if (verifyingSinceMs !== undefined) lines.push(`- being read back since ${at(verifyingSinceMs)}`);
  if (standingProblemOf(record) !== null) lines.push(`- **problem**: its bytes are not those that were claimed`);
  if (problem !== null) lines.push(`- **problem** since ${at(problem.sinceMs)}: ${problem.code}: ${problem.message}`);
  return lines.join('\n');
}
