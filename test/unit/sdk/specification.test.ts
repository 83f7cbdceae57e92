import type { ReadableStream } from 'node:stream/web';
import { expect, expectTypeOf, test } from 'vitest';
import { ARTIFACT_TYPES, ArtifactType, type ArtifactClient } from '../../../src/sdk/index.js';

// FEAT-004, word for word: REQ-3, REQ-8 and "Service Interface". What is written against them must run with the client as it is.

interface ArtifactMetadata {
  id: string;
  executionId: string;
  fileName: string;
  filePath: string;
  fileSize: number;
  mimeType: string;
  checksum: string;

  createdAt: Date;
  expiresAt?: Date;

  tags?: Record<string, string>;
}

interface UploadOptions {
  fileName: string;
  mimeType?: string;
  type?: ArtifactType;
  tags?: Record<string, string>;
  retentionDays?: number;
}

interface ArtifactService {
  uploadArtifact(executionId: string, file: Buffer | ReadableStream, options: UploadOptions): Promise<ArtifactMetadata>;

  getPresignedUrl(artifactId: string, expiresIn?: number): Promise<string>;
  downloadArtifact(artifactId: string): Promise<ReadableStream>;

  getArtifact(artifactId: string): Promise<ArtifactMetadata>;
  listArtifacts(executionId: string): Promise<ArtifactMetadata[]>;

  deleteArtifact(artifactId: string): Promise<void>;
  deleteExecutionArtifacts(executionId: string): Promise<number>;

  archiveArtifact(artifactId: string): Promise<void>;
  restoreArtifact(artifactId: string): Promise<void>;
}

expectTypeOf<ArtifactClient>().toExtend<ArtifactService>();

test('the types of artifacts are those of the specification, by name and by value', () => {
  expect(ArtifactType).toEqual({
    CODE: 'code',
    DOCUMENT: 'document',
    IMAGE: 'image',
    DATA: 'data',
    LOG: 'log',
    OTHER: 'other',
  });
  const options: UploadOptions = { fileName: 'a.ts', type: ArtifactType.CODE };
  expect(ARTIFACT_TYPES).toContain(options.type);
});
