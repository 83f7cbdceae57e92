import type { Pool, PoolClient } from 'pg';
import { ArtifactError } from '../domain/errors.js';
import { endOfShare, MAX_LIVING_SHARES, SHARE_EVENT_KINDS, shareEnded, type Share } from '../domain/shares.js';
import { toJson, toText } from './columns.js';
import { withDatabaseErrors } from './errors.js';
import { inTransaction } from './pool.js';
import { oneOf, type EventRow } from './rows.js';
import {
  factsOfShare,
  LINK_ACTOR,
  LISTED_SHARES,
  requireSameShare,
  TOLD_SHARE_EVENTS,
  tooManyShares,
  type NewShare,
  type ShareRevocation,
  type Shares,
  type ShareUse,
} from './shares.js';

/** See `Shares`. */
export const createShares = (pool: Pool): Shares => ({
  createShare: (share) =>
    withDatabaseErrors('share the artifact', () => inTransaction(pool, (client) => create(client, share))),
  findShare: (tokenHash) =>
    withDatabaseErrors('find the link', () =>
      one(pool, `${SELECT_SHARE} WHERE s.token_hash = $1`, [toHash(tokenHash)]),
    ),
  listShares: (artifactId, nowMs) =>
    withDatabaseErrors('list links', async () => {
      const { rows } = await pool.query<ShareRow>(
        `${SELECT_SHARE} WHERE s.artifact_id = $1 ORDER BY (${isUsable('$2')}) DESC, s.created_at DESC, s.id DESC LIMIT $3`,
        [artifactId, new Date(nowMs), LISTED_SHARES],
      );
      return rows.map(toShare);
    }),
  useShare: (use) => withDatabaseErrors('use the link', () => useOnce(pool, use)),
  revokeShare: (revocation) => withDatabaseErrors('revoke the link', () => revoke(pool, revocation)),
  removeExpired: (beforeMs) => withDatabaseErrors('remove links', () => removeExpired(pool, beforeMs)),
  shareHistory: (artifactId) =>
    withDatabaseErrors('read the history', async () => {
      const { rows } = await pool.query<Omit<EventRow, 'change_number'>>(
        'SELECT * FROM artifact_share_events WHERE artifact_id = $1 ORDER BY number DESC LIMIT $2',
        [artifactId, TOLD_SHARE_EVENTS],
      );
      return rows.reverse().map(({ kind, actor, at, detail }) => ({
        kind: oneOf(SHARE_EVENT_KINDS, kind),
        actor,
        atMs: at.getTime(),
        detail,
      }));
    }),
});

interface ShareRow {
  id: string;
  artifact_id: string;
  created_by: string;
  created_at: Date;
  expires_at: Date;
  max_uses: number;
  uses: number;
  last_used_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
  artifact_deleted: boolean;
}

const IS_ARTIFACT_DELETED = `EXISTS (
    SELECT 1 FROM artifact_events e
    WHERE e.artifact_id = s.artifact_id AND e.change_number > s.artifact_revision AND e.kind = 'deleted')`;
const SELECT_SHARE = `SELECT s.*, ${IS_ARTIFACT_DELETED} AS artifact_deleted FROM artifact_shares s`;
/** `endOfShare` in SQL. */
const isUsable = (now: string): string =>
  `s.revoked_at IS NULL AND s.uses < s.max_uses AND s.expires_at > ${now} AND NOT ${IS_ARTIFACT_DELETED}`;
const INSERT_EVENT = 'INSERT INTO artifact_share_events (artifact_id, share_id, tenant_id, at, actor, kind, detail)';

const toHash = (tokenHash: string): Buffer => Buffer.from(tokenHash, 'hex');

const toShare = (row: ShareRow): Share => ({
  id: row.id,
  artifactId: row.artifact_id,
  createdBy: row.created_by,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at.getTime(),
  maxUses: row.max_uses,
  uses: row.uses,
  lastUsedAtMs: row.last_used_at?.getTime() ?? null,
  revokedAtMs: row.revoked_at?.getTime() ?? null,
  revokedBy: row.revoked_by,
  isArtifactDeleted: row.artifact_deleted,
});

async function one(database: Pool | PoolClient, sql: string, values: unknown[]): Promise<Share | null> {
  const { rows } = await database.query<ShareRow>(sql, values);
  return rows[0] === undefined ? null : toShare(rows[0]);
}

