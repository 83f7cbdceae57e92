import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { crc32Of } from '../../../src/transfer/crc32.js';
import { newArtifact } from '../../support/new-artifact.js';
import { codeOf, sha256Of, startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const MIB_BYTES = 1024 ** 2;
const PART_BYTES = 8 * MIB_BYTES;
const SHA256 = sha256Of('x');
const CRC32 = crc32Of(Buffer.from('x'));

async function begin(api: TestApi, payload: object): Promise<string> {
  const url = `/v1/executions/${randomUUID()}/artifacts`;
  return (await api.send({ method: 'POST', url, payload })).json<{ artifact: { id: string } }>().artifact.id;
}

describe('signed parts', () => {
  const sign = (api: TestApi, id: string, ...parts: object[]) =>
    api.send({ method: 'POST', url: `/v1/artifacts/${id}/upload/parts`, payload: { parts } });

  test('a part is signed for its number, length and hash, and the store takes it', async () => {
    const api = await startTestApi();
    const id = await begin(api, { fileName: 'a', sizeBytes: 2 * PART_BYTES + 1 });
    const last = Buffer.from('z');
    const response = await sign(
      api,
      id,
      { partNumber: 1, sizeBytes: PART_BYTES, crc32: CRC32 },
      { partNumber: 3, sizeBytes: 1, crc32: crc32Of(last) },
    );
    expect(response.statusCode).toBe(200);
    const { parts } = response.json<{ parts: { partNumber: number; request: { url: string; expiresAt: string } }[] }>();
    expect(parts.map(({ partNumber }) => partNumber)).toEqual([1, 3]);
    const { request } = parts[1]!;
    const signed = { ...request, method: 'PUT' as const, headers: {}, expiresAtMs: Date.parse(request.expiresAt) };
    const sent = await api.store.receive({ ...signed, ...(request as object) }, last);
    expect(sent.status).toBe(200);
    const status = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/upload` });
    expect(status.json()).toMatchObject({
      upload: { kind: 'multipart', partSizeBytes: PART_BYTES, partCount: 3 },
      receivedBytes: 1,
      receivedParts: [{ partNumber: 3, sizeBytes: 1 }],
      percent: 0,
    });
  });

  test.each([
    ['number 0', { partNumber: 0, sizeBytes: PART_BYTES, crc32: CRC32 }, 'invalid_part'],
    ['a number past the end', { partNumber: 4, sizeBytes: 1, crc32: CRC32 }, 'invalid_part'],
    ['another length', { partNumber: 1, sizeBytes: 5, crc32: CRC32 }, 'invalid_part'],
    ['no length', { partNumber: 3, sizeBytes: 0, crc32: CRC32 }, 'invalid_part'],
    ['a hash that is none', { partNumber: 3, sizeBytes: 1, crc32: 'x' }, 'invalid_checksum'],
  ])('%s is refused', async (_name, part, code) => {
    const api = await startTestApi();
    const id = await begin(api, { fileName: 'a', sizeBytes: 2 * PART_BYTES + 1 });
    expect(codeOf(await sign(api, id, part))).toBe(code);
    expect(api.store.calls.get('presignPart')).toBeUndefined();
  });

  test('a stream ends at 5 GiB', async () => {
    const api = await startTestApi();
    const id = await begin(api, { fileName: 'a' });
    const last = (5 * 1024 ** 3) / PART_BYTES;
    const fits = await sign(api, id, { partNumber: last, sizeBytes: PART_BYTES, crc32: CRC32 });
    expect(fits.statusCode).toBe(200);
    const over = await sign(api, id, { partNumber: last + 1, sizeBytes: 1, crc32: CRC32 });
    expect([over.statusCode, codeOf(over)]).toEqual([413, 'too_large']);
  });

  test('must be asked for again while the upload is being opened', async () => {
    const api = await startTestApi();
    const { executionId, tenantId } = await api.records.get(await begin(api, { fileName: 'a' })).then((row) => row!);
    const { id } = await api.records.register(newArtifact({ executionId, tenantId, partSizeBytes: PART_BYTES }));
    const response = await sign(api, id, { partNumber: 1, sizeBytes: 4_096, crc32: CRC32 });
    expect([response.statusCode, codeOf(response)]).toEqual([503, 'not_yet_answered']);
  });

  test('there are none for a single PUT, after the end, or after the deadline', async () => {
    let nowMs = Date.now();
    const api = await startTestApi({ nowMs: () => nowMs });
    const part = { partNumber: 1, sizeBytes: 1, crc32: CRC32 };
    const single = await begin(api, { fileName: 'a', sizeBytes: 1, sha256: SHA256 });
    expect(codeOf(await sign(api, single, part))).toBe('invalid_part');
    expect(codeOf(await sign(api, await api.upload({}), part))).toBe('not_uploading');
    const aborted = await begin(api, { fileName: 'a' });
    await api.send({ method: 'POST', url: `/v1/artifacts/${aborted}/upload/abort` });
    const response = await sign(api, aborted, part);
    expect([response.statusCode, codeOf(response)]).toEqual([410, 'artifact_deleted']);
    const late = await begin(api, { fileName: 'a' });
    nowMs += 3_600_000;
    // The clock of the API says whether a token is over, too.
    const token = await tokenFor({ expiresInSeconds: 7_200 });
    const url = `/v1/artifacts/${late}/upload/parts`;
    const over = await api.send({ method: 'POST', url, token, payload: { parts: [part] } });
    expect(codeOf(over)).toBe('not_uploading');
  });
});

describe('upload status', () => {
  test('a single PUT is shown as a whole, and signed only for who may write', async () => {
    const api = await startTestApi();
    const bytes = Buffer.from('1234');
    const id = await begin(api, { fileName: 'a', sizeBytes: 4, sha256: sha256Of(bytes) });
    const url = `/v1/artifacts/${id}/upload`;
    const before = await api.send({ method: 'GET', url });
    expect(before.json()).toMatchObject({
      upload: { kind: 'single' },
      receivedBytes: 0,
      receivedParts: [],
      percent: 0,
    });
    const reader = await api.send({ method: 'GET', url, token: await tokenFor({ scope: 'artifacts:read' }) });
    expect(reader.json()).toMatchObject({ artifact: { id }, upload: null });
    const { request } = before.json<{
      upload: { request: { method: 'PUT'; url: string; headers: object; expiresAt: string } };
    }>().upload;
    await api.store.receive(
      { ...request, headers: { ...request.headers }, expiresAtMs: Date.parse(request.expiresAt) },
      bytes,
    );
    expect((await api.send({ method: 'GET', url })).json()).toMatchObject({ receivedBytes: 4, percent: 100 });
  });

  test('a complete upload has everything and nothing to send, a stream has no percentage', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes: Buffer.from('12345') });
    const done = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/upload` });
    expect(done.json()).toMatchObject({ upload: null, receivedBytes: 5, percent: 100 });
    const stream = await begin(api, { fileName: 'a' });
    expect((await api.send({ method: 'GET', url: `/v1/artifacts/${stream}/upload` })).json()).toMatchObject({
      percent: null,
    });
  });

  test('whose parts were joined, but whose row does not say so yet, is all there', async () => {
    const api = await startTestApi();
    const id = await begin(api, { fileName: 'a', sizeBytes: 2 * PART_BYTES + 1 });
    const { key, uploadId } = (await api.records.get(id))!;
    const upload = { key, uploadId: uploadId!, partSizeBytes: PART_BYTES };
    await api.store.sendParts(upload, Readable.from([Buffer.alloc(2 * PART_BYTES + 1)]), new AbortController().signal);
    const parts = (await api.store.listParts(key, upload.uploadId))!;
    await api.store.completeUpload({ ...upload, artifactId: id, parts });
    const status = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/upload` });
    expect(status.json()).toMatchObject({
      ...{ artifact: { status: 'UPLOADING' }, percent: 100, parts: 3 },
      receivedParts: [PART_BYTES, PART_BYTES, 1].map((sizeBytes) => ({ sizeBytes, crc32: null })),
    });
  });

  test('after the deadline it can still be read', async () => {
    let nowMs = Date.now();
    const api = await startTestApi({ nowMs: () => nowMs });
    const id = await begin(api, { fileName: 'a', sizeBytes: 1, sha256: SHA256 });
    nowMs += 3_600_000;
    const token = await tokenFor({ expiresInSeconds: 7_200 });
    const response = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/upload`, token });
    expect(response.json()).toMatchObject({ artifact: { status: 'UPLOADING' }, upload: null });
  });
});

