import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactError } from '../../../src/domain/errors.js';
import { artifactKey, canonicalPath, fileNameOf, manifestKey, pathOfKey } from '../../../src/domain/keys.js';
import { EXECUTION_ID } from '../../support/records.js';

describe('canonicalPath', () => {
  it.each([
    ['report.pdf', 'output/report.pdf'],
    ['charts/a b.png', 'output/charts/a b.png'],
    ['output/x.txt', 'output/x.txt'],
    ['logs/agent.log', 'logs/agent.log'],
    ['logs', 'output/logs'],
    ['보고서/요약.md', 'output/보고서/요약.md'],
    ['..hidden', 'output/..hidden'],
  ])('brings %j to %j', (given, expected) => {
    expect(canonicalPath(given)).toBe(expected);
  });

  it.each([
    '',
    '/etc/passwd',
    'a//b',
    'a/',
    '.',
    '..',
    'a/../b',
    '../../x',
    'a\\b',
    'a\u0000b',
    'a\nb',
    'safe\u202egnp.exe',
    '\ud800',
    'x'.repeat(256),
    '!'.repeat(200) + '/' + '?'.repeat(255) + '/' + '?'.repeat(10),
    Array.from({ length: 10 }, () => 'x'.repeat(200)).join('/'),
  ])('refuses %j', (given) => {
    expect(() => canonicalPath(given)).toThrow(expect.objectContaining({ code: 'invalid_path' }) as ArtifactError);
  });

  it('accepts a segment of exactly 255 characters', () => {
    expect(fileNameOf(canonicalPath('x'.repeat(255)))).toHaveLength(255);
  });
});

describe('artifactKey', () => {
  it('follows the layout of the specification', () => {
    expect(artifactKey(EXECUTION_ID, 'output/file1.txt')).toBe(`artifacts/${EXECUTION_ID}/output/file1.txt`);
    expect(artifactKey(EXECUTION_ID, 'logs/agent.log')).toBe(`artifacts/${EXECUTION_ID}/logs/agent.log`);
    expect(manifestKey(EXECUTION_ID)).toBe(`artifacts/${EXECUTION_ID}/metadata.json`);
  });

  it('percent-encodes what S3 and URLs dislike', () => {
    expect(artifactKey(EXECUTION_ID, 'output/50% of a#b ~{x}.txt')).toBe(
      `artifacts/${EXECUTION_ID}/output/50%25%20of%20a%23b%20%7E%7Bx%7D.txt`,
    );
  });

  it('takes a name of 255 Hangul syllables', () => {
    const path = canonicalPath('보'.repeat(255));
    expect(Buffer.byteLength(artifactKey(EXECUTION_ID, path))).toBeLessThan(1024);
  });

  it('gives every accepted path a key of its own that leads back to it and fits S3', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        let path: string;
        try {
          path = canonicalPath(name);
        } catch {
          return true;
        }
        const key = artifactKey(EXECUTION_ID, path);
        const safe = /^[\p{L}\p{M}\p{N}\-_.!*'()/%]+$/u.test(key);
        return safe && pathOfKey(key) === path && Buffer.byteLength(key) <= 1024;
      }),
      { numRuns: 1000 },
    );
  });
});
