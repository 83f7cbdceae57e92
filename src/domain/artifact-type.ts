import mime from 'mime';
import type { ArtifactType } from './artifact.js';

const CODE_EXTENSIONS = new Set(
  (
    'c cc cpp cs css dart diff ex exs go h hpp html ipynb java jl js jsx kt lua m mjs mts php pl py r rb rs scala scss sh ' +
    'sql svelte swift tf toml ts tsx vue yaml yml'
  ).split(' '),
);
const DATA_EXTENSIONS = new Set(
  'arrow avro csv db feather json jsonl ndjson npy npz parquet sqlite tsv xls xlsx xml'.split(' '),
);
const DOCUMENT_EXTENSIONS = new Set('doc docx md odt pdf ppt pptx rst rtf tex txt'.split(' '));

const extensionOf = (fileName: string): string => /\.([^./]+)$/.exec(fileName)?.[1]?.toLowerCase() ?? '';

/** MIME type by the name's extension; `application/octet-stream` when unknown. TypeScript is not MPEG transport stream. */
export function guessMimeType(fileName: string): string {
  const extension = extensionOf(fileName);
  if (extension === 'ts' || extension === 'mts' || extension === 'tsx') return 'text/x-typescript';
  if (extension === 'log') return 'text/plain';
  return mime.getType(fileName) ?? 'application/octet-stream';
}

/** FEAT-004 REQ-8, from the path and MIME type: `logs/` and `.log` are logs, then the extension decides, then the MIME type. */
export function guessArtifactType(path: string, mimeType: string): ArtifactType {
  const extension = extensionOf(path);
  if (path.startsWith('logs/') || extension === 'log') return 'log';
  if (CODE_EXTENSIONS.has(extension)) return 'code';
  if (DATA_EXTENSIONS.has(extension)) return 'data';
  if (DOCUMENT_EXTENSIONS.has(extension)) return 'document';
  if (mimeType.startsWith('image/')) return 'image';
  if (mimeType === 'application/json' || mimeType === 'text/csv') return 'data';
  if (mimeType.startsWith('text/') || mimeType === 'application/pdf') return 'document';
  return 'other';
}
