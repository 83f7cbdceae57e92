import { Client, WorkflowNotFoundError } from '@temporalio/client';
import { completeRecord, type ArtifactRecord } from '../domain/artifact-record.js';
import type { IndexedLife } from '../domain/inspection.js';
import { SECOND_MS } from '../domain/units.js';
import { describe } from '../workflows/messages.js';
import {
  ARTIFACT_EXPIRES_AT,
  ARTIFACT_HELD,
  ARTIFACT_PERMANENT,
  ARTIFACT_STATE,
  ARTIFACT_TIER,
} from '../workflows/search-attributes.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { cannotSay, translateTemporalError } from './errors.js';
import { artifactIdOf, artifactWorkflowId, RUNNING_LIVES } from './ids.js';

/** Ids in one question to the index: its length is what some servers bound. */
const IDS_AT_ONCE = 200;
const ANSWER_MS = 20 * SECOND_MS;

interface Fleet {
  findRunning(artifactIds: readonly string[]): Promise<string[]>;
  listRunning(query: { cursor: string | null; limit: number }): Promise<{
    lives: { artifactId: string; startedAtMs: number; index: IndexedLife | null }[];
    cursor: string | null;
  }>;
  look(artifactId: string): Promise<{ record: ArtifactRecord; isDeleting: boolean; isUntagged: boolean } | null>;
  recall(artifactId: string): Promise<ArtifactRecord | null>;
}

/** Every artifact's workflow: the port `Fleet` of the activities. Connects with its first call. */
export function connectFleet(settings: TemporalSettings): { fleet: Fleet; close(): Promise<void> } {
  const connection = lazyConnection(settings);
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  return { fleet: createFleet(client), close: () => connection.close() };
}

export function createFleet(client: Client): Fleet {
  const call = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await client.withDeadline(Date.now() + ANSWER_MS, run);
    } catch (error) {
      throw translateTemporalError(error, what);
    }
  };
  const page = (query: string, pageSize: number, nextPageToken = Buffer.alloc(0)) =>
    call('the list of workflows', () =>
      client.connection.workflowService.listWorkflowExecutions({
        ...{ namespace: client.options.namespace, query, pageSize, nextPageToken },
      }),
    );
  return {
    findRunning: async (artifactIds) => {
      const running: string[] = [];
      for (let from = 0; from < artifactIds.length; from += IDS_AT_ONCE) {
        const ids = artifactIds.slice(from, from + IDS_AT_ONCE).map((id) => `"${artifactWorkflowId(id)}"`);
        // A life that has just changed over to a new run may be there twice, or not at all.
        const { executions } = await page(`WorkflowId IN (${ids.join(', ')}) AND ${RUNNING_LIVES}`, 2 * IDS_AT_ONCE);
        running.push(...(executions ?? []).map(({ execution }) => artifactIdOf(execution?.workflowId ?? '') ?? ''));
      }
      return running;
    },
    listRunning: async ({ cursor, limit }) => {
      const token = cursor === null ? Buffer.alloc(0) : Buffer.from(cursor, 'base64');
      const { executions, nextPageToken } = await page(RUNNING_LIVES, limit, token);
      const lives = (executions ?? []).flatMap(({ execution, startTime, searchAttributes }) => {
        const artifactId = artifactIdOf(execution?.workflowId ?? '');
        if (artifactId === null) return [];
        const startedAtMs = Number(startTime?.seconds ?? 0) * SECOND_MS;
        return [{ artifactId, startedAtMs, index: indexOf(searchAttributes?.indexedFields ?? {}) }];
      });
      const isLast = nextPageToken === undefined || nextPageToken === null || nextPageToken.length === 0;
      return { lives, cursor: isLast ? null : Buffer.from(nextPageToken).toString('base64') };
    },
    look: (artifactId) =>
      call(`artifact ${artifactId}`, async () => {
        const life = client.workflow.getHandle(artifactWorkflowId(artifactId));
        try {
          // Also a life that is over would answer.
          if ((await life.describe()).status.name !== 'RUNNING') return null;
          const { record, next, untagged } = await life.query(describe);
          return { record, isDeleting: next.kind === 'delete', isUntagged: untagged === true };
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return null;
          throw error;
        }
      }),
    recall: async (artifactId) => {
      const life = client.workflow.getHandle(artifactWorkflowId(artifactId));
      try {
        return completeRecord((await client.withDeadline(Date.now() + ANSWER_MS, () => life.query(describe))).record);
      } catch (error) {
        if (cannotSay(error)) return null;
        throw translateTemporalError(error, `artifact ${artifactId}`);
      }
    },
  };
}

/** Null before a life has told anything. */
function indexOf(fields: Record<string, { data?: Uint8Array | null }>): IndexedLife | null {
  const valueOf = ({ name }: { name: string }): unknown => {
    const data = fields[name]?.data;
    return data === undefined || data === null || data.length === 0 ? null : JSON.parse(Buffer.from(data).toString());
  };
  const [status, tier, expiresAt] = [ARTIFACT_STATE, ARTIFACT_TIER, ARTIFACT_EXPIRES_AT].map(valueOf);
  if (typeof status !== 'string' || typeof tier !== 'string') return null;
  return {
    ...{ status, tier, expiresAtMs: typeof expiresAt === 'string' ? Date.parse(expiresAt) : null },
    ...{ isPermanent: valueOf(ARTIFACT_PERMANENT) === true, isHeld: valueOf(ARTIFACT_HELD) === true },
  };
}
