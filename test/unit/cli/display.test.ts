import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { historyTable } from '../../../src/cli/history.js';
import { showTransfer } from '../../../src/cli/progress.js';
import { artifactTable, keptUntil, table } from '../../../src/cli/tables.js';
import { columnsOf, fit, printable, shorten } from '../../../src/cli/text-width.js';
import type { Artifact } from '../../../src/sdk/index.js';

const artifact = (path: string): Artifact => ({
  ...{ id: '0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10', executionId: '7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11' },
  ...{ path, fileName: 'f', filePath: `artifacts/x/${path}`, fileSize: 5, mimeType: 'text/plain' },
  ...{
    checksum: 'c',
    checksumState: 'verified',
    type: 'document',
    status: 'ACTIVE',
    tier: 'HOT',
    storageClass: 'STANDARD',
  },
  ...{ tags: {}, retention: { rule: 'default', days: 30 }, workflowId: 'w', holds: [] },
  tiering: { warmAfterDays: 30, coldAfterDays: 90, by: 'age' },
  downloads: 0,
  ...{ createdAt: new Date(0), updatedAt: new Date(0), expiresAt: new Date(Date.now() + 30 * 86_400_000) },
});

describe('text on a terminal', () => {
  test('that somebody else wrote begins no line of its own and sends no escapes', () => {
    expect(printable('x\n2026-01-01 hold ended \u001b[31m보고서')).toBe('x�2026-01-01 hold ended �[31m보고서');
    expect(table([{ head: 'A', text: (row: string) => row }], ['x\ny'])).toBe('A\nx�y\n');
  });

  test.each([
    ['report.pdf', 10],
    ['보고서.pdf', 10],
    ['📊.png', 6],
    ['e\u0301.txt', 5],
  ])('%s takes %i columns', (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
  });

  test.each([
    ['output/a.txt', 12, 'output/a.txt'],
    ['output/charts/a.png', 11, 'outpu…a.png'],
    ['output/보고서-2026.pdf', 12, 'outpu…26.pdf'],
    ['보고서보고서', 6, '보…서'],
  ])('%s in %i columns reads %s', (text, columns, short) => {
    expect(shorten(text, columns)).toBe(short);
    expect(columnsOf(fit(text, columns))).toBe(columns);
    expect(columnsOf(fit(text, columns, 'right'))).toBe(columns);
  });
});

