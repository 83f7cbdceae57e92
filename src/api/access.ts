import { ArtifactError } from '../domain/errors.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { requireUuid } from '../domain/ids.js';
import type { ArtifactReads, ExecutionRecord } from '../db/artifact-records.js';

export const SCOPES = ['artifacts:read', 'artifacts:write', 'artifacts:admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** What a route asks of its caller: one scope, or nothing at all. */
export type Access = Scope | 'public';

/** Who calls, from a verified token. */
export interface Caller {
  /** `sub`: becomes the actor of every change. */
  subject: string;
  tenant: string;
  scopes: ReadonlySet<string>;
  /** When the token is over. */
  expiresAtMs: number;
  /** Ids the token is narrowed to; null: every execution of the tenant. */
  executions: ReadonlySet<string> | null;
}

/** `admin` implies the others; `write` does not imply `read`. */
export const hasScope = (caller: Caller, scope: Scope): boolean =>
  caller.scopes.has(scope) || caller.scopes.has('artifacts:admin');

/** @throws `forbidden`. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (!hasScope(caller, scope))
    throw new ArtifactError('forbidden', `The token lacks the scope ${scope}`, { details: { requiredScope: scope } });
}

/** Ids outside the token's tenant or executions are answered as if they did not exist: existence is a secret too. */
const mayEnter = (caller: Caller, tenantId: string, executionId: string): boolean =>
  tenantId === caller.tenant && (caller.executions === null || caller.executions.has(executionId));

/** @throws `invalid_id`; `artifact_not_found` also for one the caller may not know about. */
export async function requireArtifact(records: ArtifactReads, caller: Caller, id: string): Promise<ArtifactRecord> {
  const record = await records.get(requireUuid(id, 'artifact id'));
  const isSeen = record?.awaitsPublication === null && mayEnter(caller, record.tenantId, record.executionId);
  if (!isSeen)
    throw new ArtifactError('artifact_not_found', `There is no artifact ${id}`, { details: { artifactId: id } });
  return record;
}

/** The same for something that changes the artifact. @throws also `artifact_deleted`. */
export async function requireLiving(records: ArtifactReads, caller: Caller, id: string): Promise<ArtifactRecord> {
  const record = await requireArtifact(records, caller, id);
  if (record.status === 'DELETED') throw deleted(record);
  return record;
}

/** Once a deletion has begun, bytes may go at any moment. @throws `artifact_deleted`. */
export function requireUndeleted(record: ArtifactRecord): void {
  if (record.status === 'DELETED' || record.deletionReason !== null) throw deleted(record);
}

const deleted = (record: ArtifactRecord): ArtifactError =>
  new ArtifactError('artifact_deleted', `${record.path} is deleted (${record.deletionReason ?? 'no reason known'})`, {
    details: {
      artifactId: record.id,
      deletionReason: record.deletionReason,
      purgeAt: record.purgeAtMs === null ? null : new Date(record.purgeAtMs).toISOString(),
    },
  });

/** @throws `invalid_id`; `execution_not_found` also for one the caller may not know about. */
export async function requireExecution(records: ArtifactReads, caller: Caller, id: string): Promise<ExecutionRecord> {
  const execution = await records.getExecution(requireUuid(id, 'execution id'));
  if (execution === null || !mayEnter(caller, execution.tenantId, id)) throw noExecution(id);
  return execution;
}

/**
 * The executions that are meant: the one that is named, else all that the token is narrowed to; null: every one of the tenant.
 * @throws as {@link requireExecution}.
 */
export async function executionsOf(
  records: ArtifactReads,
  caller: Caller,
  executionId: string | undefined,
): Promise<string[] | null> {
  if (executionId !== undefined) return [(await requireExecution(records, caller, executionId)).id];
  return caller.executions === null ? null : [...caller.executions];
}

/** Like {@link requireExecution}, but one that does not exist yet is fine: its first upload creates it. */
export async function requireUsableExecution(records: ArtifactReads, caller: Caller, id: string): Promise<void> {
  if (!(await isUsableExecution(records, caller, id))) throw noExecution(id);
}

/** May the caller use it, or create it by its first use? @throws `invalid_id`. */
export async function isUsableExecution(records: ArtifactReads, caller: Caller, id: string): Promise<boolean> {
  const execution = await records.getExecution(requireUuid(id, 'execution id'));
  return mayEnter(caller, execution?.tenantId ?? caller.tenant, id);
}

const noExecution = (id: string): ArtifactError =>
  new ArtifactError('execution_not_found', `There is no execution ${id}`, { details: { executionId: id } });
