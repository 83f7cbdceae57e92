import type { RecordPatch } from '../../src/domain/artifact-record.js';
import { DAY_MS } from '../../src/domain/units.js';
import { startTestApi, tokenFor, type TestApi } from './api.js';
import { changeOf, newArtifact } from './new-artifact.js';

/** The real API over rows in memory, with a socket; closes with the test. */
export async function listeningApi(): Promise<{ api: TestApi; baseUrl: string; token: string }> {
  const api = await startTestApi();
  return { api, baseUrl: await api.app.listen({ host: '127.0.0.1', port: 0 }), token: await tokenFor() };
}

/** Stores an artifact of 100 bytes of tenant `acme` that was just created and expires after so many days; answers with its id. */
export async function storedFor(
  { records }: TestApi,
  days: number,
  { nowMs = Date.now(), ...given }: Parameters<typeof newArtifact>[0] & { nowMs?: number } = {},
): Promise<string> {
  const artifact = newArtifact({ tenantId: 'acme', createdAtMs: nowMs, sizeBytes: 100, ...given });
  const { id } = await records.register(artifact);
  const stored = { status: 'ACTIVE', checksumState: 'verified', versionId: 'v1' } as const;
  const patch: RecordPatch = { ...stored, expiresAtMs: nowMs + days * DAY_MS };
  await records.change(changeOf(id, 1, { ...patch, retention: { rule: 'artifact', days } }));
  return id;
}
