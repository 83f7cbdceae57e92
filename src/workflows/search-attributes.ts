import { defineSearchAttributeKey } from '@temporalio/common';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { warnsAtMs } from '../domain/lifecycle.js';

/** What operators can search the fleet by in the Temporal UI. Ids and states only: search attributes are never encrypted. */
export const ARTIFACT_STATE = defineSearchAttributeKey('ArtifactState', 'KEYWORD');
export const ARTIFACT_TIER = defineSearchAttributeKey('ArtifactTier', 'KEYWORD');
export const EXECUTION_ID = defineSearchAttributeKey('ExecutionId', 'KEYWORD');
export const TENANT_ID = defineSearchAttributeKey('TenantId', 'KEYWORD');
/** Code of what stands in the way of the next step; absent when nothing does. */
export const ARTIFACT_PROBLEM = defineSearchAttributeKey('ArtifactProblem', 'KEYWORD');
export const ARTIFACT_EXPIRES_AT = defineSearchAttributeKey('ArtifactExpiresAt', 'DATETIME');
export const ARTIFACT_SIZE_BYTES = defineSearchAttributeKey('ArtifactSizeBytes', 'INT');
/** When its coming expiry is told of, or was: past for those in their last days. Absent when nobody will be told. */
export const ARTIFACT_EXPIRY_WARNING_AT = defineSearchAttributeKey('ArtifactExpiryWarningAt', 'DATETIME');
/** True while it has holds; absent otherwise. */
export const ARTIFACT_HELD = defineSearchAttributeKey('ArtifactHeld', 'BOOL');
export const ARTIFACT_PERMANENT = defineSearchAttributeKey('ArtifactPermanent', 'BOOL');

/** All of them, for registration at the server. */
export const SEARCH_ATTRIBUTES = [
  ARTIFACT_STATE,
  ARTIFACT_TIER,
  EXECUTION_ID,
  TENANT_ID,
  ARTIFACT_PROBLEM,
  ARTIFACT_EXPIRES_AT,
  ARTIFACT_SIZE_BYTES,
  ARTIFACT_PERMANENT,
  ARTIFACT_EXPIRY_WARNING_AT,
  ARTIFACT_HELD,
] as const;

type AttributeValue = string | number | boolean | Date | null;

/** The values an artifact should be found by; null means absent. In the order of {@link SEARCH_ATTRIBUTES}. */
export function searchAttributeValues(record: ArtifactRecord, problemCode: string | null): AttributeValue[] {
  const warnedOfAtMs = record.status === 'DELETED' ? null : warnsAtMs(record);
  return [
    record.status,
    record.tier,
    record.executionId,
    record.tenantId,
    problemCode,
    record.expiresAtMs === null ? null : new Date(record.expiresAtMs),
    record.sizeBytes,
    record.retention.rule === 'permanent',
    warnedOfAtMs === null ? null : new Date(warnedOfAtMs),
    record.holds.length > 0 ? true : null,
  ];
}
