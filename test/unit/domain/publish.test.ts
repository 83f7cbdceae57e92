import { expect, test } from 'vitest';
import {
  MAX_LISTED_FILES,
  newReport,
  requirePublishRequest,
  uploadTaskQueue,
  withFound,
  withUploaded,
  type FoundFile,
  type PublishRequest,
  type UploadedFile,
} from '../../../src/domain/publish.js';

const REQUEST: PublishRequest = {
  publicationId: '0b7d9d3c-7a0e-4c38-8d55-0d8a0d9b7a01',
  executionId: '0b7d9d3c-7a0e-4c38-8d55-0d8a0d9b7a02',
  tenantId: 'acme',
  actor: 'agent',
  hostId: 'host-1',
  folder: 'turn-7',
};

test('a request that is well formed is answered with as it is', () => {
  const request = { ...REQUEST, include: ['**/*.md'], tags: { team: 'blue' }, retentionDays: 7, replace: true };
  expect(requirePublishRequest(request)).toBe(request);
  expect(requirePublishRequest(REQUEST)).toBe(REQUEST);
});

test.each<[string, Partial<PublishRequest>, string]>([
  ['a publication id that is no UUID', { publicationId: 'x' }, 'invalid_id'],
  ['an execution id that is no UUID', { executionId: '../x' }, 'invalid_id'],
  ['a host whose name is a path', { hostId: '../host' }, 'invalid_request'],
  ['an empty folder', { folder: '' }, 'invalid_request'],
  ['a folder with NUL', { folder: 'a\u0000b' }, 'invalid_request'],
  ['too many patterns', { exclude: Array<string>(101).fill('*') }, 'invalid_request'],
  ['an empty pattern', { include: [''] }, 'invalid_request'],
  ['a tag that is ours', { tags: { 'artifact-sha256': 'x' } }, 'invalid_tags'],
  ['half a day', { retentionDays: 0.5 }, 'invalid_retention'],
  ['all or nothing that replaces', { allOrNothing: true, replace: true }, 'invalid_request'],
])('%s is refused', (_what, change, code) => {
  expect(() => requirePublishRequest({ ...REQUEST, ...change })).toThrow(expect.objectContaining({ code }) as Error);
});

test('the queue of a host has its name', () => {
  expect(uploadTaskQueue('host-1')).toBe('artifact-upload.host-1');
});

const found = (file: string): FoundFile => ({
  file,
  path: `output/${file}`,
  sizeBytes: 10,
  modifiedAtMs: 0,
  sha256: null,
});
const result = (file: string, outcome: UploadedFile['outcome']): UploadedFile => ({
  ...found(file),
  artifactId: `id of ${file}`,
  outcome,
  ...(outcome === 'failed' ? { code: 'path_taken', message: 'other content' } : {}),
});

test('a report counts every file once, whatever became of it', () => {
  const refused = [{ file: 'pipe', code: 'source_unreadable', message: 'no regular file' }] as const;
  const scanned = withFound(newReport(REQUEST, 5), {
    files: [found('a'), found('b'), found('c')],
    refused: [...refused],
    next: null,
  });
  const report = withUploaded(scanned, [result('a', 'uploaded'), result('b', 'unchanged'), result('c', 'failed')]);
  expect(report.counts).toEqual({
    found: 4,
    foundBytes: 30,
    uploaded: 1,
    uploadedBytes: 10,
    unchanged: 1,
    unchangedBytes: 10,
    failed: 2,
  });
  expect(report.files.map(({ path, outcome }) => `${path} ${outcome}`)).toEqual([
    'output/a uploaded',
    'output/b unchanged',
  ]);
  expect(report.failures).toEqual([...refused, { file: 'c', code: 'path_taken', message: 'other content' }]);
});

test('a report lists some files and counts all, so that it stays small', () => {
  const names = Array.from({ length: MAX_LISTED_FILES + 50 }, (_, index) => String(index));
  const report = withUploaded(newReport(REQUEST, 0), [
    ...names.map((name) => result(name, 'uploaded')),
    ...names.map((name) => result(name, 'failed')),
  ]);
  expect(report.files).toHaveLength(MAX_LISTED_FILES);
  expect(report.failures).toHaveLength(MAX_LISTED_FILES);
  expect(report.counts).toMatchObject({ uploaded: names.length, failed: names.length });
});