describe('complete and abort', () => {
  const complete = (api: TestApi, id: string, payload: object) =>
    api.send({ method: 'POST', url: `/v1/artifacts/${id}/upload/complete`, payload });
  const abort = (api: TestApi, id: string) => api.send({ method: 'POST', url: `/v1/artifacts/${id}/upload/abort` });

  test('a repeated complete is fine with the same values and a conflict with others', async () => {
    const api = await startTestApi();
    const bytes = Buffer.from('1234');
    const id = await api.upload({ bytes });
    const again = await complete(api, id, { sizeBytes: 4, sha256: sha256Of(bytes) });
    expect(again.json()).toMatchObject({
      artifact: { id, status: 'ACTIVE', checksumState: 'verified', uploadDeadline: null },
    });
    const other = await complete(api, id, { sizeBytes: 4, sha256: SHA256 });
    expect([other.statusCode, codeOf(other)]).toEqual([409, 'complete_conflict']);
  });

  test('a repeated abort is fine, a complete after it is gone', async () => {
    const api = await startTestApi();
    const id = await begin(api, { fileName: 'a', sizeBytes: 1, sha256: SHA256 });
    for (let i = 0; i < 2; i += 1)
      expect((await abort(api, id)).json()).toMatchObject({
        artifact: { status: 'DELETED', deletionReason: 'upload_aborted' },
      });
    expect(api.lifecycle.calls.filter(({ verb }) => verb === 'abortUpload')).toHaveLength(1);
    const response = await complete(api, id, { sizeBytes: 1, sha256: SHA256 });
    expect([response.statusCode, codeOf(response)]).toEqual([410, 'artifact_deleted']);
  });

  test('an abort of a complete artifact is refused', async () => {
    const api = await startTestApi();
    expect(codeOf(await abort(api, await api.upload({})))).toBe('not_uploading');
  });

  test('what the workflow answers is passed on', async () => {
    const api = await startTestApi();
    const id = await begin(api, { fileName: 'a', sizeBytes: 1, sha256: SHA256 });
    expect(codeOf(await complete(api, id, { sizeBytes: 1, sha256: SHA256 }))).toBe('upload_incomplete');
  });
});
