import type { Pool } from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryDatabaseIdentity } from '../../src/db/memory/memory-database-identity.js';
import { MemoryQuarantine } from '../../src/db/memory/memory-quarantine.js';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { MemoryRowInventory } from '../../src/db/memory/memory-row-inventory.js';
import { MemoryShares } from '../../src/db/memory/memory-shares.js';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { createDatabaseIdentity } from '../../src/db/sql-database-identity.js';
import { createQuarantine } from '../../src/db/sql-quarantine.js';
import { createReconciliations } from '../../src/db/sql-reconciliations.js';
import { createRowInventory } from '../../src/db/sql-row-inventory.js';
import { createShares } from '../../src/db/sql-shares.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { accessSuite } from './access-suite.js';
import { artifactRecordsSuite, type RecordsUnderTest } from './artifact-records-suite.js';
import { databaseIdentitySuite } from './database-identity-suite.js';
import { executionDeletionsSuite } from './execution-deletions-suite.js';
import { lateDeletionsSuite } from './late-deletions-suite.js';
import { listsSuite } from './lists-suite.js';
import { publicationsSuite } from './publications-suite.js';
import { quarantineSuite } from './quarantine-suite.js';
import { quotasSuite } from './quotas-suite.js';
import { reconciliationsSuite } from './reconciliations-suite.js';
import { restoreRowSuite } from './restore-row-suite.js';
import { rowsBehindSuite } from './rows-behind-suite.js';
import { rowInventorySuite } from './row-inventory-suite.js';
import { sharesSuite } from './shares-suite.js';
import { upcomingSuite } from './upcoming-suite.js';
import { usageSuite } from './usage-suite.js';

const memory = new MemoryArtifactRecords();
const inMemory: RecordsUnderTest = {
  records: memory,
  putExecution: async (execution) => {
    await Promise.resolve(memory.putExecution(execution));
  },
};
artifactRecordsSuite('memory', () => inMemory);
executionDeletionsSuite('memory', () => inMemory);
listsSuite('memory', () => memory);
publicationsSuite('memory', () => memory);
quotasSuite('memory', () => memory);
restoreRowSuite('memory', () => ({
  records: memory,
  deleteExecution: async (id) => {
    await Promise.resolve(memory.deleteExecution(id));
  },
}));
rowsBehindSuite('memory', () => ({
  records: memory,
  setBack: async (id, revision) => {
    await Promise.resolve(memory.injure(id, { revision }));
  },
}));
rowInventorySuite('memory', () => ({ records: memory, rows: new MemoryRowInventory(memory) }));
const memoryShares = new MemoryShares(memory);
sharesSuite('memory', () => ({ records: memory, shares: memoryShares }));
upcomingSuite('memory', () => memory);
usageSuite('memory', () => memory);

let database: TestDatabase;
let pool: Pool;
let records: ArtifactRecords & { close(): Promise<void> };

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl);
  records = createArtifactRecords(pool);
});

afterAll(async () => {
  await records.close();
  await database.drop();
});

const inPostgres = (): RecordsUnderTest => ({
  records,
  putExecution: async ({ id, tenantId, retentionDays, createdAtMs }) => {
    await pool.query(
      `INSERT INTO executions (id, tenant_id, retention_days, created_at) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET tenant_id = $2, retention_days = $3, created_at = $4`,
      [id, tenantId, retentionDays, new Date(createdAtMs)],
    );
  },
});
artifactRecordsSuite('Postgres', inPostgres);
executionDeletionsSuite('Postgres', inPostgres);
listsSuite('Postgres', () => records);
publicationsSuite('Postgres', () => records);
quotasSuite('Postgres', () => records);
restoreRowSuite('Postgres', () => ({
  records,
  deleteExecution: async (id) => {
    await pool.query('DELETE FROM executions WHERE id = $1', [id]);
  },
}));
rowsBehindSuite('Postgres', () => ({
  records,
  setBack: async (id, revision) => {
    await pool.query('UPDATE artifacts SET revision = $2 WHERE id = $1', [id, revision]);
  },
}));
rowInventorySuite('Postgres', () => ({ records, rows: createRowInventory(pool) }));
sharesSuite('Postgres', () => ({ records, shares: createShares(pool) }));
upcomingSuite('Postgres', () => records);
usageSuite('Postgres', () => records);

accessSuite('memory', () => memory);
accessSuite('Postgres', () => records);

lateDeletionsSuite('memory', () => memory);
lateDeletionsSuite('Postgres', () => records);

const memoryIdentity = new MemoryDatabaseIdentity();
databaseIdentitySuite('memory', () => memoryIdentity);
databaseIdentitySuite('Postgres', () => createDatabaseIdentity(pool));
const memoryQuarantine = new MemoryQuarantine();
quarantineSuite('memory', () => memoryQuarantine);
quarantineSuite('Postgres', () => createQuarantine(pool));
const memoryReconciliations = new MemoryReconciliations();
reconciliationsSuite('memory', () => memoryReconciliations);
reconciliationsSuite('Postgres', () => createReconciliations(pool));
