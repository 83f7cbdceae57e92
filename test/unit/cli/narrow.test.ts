import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { shareTable } from '../../../src/cli/commands/shares.js';
import { historyTable } from '../../../src/cli/history.js';
import { pairs, planSheet } from '../../../src/cli/tables.js';
import { columnsOf } from '../../../src/cli/text-width.js';
import type { ArtifactShare, HistoryEntry } from '../../../src/sdk/index.js';

const at = new Date('2026-01-31T12:00:00Z');
const entry = (detail: Record<string, unknown>, actor = 'ann'): HistoryEntry => ({
  ...{ kind: 'retention_changed', actor, at, detail },
});
const share = (): ArtifactShare => ({
  ...{ id: randomUUID(), artifactId: randomUUID(), createdBy: 'local-developer', createdAt: at },
  ...{ expiresAt: new Date(Date.now() + 7 * 86_400_000), maxUses: 1_000, uses: 3 },
});
const widest = (text: string): number => Math.max(...text.split('\n').map(columnsOf));

describe('on a narrow terminal', () => {
  test.each([72, 80, 120])('a history stays within %i columns, and tells everything', (columns) => {
    const reason = 'evidence that is needed for long '.repeat(5).trim();
    const text = historyTable([entry({ reason }), entry({ reason: '보고서 '.repeat(30) }, 'x'.repeat(60))], columns);
    expect(widest(text)).toBeLessThanOrEqual(columns);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(reason.slice(0, 25));
    expect([...text.matchAll(/needed/g)]).toHaveLength(5);
  });

  test('a history that fits looks as it does anywhere', () => {
    const entries = [entry({ reason: 'case 17' })];
    expect(historyTable(entries, 100)).toBe(historyTable(entries));
  });

  test('links stay within 80 columns, with their ids', () => {
    const shares = [share(), { ...share(), ended: 'revoked' as const }];
    const text = shareTable(shares, 80);
    expect(widest(text)).toBeLessThanOrEqual(80);
    for (const { id } of shares) expect(text).toContain(id);
    expect(text).toContain('3 of 1000');
    expect(text).toContain('in 7 days');
    expect(shareTable(shares)).toContain('LAST USED');
  });

  test('names and values go on below, and what is to be copied stays whole', () => {
    const key = `artifacts/${randomUUID()}/output/${'deep/'.repeat(20)}report.pdf`;
    const text = pairs(
      [
        ['Stored', `${key} (HOT, STANDARD)`],
        ['Reason', 'word '.repeat(40).trim()],
      ],
      80,
    );
    expect(text).toContain(key);
    expect(widest(text.replace(key, ''))).toBeLessThanOrEqual(80);
    expect(text).toMatch(/^Reason {2}word/m);
    expect(text).toMatch(/^ {8}word/m);
    const because = 'nobody has asked for it in a long time '.repeat(4);
    expect(widest(planSheet({ action: 'expire', because, wouldChange: [] } as never, 80))).toBeLessThanOrEqual(80);
  });
});
