import { createHash } from 'node:crypto';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import type { Finding } from '../../domain/drift.js';
import { isSameHead, manifestObject, type ManifestHead } from '../../domain/manifest.js';
import { parseHeadLine } from '../../domain/manifest-lines.js';
import type { ObjectInfo } from '../../storage/object-store.js';
import { ManifestBody, readListed } from '../manifest-body.js';
import type { Inspector } from './slice.js';

interface ManifestsCursor {
  executionsAfter: string;
}

/** Executions of which the manifests are compared before the slice may end. */
const EXECUTIONS = 100;
/** Artifacts in memory at a time, of each manifest that is compared. */
const ROWS = 200;
/** What a manifest says before its artifacts is a line, and not a long one. */
const MAX_HEAD_BYTES = 65_536;

/** Each `metadata.json` that has something to list, against what would be written now. */
export async function inspectManifests(
  inspector: Inspector,
  cursor: ManifestsCursor | null,
): Promise<ManifestsCursor | null> {
  const { rows, patience, signal, count, isOver, confirm } = inspector;
  for (let afterId = cursor?.executionsAfter ?? null; ;) {
    signal.throwIfAborted();
    const executions = await rows.listExecutions({ afterId, limit: EXECUTIONS });
    const isQuiet = (changedAtMs: number): boolean => changedAtMs <= Date.now() - patience.quietRowsMs;
    const compared = executions.filter(({ isListed, changedAtMs }) => isListed && isQuiet(changedAtMs));
    await confirm(compared, async ({ executionId }) => {
      const findings = await lookAtManifest(inspector, executionId);
      if (findings.length === 0) return [];
      // Rows that have changed since may be read half before and half after.
      const [now] = await rows.findExecutions([executionId]);
      return now?.isListed === true && isQuiet(now.changedAtMs) ? findings : [];
    });
    count({ manifests: compared.length });
    afterId = executions.at(-1)?.executionId ?? null;
    if (afterId === null || executions.length < EXECUTIONS) return null;
    if (isOver()) return { executionsAfter: afterId };
  }
}

async function lookAtManifest(inspector: Inspector, executionId: string): Promise<Finding[]> {
  const { store, records } = inspector;
  const execution = await records.getExecution(executionId);
  if (execution === null) return [];
  const { tenantId, retentionDays } = execution;
  const { key } = manifestObject(executionId);
  const info = await store.head({ key });
  const differs = (store: string, row: string): Finding[] => [
    {
      ...{
        kind: 'manifest_differs',
        subject: executionId,
        artifactId: null,
        executionId,
        tenantId,
        key,
        uploadId: null,
      },
      ...{ versionId: info?.versionId ?? null, sizeBytes: info?.sizeBytes ?? null },
      sinceMs: info?.lastModifiedMs ?? null,
      detail: { store, row },
    },
  ];
  if (info === null) return differs('missing', 'artifacts to list');
  if (info.owner?.artifactId !== executionId) return differs('an object of somebody else', 'artifacts to list');
  const stored = await readStored(inspector, info);
  if (stored === null) return [];
  const head = { version: 1, executionId, tenantId, retentionDays, generatedAt: '' } as const;
  const now = await hashNow(inspector, head);
  if (stored.head === null) return differs('no manifest', `${now.artifactCount} artifacts`);
  if (!isSameHead(stored.head, head)) return differs(JSON.stringify(stored.head), JSON.stringify(head));
  if (stored.hash !== now.hash)
    return differs(`SHA-256 ${stored.hash}`, `SHA-256 ${now.hash}, ${now.artifactCount} artifacts`);
  return [];
}

/** What it says before its artifacts, and the hash of all that follows; null when it is gone. */
async function readStored(
  { store, signal }: Inspector,
  { key, versionId }: ObjectInfo,
): Promise<{ head: Partial<ManifestHead> | null; hash: string } | null> {
  const body = await store.read({ key, versionId });
  if (body === null) return null;
  const hash = createHash('sha256');
  let begun = Buffer.alloc(0);
  let head: Partial<ManifestHead> | null | undefined;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    if (head !== undefined) {
      hash.update(chunk);
      continue;
    }
    begun = Buffer.concat([begun, chunk]);
    const end = begun.indexOf('\n');
    if (end === -1 && begun.length <= MAX_HEAD_BYTES) continue;
    head = end === -1 ? null : (parseHeadLine(begun.subarray(0, end).toString()) as Partial<ManifestHead> | null);
    hash.update(begun.subarray(Math.max(end, 0)));
  }
  return { head: head ?? null, hash: hash.digest('hex') };
}

/** The same of what would be written now. */
async function hashNow(
  { records, signal }: Inspector,
  head: ManifestHead,
): Promise<{ hash: string; artifactCount: number }> {
  const body = new ManifestBody(head);
  const hash = createHash('sha256');
  let isHead = true;
  for await (const chunk of body.chunks(pages())) {
    if (!isHead) hash.update(chunk);
    isHead = false;
  }
  return { hash: hash.digest('hex'), artifactCount: body.artifactCount };

  async function* pages(): AsyncGenerator<ArtifactRecord[]> {
    const { executionId } = head;
    let cursor: string | null = null;
    do {
      signal.throwIfAborted();
      const query = { executionId, limit: ROWS };
      const page: Awaited<ReturnType<typeof readListed>> = await readListed(
        records,
        cursor === null ? query : { ...query, cursor },
      );
      yield page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }
}
