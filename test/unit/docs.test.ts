import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readmePath, withConfigTable } from '../../scripts/config-table.js';
import { ANNOUNCED_KINDS } from '../../src/domain/artifact-record.js';
import { BUCKET_ROLES, ROLE_ACTIONS } from '../../src/domain/bucket/roles.js';
import * as messages from '../../src/workflows/messages.js';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/search-attributes.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(readmePath, 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts;

describe('the documents', () => {
  it('list every variable of the configuration as the schema has it (npm run docs)', () => {
    const cells = (text: string): string[] =>
      text.split('\n').map((line) => line.replaceAll(/\s+/g, ' ').replaceAll(/-+/g, '-'));
    expect(cells(readme)).toEqual(
      cells(withConfigTable(readme)).filter((line, i, all) => line !== '' || all[i - 1] !== ''),
    );
  });

  it.each(pages)('%s links to files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target]) => target ?? '');
    const missing = targets.filter((target) => !existsSync(join(root, dirname(page), target)));
    expect(missing).toEqual([]);
  });

  it('list the actions that each role needs on the bucket, and no others', () => {
    for (const role of BUCKET_ROLES.filter((name) => name !== 'agent')) {
      const row = readme.split('\n').find((line) => line.startsWith(`- \`${role}\`: `)) ?? '';
      const told = [...row.matchAll(/`(s3:\w+)`/g)].map(([, action]) => action ?? '');
      const others = role === 'operator' ? ROLE_ACTIONS.worker.actions : [];
      expect([...told, ...others].sort()).toEqual([...ROLE_ACTIONS[role].actions].sort());
    }
  });

  it('name only scripts that exist', () => {
    const named = [...readme.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? '');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    expect(named).toContain('demo');
  });

  it('tell operators of every event that webhooks are sent for, and of no other', () => {
    const page = readFileSync(join(root, 'docs/operators.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `artifact.'));
    const told = rows.flatMap((row) => [...row.matchAll(/`artifact\.(\w+)`/g)].map(([, kind]) => kind ?? ''));
    expect(told.sort()).toEqual([...ANNOUNCED_KINDS].sort());
  });

  it('tell operators of every signal that is theirs to send', () => {
    const page = readFileSync(join(root, 'docs/operators.md'), 'utf8');
    const signals = Object.entries(messages).flatMap(([key, { name }]) => (key.endsWith('Signal') ? [name] : []));
    const internal = ['inheritRetention', 'announce'];
    expect(signals.length).toBeGreaterThan(8);
    expect(signals.filter((name) => !internal.includes(name) && !page.includes(`| \`${name}\``))).toEqual([]);
  });

  it('tell operators of every search attribute', () => {
    const page = readFileSync(join(root, 'docs/operators.md'), 'utf8');
    expect(SEARCH_ATTRIBUTES.filter((key) => !page.includes(`\`${key.name}\``))).toEqual([]);
  });
});
