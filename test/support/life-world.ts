import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { connectLifecycle } from '../../src/temporal/connect-lifecycle.js';
import { artifactWorkflowId } from '../../src/temporal/ids.js';
import type { LifecycleClient } from '../../src/temporal/lifecycle-client.js';
import { ARTIFACT_PROBLEM } from '../../src/workflows/search-attributes.js';
import type { NewUpload } from '../../src/workflows/messages.js';
import { aFile, bucketOf } from './e2e.js';
import type { TestStack } from './stack.js';

/** A stack, and eyes on everything that must agree: the workflow, the row and the bucket. */
export interface LifeWorld {
  stack: TestStack;
  lifecycle: LifecycleClient;
  records: ArtifactRecords;
  bucket: ObjectStore;
  temporal: Client;
  close(): Promise<void>;
}

export async function openLifeWorld(stack: TestStack): Promise<LifeWorld> {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const lifecycle = connectLifecycle({
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TEMPORAL_NAMESPACE: stack.namespace,
    TEMPORAL_TLS: false,
  });
  const records = createArtifactRecords(createPool(stack.databaseUrl));
  const bucket = bucketOf(stack);
  return {
    stack,
    lifecycle: lifecycle.client,
    records,
    bucket,
    temporal: new Client({ connection, namespace: stack.namespace }),
    close: async () => {
      bucket.close();
      await Promise.all([lifecycle.close(), records.close(), connection.close()]);
    },
  };
}

/** The upload of a small file of tenant `acme`, whose tokens `stack.token()` makes. */
export function anUpload(overrides: Partial<NewUpload> = {}): { upload: NewUpload; bytes: Buffer } {
  const { bytes, sha256, sizeBytes } = aFile(3_000);
  const artifactId = randomUUID();
  const upload: NewUpload = {
    artifactId,
    executionId: randomUUID(),
    tenantId: 'acme',
    path: `output/${artifactId}.bin`,
    sizeBytes,
    sha256,
    mimeType: 'application/octet-stream',
    type: 'data',
    tags: {},
    retentionDays: null,
    actor: 'agent',
    ...overrides,
  };
  return { upload, bytes };
}

/** Begun, and its bytes are in the bucket. */
export async function sent(
  { lifecycle, bucket }: LifeWorld,
  { upload, bytes }: ReturnType<typeof anUpload>,
): Promise<ArtifactRecord> {
  const record = await insist(() => lifecycle.beginUpload(upload));
  await bucket.put(objectAtCreation(record), bytes);
  return record;
}

export const completed = (
  { lifecycle }: LifeWorld,
  { id, sizeBytes, sha256 }: ArtifactRecord,
): Promise<ArtifactRecord> =>
  lifecycle.completeUpload(id, { sizeBytes: sizeBytes ?? 0, sha256: sha256 ?? '', actor: 'agent' });

/** An artifact that was uploaded and is ACTIVE. */
export async function anArtifact(world: LifeWorld, overrides: Partial<NewUpload> = {}): Promise<ArtifactRecord> {
  const record = await sent(world, anUpload(overrides));
  return insist(() => completed(world, record));
}

const TRIES = 60;
const AGAIN_MS = 500;

/** As any caller would: what fails while servers are killed or away is asked for again. */
export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ArtifactError) || !error.retryable || tries === TRIES) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

/** What stands in the way, as an operator finds it by search; null when nothing does. */
export async function problemOf({ temporal }: LifeWorld, id: string): Promise<unknown> {
  const query = `WorkflowId="${artifactWorkflowId(id)}" AND ArtifactProblem IS NOT NULL`;
  for await (const { typedSearchAttributes } of temporal.workflow.list({ query }))
    return typedSearchAttributes.get(ARTIFACT_PROBLEM);
  return null;
}

/** What S3, Postgres and Temporal say about an artifact. */
export interface Sight {
  row: ArtifactRecord | null;
  /** The row as the workflow knows it. */
  known: ArtifactRecord;
  next: string;
  workflow: string;
  /** What the key has, newest first: classes, and `marker`. */
  versions: string[];
  /** Of the version that the row names; undefined when it is gone, or the store does not tell (moto of an archived one). */
  retentionTag: string | undefined;
  audit: string[];
}

export async function look(world: LifeWorld, id: string): Promise<Sight> {
  const { lifecycle, records, bucket, temporal } = world;
  const [row, history, { record: known, next }, { status }] = await Promise.all([
    records.get(id),
    records.history(id),
    lifecycle.describe(id),
    temporal.workflow.getHandle(artifactWorkflowId(id)).describe(),
  ]);
  const versions = await Promise.all(
    (await bucket.listVersions(known.key)).map(async (version) =>
      version.isDeleteMarker ? 'marker' : ((await bucket.head(version))?.storageClass ?? 'gone'),
    ),
  );
  const tags = await bucket.getTags({ key: known.key, versionId: known.versionId }).catch(() => null);
  return {
    row,
    known,
    next: next.kind,
    workflow: status.name,
    versions,
    retentionTag: tags?.['artifact-retention'],
    audit: history.map(({ kind }) => kind),
  };
}
