import type { ManifestEntry, ManifestHead } from './manifest.js';

/*
 * A manifest as text, JSON as a whole and by lines: its head, an artifact to a line, and its end. So neither who writes one nor who reads it needs
 * all of it in memory. What a line says is unseen whether it is true: see `manifest-records.ts`.
 */

/** How the line of the head ends. */
const HEAD_END = ',"artifacts":[';

/** Without what ends a line, as an entry or the end begins with it. */
export const headLine = (head: ManifestHead): string => `${JSON.stringify(head).slice(0, -1)}${HEAD_END}`;

/** After the line before. */
export const entryLine = (entry: ManifestEntry, isFirst: boolean): string =>
  `${isFirst ? '' : ','}\n${JSON.stringify(entry)}`;

export const endLine = (totals: { artifactCount: number; totalBytes: number }): string =>
  `\n],${JSON.stringify(totals).slice(1)}\n`;

/** What the first line says; null when it is none of {@link headLine}. */
export const parseHeadLine = (line: string): unknown =>
  line.endsWith(HEAD_END) ? parse(`${line.slice(0, -HEAD_END.length)}}`) : null;

/** What a line of an artifact says; null when it says nothing. */
export const parseEntryLine = (line: string): unknown => parse(line.replace(/,$/, ''));

export const isEndLine = (line: string): boolean => line.startsWith(']');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
