import { ArtifactError } from './errors.js';
import { isUuid } from './ids.js';
import { utf8Bytes } from './text.js';

/** FEAT-004 REQ-2: `artifacts/{executionId}/{output|logs}/{path}` and `artifacts/{executionId}/metadata.json`. */
export const KEY_PREFIX = 'artifacts/';
/** Of throw-away objects: beside the artifacts, so that no rule about them, manifest or inspection ever looks at it. */
export const PROBE_PREFIX = 'artifacts-probe/';
/** Of what databases say of themselves: beside the artifacts as well, `artifacts-databases/{databaseId}`. */
export const DATABASES_PREFIX = 'artifacts-databases/';
/** How many characters of the key of an artifact come before its path. */
export const KEY_PATH_OFFSET = KEY_PREFIX.length + 37;
export const MAX_SEGMENT_CHARACTERS = 255;
/** S3: a key is at most 1,024 bytes of UTF-8. */
export const MAX_KEY_BYTES = 1_024;

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Brings a user's file name or path into its canonical form: relative, starting with `output/` or `logs/`.
 * `report.pdf` → `output/report.pdf`; `logs/agent.log` stays.
 * @throws `invalid_path` for empty or over-long segments, `.` and `..`, absolute paths, backslashes, control and
 * bidirectional override characters, and when the key would pass 1,024 bytes.
 */
export function canonicalPath(fileName: string): string {
  const refuse = (why: string): never => {
    throw new ArtifactError('invalid_path', `"${fileName.slice(0, 80)}": ${why}`);
  };
  if (fileName.length === 0) refuse('the name is empty');
  if (CONTROL.test(fileName)) refuse('control and direction characters are not allowed');
  if (LONE_SURROGATE.test(fileName)) refuse('the name is not valid Unicode');
  if (fileName.includes('\\')) refuse('use / between folders, not \\');
  const segments = fileName.split('/');
  for (const segment of segments) {
    if (segment === '') refuse('empty folder or file names, leading and trailing / are not allowed');
    if (segment === '.' || segment === '..') refuse('"." and ".." are not allowed');
    if (segment.length > MAX_SEGMENT_CHARACTERS) refuse(`a name has more than ${MAX_SEGMENT_CHARACTERS} characters`);
  }
  const rooted = segments.length > 1 && (segments[0] === 'output' || segments[0] === 'logs');
  const path = rooted ? fileName : `output/${fileName}`;
  if (KEY_PATH_OFFSET + utf8Bytes(encodePath(path)) > MAX_KEY_BYTES) refuse('the path is too long for an S3 key');
  return path;
}

/**
 * Letters, marks and digits of any script stay as they are (a key is UTF-8, and a syllable of Hangul is 3 bytes then, not 9), and
 * so do the other characters that the S3 user guide ("object keys") calls safe. The rest is percent-encoded.
 */
const UNSAFE = /[^\p{L}\p{M}\p{N}\-_.!*'()/]/gu;
const encodePath = (path: string): string =>
  path.replace(UNSAFE, (character) => (character === '~' ? '%7E' : encodeURIComponent(character)));

/** The S3 key of an artifact. @param path canonical, see {@link canonicalPath}. */
export const artifactKey = (executionId: string, path: string): string =>
  `${KEY_PREFIX}${executionId}/${encodePath(path)}`;

/** What follows the execution in the keys of all paths that begin so: each character is encoded by itself. */
export const encodedPrefix = (path: string): string => encodePath(path);

/** The canonical path back from a key: inverse of {@link artifactKey}. */
export const pathOfKey = (key: string): string =>
  key.slice(KEY_PATH_OFFSET).split('/').map(decodeURIComponent).join('/');

/** The execution in a key of ours, `artifacts/{executionId}/…`; null in any other. */
export function executionOfKey(key: string): string | null {
  const executionId = key.slice(KEY_PREFIX.length, KEY_PATH_OFFSET - 1);
  return key.startsWith(KEY_PREFIX) && key[KEY_PATH_OFFSET - 1] === '/' && isUuid(executionId) ? executionId : null;
}

/** Whose key it is; null for one that no artifact has. */
export function placeOfKey(key: string): { executionId: string; path: string } | null {
  const executionId = executionOfKey(key);
  if (executionId === null) return null;
  try {
    const path = pathOfKey(key);
    return artifactKey(executionId, path) === key ? { executionId, path } : null;
  } catch {
    // Percent signs that encode nothing.
    return null;
  }
}

/** Whether it is the key of a manifest. */
export function isManifestKey(key: string): boolean {
  const executionId = executionOfKey(key);
  return executionId !== null && key === manifestKey(executionId);
}

export const manifestKey = (executionId: string): string => `${KEY_PREFIX}${executionId}/metadata.json`;

/** Where a database says that it works with the bucket. */
export const databaseKey = (databaseId: string): string => `${DATABASES_PREFIX}${databaseId}`;

/** The database in such a key; null in any other. */
export function databaseOfKey(key: string): string | null {
  const databaseId = key.slice(DATABASES_PREFIX.length);
  return key.startsWith(DATABASES_PREFIX) && isUuid(databaseId) ? databaseId : null;
}

export const fileNameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