async function create(client: PoolClient, share: NewShare): Promise<{ share: Share; created: boolean }> {
  const { id, artifactId, artifactRevision, tenantId, tokenHash, atMs, expiresAtMs, maxUses } = share;
  const at = new Date(atMs);
  const actor = toText(share.actor);
  // One after the other for an artifact, so that they can be counted; the artifact itself is not locked, its workflow waits for nobody.
  await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('artifact_shares ' || $1, 0))`, [artifactId]);
  const existing = await one(client, `${SELECT_SHARE} WHERE s.id = $1`, [id]);
  if (existing !== null) {
    requireSameShare(existing, share);
    const end = endOfShare(existing, atMs);
    if (end !== null) throw shareEnded(end);
    await client.query('UPDATE artifact_shares SET token_hash = $2 WHERE id = $1', [id, toHash(tokenHash)]);
  } else {
    const { rowCount } = await client.query(
      `SELECT 1 FROM artifact_shares s WHERE s.artifact_id = $1 AND ${isUsable('$2')} LIMIT $3`,
      [artifactId, at, MAX_LIVING_SHARES],
    );
    if (rowCount === MAX_LIVING_SHARES) throw tooManyShares(artifactId);
    const inserted = await client.query(
      `INSERT INTO artifact_shares
         (id, artifact_id, artifact_revision, tenant_id, token_hash, created_by, created_at, expires_at, max_uses)
       SELECT $1, a.id, $3, $4, $5, $6, $7, $8, $9 FROM artifacts a WHERE a.id = $2`,
      [id, artifactId, artifactRevision, tenantId, toHash(tokenHash), actor, at, new Date(expiresAtMs), maxUses],
    );
    if (inserted.rowCount === 0) throw new ArtifactError('artifact_not_found', `There is no artifact ${artifactId}`);
  }
  const written = await one(client, `${SELECT_SHARE} WHERE s.id = $1`, [id]);
  if (written === null) throw new Error(`Link ${id} is not there after it was written`);
  const kind = existing === null ? 'share_created' : 'share_renewed';
  await client.query(`${INSERT_EVENT} VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)`, [
    ...[artifactId, id, tenantId, at, actor, kind],
    toJson({ shareId: id, ...factsOfShare(written) }),
  ]);
  return { share: written, created: existing === null };
}

/** One statement: whoever comes second waits for the row, and then looks again at how many uses are left. */
const useOnce = (pool: Pool, { tokenHash, atMs, detail }: ShareUse): Promise<Share | null> =>
  one(
    pool,
    `WITH used AS (
       UPDATE artifact_shares s SET uses = s.uses + 1, last_used_at = GREATEST(s.last_used_at, $2::timestamptz)
       WHERE s.token_hash = $1 AND ${isUsable('$2::timestamptz')}
       RETURNING s.*
     ), event AS (
       ${INSERT_EVENT}
       SELECT artifact_id, id, tenant_id, $2::timestamptz, $3, 'share_used',
              jsonb_build_object('shareId', id, 'use', uses) || $4::jsonb
       FROM used
     )
     SELECT *, FALSE AS artifact_deleted FROM used`,
    [toHash(tokenHash), new Date(atMs), LINK_ACTOR, toJson(detail)],
  );

async function revoke(pool: Pool, { artifactId, id, actor, atMs }: ShareRevocation): Promise<Share | null> {
  const by = toText(actor);
  const at = new Date(atMs);
  const revoked = await one(
    pool,
    `WITH revoked AS (
       UPDATE artifact_shares s SET revoked_at = $3::timestamptz, revoked_by = $4
       WHERE s.id = $2 AND s.artifact_id = $1 AND ${isUsable('$3::timestamptz')}
       RETURNING s.*
     ), event AS (
       ${INSERT_EVENT}
       SELECT artifact_id, id, tenant_id, $3::timestamptz, $4, 'share_revoked', jsonb_build_object('shareId', id) FROM revoked
     )
     SELECT *, FALSE AS artifact_deleted FROM revoked`,
    [artifactId, id, at, by],
  );
  return revoked ?? one(pool, `${SELECT_SHARE} WHERE s.artifact_id = $1 AND s.id = $2`, [artifactId, id]);
}

/** One statement removes so many, well within its time. */
const REMOVED_AT_ONCE = 5_000;

async function removeExpired(pool: Pool, beforeMs: number): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query(
      `DELETE FROM artifact_shares WHERE id IN (
         SELECT id FROM artifact_shares WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
       )`,
      [new Date(beforeMs), REMOVED_AT_ONCE],
    );
    if ((rowCount ?? 0) < REMOVED_AT_ONCE) return;
  }
}
