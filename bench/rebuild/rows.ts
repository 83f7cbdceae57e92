import { openDatabasesOfBucket } from '../../src/bucket-databases.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { createDatabaseIdentity } from '../../src/db/sql-database-identity.js';
import { createRowInventory } from '../../src/db/sql-row-inventory.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import type { RebuildReport } from '../../src/domain/rebuild.js';
import type { RebuildDeps } from '../../src/operator/rebuild/deps.js';
import { rebuild } from '../../src/operator/rebuild/rebuild.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { NOTHING_RUNS } from '../../test/support/nothing-runs.js';
import { bareListing, type Place } from '../bucket/place.js';
import { etagOf, numberOf, recordOf, SHA256, SIZE_BYTES, TENANT, versionOf } from '../bucket/population.js';

/** Faster than anything here can go. */
const UNPACED = 1_000_000;

/** Bucket and database are real, and nothing runs: what is done with Temporal is left out, unless it is given. */
export function makeAgain({ store, pool }: Place, overrides: Partial<RebuildDeps> = {}): Promise<RebuildReport> {
  const records = createArtifactRecords(pool);
  const rows = createRowInventory(pool);
  return rebuild(
    {
      ...{ store, records, storeNowMs: () => Promise.resolve(Date.now()) },
      // The store of the benchmark keeps nothing.
      databases: openDatabasesOfBucket({
        store: new MemoryObjectStore(),
        identity: createDatabaseIdentity(pool),
        name: 'bench',
      }),
      rows: { ...rows, listUnended: () => Promise.resolve([]) },
      ...NOTHING_RUNS,
      ...overrides,
    },
    {
      ...{
        apply: true,
        tenantId: TENANT,
        lost: [],
        perSecond: UNPACED,
        defaultRetentionDays: 30,
        policy: DEFAULT_POLICY,
      },
      signal: new AbortController().signal,
      tell: () => undefined,
    },
  );
}

/** As many rows as a page of the listing has, by one statement. */
const INSERT = `
INSERT INTO artifacts (id, execution_id, file_name, file_path, file_size, mime_type, checksum, checksum_state, type, status, version_id, etag,
    expires_at, created_at, updated_at, quota_tenant)
  SELECT id, execution_id, file_name, file_path, ${SIZE_BYTES}, 'application/octet-stream', '${SHA256}', 'verified', 'data', 'ACTIVE', version_id,
    etag, now() + interval '30 days', now(), now(), '${TENANT}'
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) AS r (id, execution_id, file_name, file_path, version_id, etag)
`;

/**
 * The least that anybody could do who knows already what each row says: each page of the bucket, and its rows as they are, without audit, and
 * nothing read of manifests or objects.
 * @param atOnce rows to a statement.
 * @returns how many.
 */
export async function bare(
  { store, pool }: Place,
  { perExecution, atOnce }: { perExecution: number; atOnce: number },
): Promise<number> {
  let made = 0;
  for await (const versions of bareListing(store)) {
    const records = versions
      .map(({ key }) => numberOf(key))
      .filter((n) => n >= 0)
      .map((n) => ({ ...recordOf(n, perExecution, Date.now()), version: versionOf(n), tag: etagOf(n) }));
    const executions = [...new Set(records.map(({ executionId }) => executionId))];
    await pool.query(
      `INSERT INTO executions (id, tenant_id, created_at) SELECT id, '${TENANT}', now() FROM unnest($1::uuid[]) id ON CONFLICT DO NOTHING`,
      [executions],
    );
    for (let at = 0; at < records.length; at += atOnce) {
      const page = records.slice(at, at + atOnce);
      await pool.query(INSERT, [
        page.map(({ id }) => id),
        page.map(({ executionId }) => executionId),
        page.map(({ path }) => path.slice('output/'.length)),
        page.map(({ key }) => key),
        page.map(({ version }) => version),
        page.map(({ tag }) => tag),
      ]);
      made += page.length;
    }
  }
  return made;
}
