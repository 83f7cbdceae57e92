import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ArtifactClient } from '../../../src/sdk/index.js';
import { FakeApi } from '../../support/fake-api.js';
import { bytesOf, clientOf, codeOf, errorOf, newExecution } from '../../support/sdk.js';

let fake: FakeApi;
let client: ArtifactClient;
beforeEach(async () => {
  fake = await FakeApi.start();
  client = clientOf(fake);
});
afterEach(async () => {
  client.close();
  await fake.close();
});

const stored = (bytes = bytesOf(10)) => client.uploadArtifact(newExecution(), bytes, { fileName: 'a' });
const LATER = new Date('2100-01-01T00:00:00Z');

describe('holds', () => {
  test('are added, listed and ended, and keep an artifact from being deleted', async () => {
    const { id } = await stored();
    const hold = await client.addHold(id, { reason: 'case 17', until: LATER });
    expect(hold).toMatchObject({ by: 'tester', reason: 'case 17', until: LATER });
    expect(hold.at).toBeInstanceOf(Date);
    const endless = await client.addHold(id, { reason: 'case 18' });
    expect(endless).not.toHaveProperty('until');
    expect(await client.listHolds(id)).toEqual([hold, endless]);
    const refused = await errorOf(client.deleteArtifact(id));
    expect([refused.code, refused.message]).toEqual(['held', expect.stringContaining('by tester: case 17')]);
    await client.endHold(id, hold.id);
    expect((await client.endHold(id, endless.id)).holds).toEqual([]);
    expect((await client.endHold(id, endless.id)).id).toBe(id);
    expect(await codeOf(client.endHold(id, newExecution()))).toBe('hold_not_found');
  });

  test('are added once although the answer is lost, as their id is made before the first try', async () => {
    const { id } = await stored();
    fake.faults.push({ nth: 1, method: 'POST', path: /holds$/, answer: 'lost' });
    const hold = await client.addHold(id, { reason: 'case 17' });
    expect(fake.count(/holds$/)).toBe(2);
    expect(await client.listHolds(id)).toEqual([hold]);
  });

  test('that cannot be are refused before they are sent', async () => {
    const { id } = await stored();
    const before = fake.requests.length;
    expect(await codeOf(client.addHold(id, { reason: ' ' }))).toBe('invalid_hold');
    expect(await codeOf(client.addHold(id, { reason: 'x', until: new Date(0) }))).toBe('invalid_hold');
    expect(await codeOf(client.addHold(id, { reason: 'x', until: new Date('never') }))).toBe('invalid_hold');
    expect(await codeOf(client.addHold(id, { reason: 'x', id: 'mine' }))).toBe('invalid_id');
    expect(await codeOf(client.endHold(id, '../..'))).toBe('invalid_id');
    expect(fake.requests).toHaveLength(before);
  });
});

describe('a deletion', () => {
  test('can be undone until its purge', async () => {
    const bytes = bytesOf(1_000);
    const { id } = await stored(bytes);
    await client.deleteArtifact(id);
    const deleted = await client.getArtifact(id);
    expect(deleted.purgeAt?.getTime()).toBeGreaterThan(Date.now());
    const back = await client.undeleteArtifact(id);
    expect(back.status).toBe('ACTIVE');
    expect(back).not.toHaveProperty('purgeAt');
    expect((await buffer(await client.downloadArtifact(id))).equals(bytes)).toBe(true);
    expect((await client.undeleteArtifact(id)).status).toBe('ACTIVE');
  });

  test('with purge cannot, also when it comes later', async () => {
    const { id } = await stored();
    await client.deleteArtifact(id);
    await client.deleteArtifact(id, { purge: true });
    expect(await client.getArtifact(id)).not.toHaveProperty('purgeAt');
    expect(await codeOf(client.undeleteArtifact(id))).toBe('artifact_deleted');
  });
});

describe('a retention', () => {
  test('is days, or a moment', async () => {
    const { id } = await stored();
    expect((await client.setRetention(id, 90)).retention).toEqual({ rule: 'artifact', days: 90 });
    const until = await client.setRetention(id, { expiresAt: LATER });
    expect(until).toMatchObject({ retention: { rule: 'date', expiresAt: LATER }, expiresAt: LATER });
    const before = fake.requests.length;
    for (const expiresAt of [new Date('never'), new Date('2300-01-01T00:00:00Z')])
      expect(await codeOf(client.setRetention(id, { expiresAt }))).toBe('invalid_retention');
    expect(fake.requests).toHaveLength(before);
  });

  test('and tiers of its own go with the upload', async () => {
    const options = { fileName: 'a', expiresAt: LATER, tiering: { warmAfterDays: null, coldAfterDays: 7 } };
    const artifact = await client.uploadArtifact(newExecution(), bytesOf(10), options);
    expect(artifact).toMatchObject({
      retention: { rule: 'date', expiresAt: LATER },
      tiering: { warmAfterDays: null, coldAfterDays: 7 },
    });
  });

  test.each([
    ['invalid_retention', { retentionDays: 5, expiresAt: LATER }],
    ['invalid_retention', { expiresAt: new Date(0) }],
    ['invalid_retention', { expiresAt: new Date('never') }],
    ['invalid_tiering', { tiering: { coldAfterDays: 1.5 } }],
  ] as const)('is refused as %s before anything is sent: %j', async (code, options) => {
    const upload = client.uploadArtifact(newExecution(), bytesOf(10), { fileName: 'a', ...options });
    expect(await codeOf(upload)).toBe(code);
    expect(fake.requests).toEqual([]);
  });
});