describe('tables', () => {
  const long = `output/${'deep/'.repeat(30)}보고서.pdf`;

  test('keep their columns apart under names of any script', () => {
    const columns = [
      { head: 'A', text: ([a]: string[]) => a ?? '' },
      { head: 'B', text: ([, b]: string[]) => b ?? '', align: 'right' as const },
    ];
    const rows = [
      ['보고서', '1'],
      ['x', '22'],
    ];
    expect(table(columns, rows)).toBe('A        B\n보고서   1\nx       22\n');
  });

  test.each([80, 100, 140])('of artifacts stay within %i columns', (maxColumns) => {
    const lines = artifactTable([artifact(long), artifact('output/a.txt')], maxColumns)
      .trimEnd()
      .split('\n');
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(maxColumns);
    expect(lines[1]).toContain('…');
    expect(lines[1]).toContain('0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10');
  });

  test('of artifacts are whole in a pipe', () => {
    expect(artifactTable([artifact(long)])).toContain(long);
  });

  test.each([
    [{}, 'in 30 days'],
    [{ warnedAt: new Date(0) }, 'in 30 days !'],
    [{ holds: [{ id: 'h', by: 'ann', reason: 'case 17', at: new Date(0) }] }, 'held'],
    [{ retention: { rule: 'permanent', by: 'ann', reason: '', at: new Date(0) } }, 'for ever'],
    [{ status: 'DELETED' }, '—'],
    [{ status: 'DELETED', purgeAt: new Date(Date.now() + 7 * 86_400_000) }, 'gone in 7 days'],
  ] as const)('say of %j that it is kept %s', (facts, text) => {
    expect(keptUntil({ ...artifact('output/a.txt'), ...structuredClone(facts) } as Artifact)).toBe(text);
  });

  test('of a history show holds and windows as people wrote and read them', () => {
    const at = new Date('2026-01-31T12:00:00Z');
    const text = historyTable([
      { kind: 'hold_added', actor: 'ann', at, detail: { id: 'h', reason: 'case_17', untilMs: at.getTime() } },
      {
        kind: 'deleted',
        actor: 'ann',
        at,
        detail: { reason: 'requested', deleteMarker: 'm', canBeUndeletedUntil: '2026-02-07T12:00:00.5Z' },
      },
      {
        kind: 'undeleted',
        actor: 'ann',
        at,
        detail: { from: 'expired', retention: { rule: 'date', expiresAtMs: at.getTime() } },
      },
    ]);
    expect(text).toContain('id h, reason case_17, until 2026-01-31 12:00:00 UTC');
    expect(text).toContain('reason requested, can be undeleted until 2026-02-07 12:00:00 UTC');
    expect(text).toContain('from expired, retention until 2026-01-31 12:00:00 UTC');
    expect(text).not.toContain('delete marker');
  });

  test('of a history have no epochs and no JSON', () => {
    const text = historyTable([
      {
        kind: 'retention_changed',
        actor: 'ann',
        at: new Date('2026-01-31T12:00:00.123Z'),
        detail: {
          to: { rule: 'permanent', by: 'ann', reason: 'evidence' },
          from: { rule: 'default', days: 30 },
          expiresAtMs: null,
        },
      },
      {
        kind: 'retention_changed',
        actor: 'ann',
        at: new Date('2026-02-01T12:00:00Z'),
        detail: { to: { rule: 'artifact', days: 1 }, expiresAtMs: Date.parse('2026-03-01T00:00:00Z') },
      },
      {
        kind: 'deleted',
        actor: 'worker',
        at: new Date('2026-03-01T00:00:01Z'),
        detail: {
          reason: 'expired',
          removedVersions: ['v'],
          abortedUploads: [],
          provenAbsentAt: '2026-03-01T00:00:01.5Z',
        },
      },
    ]);
    expect(text).toContain('2026-01-31 12:00:00 UTC  retention changed  ann');
    expect(text).toContain('from 30 days (default), to for ever (ann: evidence)');
    expect(text).toContain('to 1 day (artifact), expires at 2026-03-01 00:00:00 UTC');
    expect(text).toContain('reason expired, removed versions: 1, proven absent at 2026-03-01 00:00:01 UTC');
    expect(text).not.toMatch(/[{}"]|\d{13}/);
  });
});

describe('bars on a terminal', () => {
  /** A terminal that remembers all that was written to it. */
  function fakeTerminal(columns: number): { stream: NodeJS.WriteStream; written: () => string } {
    const stream = Object.assign(new PassThrough(), {
      isTTY: true,
      columns,
      rows: 24,
      getWindowSize: () => [columns, 24],
    });
    const written: string[] = [];
    stream.on('data', (chunk: Buffer) => written.push(chunk.toString()));
    return { stream: stream as unknown as NodeJS.WriteStream, written: () => written.join('') };
  }

  test('leave a line for every file, the last one too', () => {
    const { stream, written } = fakeTerminal(100);
    const display = showTransfer(stream, { files: 2, bytes: 2_048 });
    for (const name of ['a.txt', 'b.txt']) {
      const shown = display.begin(name, 1_024);
      shown.update(1_024, 'verifying');
      shown.end('uploaded, 1.0 KiB');
    }
    display.stop();
    expect(written()).toMatch(/ a\.txt +uploaded, 1\.0 KiB\n/);
    expect(written()).toMatch(/ b\.txt +uploaded, 1\.0 KiB\n/);
  });

  test.each([60, 100])('never take more than one line of %i columns', (columns) => {
    const { stream, written } = fakeTerminal(columns);
    const display = showTransfer(stream, { files: 12, bytes: 4_096 });
    const shown = display.begin(`${'보고서'.repeat(30)}.pdf`, 4_096);
    shown.update(1_024, 'verifying');
    display.begin('b.txt', 1).end('uploaded, 1 B');
    display.stop();
    // Control sequences: cursor, erase, modes.
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');
    const lines = written().replaceAll(escapes, '\n').split('\n');
    for (const line of lines) expect(columnsOf(line)).toBeLessThan(columns);
    expect(written()).toMatch(/ 25% 보고/);
    expect(written()).toContain('verifying');
    expect(written()).toContain('1 of 12 files');
  });
});
