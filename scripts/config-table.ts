import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configSchema } from '../src/config.js';

const BEGIN = '<!-- configuration: made by `npm run docs` -->';
const END = '<!-- /configuration -->';

export const readmePath = fileURLToPath(new URL('../README.md', import.meta.url));

/** The README with its table of variables made anew from the schema. @throws when the README has no place for it. */
export function withConfigTable(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${table()}\n\n${readme.slice(end)}`;
}

function table(): string {
  const rows = Object.entries(configSchema.properties).map(([name, schema]) => {
    const { default: value, description } = schema as { default?: unknown; description?: string };
    return [
      `\`${name}\``,
      value === undefined ? '' : `\`${JSON.stringify(value).replaceAll('"', '')}\``,
      description ?? '',
    ];
  });
  const head = ['variable', 'default', 'what it is'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(readmePath, withConfigTable(readFileSync(readmePath, 'utf8')));
