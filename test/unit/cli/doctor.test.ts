import { describe, expect, test } from 'vitest';
import { doctorTable, progressText } from '../../../src/cli/doctor-table.js';
import { columnsOf, wrap } from '../../../src/cli/text-width.js';
import type { DoctorReport } from '../../../src/operator/doctor/doctor.js';
import type { CheckResult } from '../../../src/operator/doctor/verdicts.js';

const check = (name: string, more: Partial<CheckResult> = {}): CheckResult => ({
  ...{ area: 'store', check: name, status: 'ok', fact: 'fine', durationMs: 3 },
  ...more,
});
const long = '한글 이름과 a-very-long-word-'.repeat(12);

const report = (checks: CheckResult[]): DoctorReport => ({
  status: 'failed',
  counts: { ok: 1, degraded: 0, failed: 1, skipped: 2 },
  durationMs: 3_456,
  areas: [{ area: 'store', target: 'bucket artifacts at http://127.0.0.1:9000', checks }],
});

describe('the table of the doctor', () => {
  test('tells what is so, and of what is not fine what follows and what to do', () => {
    const text = doctorTable(
      report([
        check('bucket'),
        check('versions', { status: 'degraded', fact: 'none', effect: 'No undelete.', remedy: 'Turn them on.' }),
      ]),
      Infinity,
    );
    expect(text).toBe(
      [
        'Object store: bucket artifacts at http://127.0.0.1:9000',
        '  ok        bucket    fine',
        '  degraded  versions  none',
        '                      so: No undelete.',
        '                      do: Turn them on.',
        '',
        '1 ok, 0 degraded, 2 skipped, 1 failed, in 3.5 s.',
        '',
      ].join('\n'),
    );
  });

  test('tells in one line what was skipped for one reason', () => {
    const skipped = { status: 'skipped' as const, fact: 'not asked, because of "bucket"' };
    const text = doctorTable(report([check('versions', skipped), check('tags', skipped), check('clock')]), 80);
    expect(text).toContain('skipped   2 checks  not asked, because of "bucket": versions, tags\n');
    expect(text).toContain('ok        clock     fine\n');
  });

  test.each([40, 60, 80, 200])('stays within %i columns, whatever the facts are', (columns) => {
    const text = doctorTable(
      report([
        check('bucket', { fact: long }),
        check(`queue artifact-upload.${'x'.repeat(60)}`, { status: 'failed', fact: long, effect: long, remedy: long }),
      ]),
      columns,
    );
    for (const line of text.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(Math.min(columns, 110));
  });

  test('has no colours and nothing that moves the cursor', () => {
    expect(doctorTable(report([check('bucket', { fact: 'a\u001b[31mred\r' })]), 80)).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f]/,
    );
  });
});

test('the line of progress tells what is asked, in the columns there are', () => {
  const running = [{ area: 'store' as const, check: 'expiry of URLs' }];
  expect(progressText({ done: 3, total: 40, running }, 79)).toBe('3 of 40: Object store (expiry of URLs)');
  expect(progressText({ done: 3, total: 40, running }, 20)).toHaveLength(20);
  expect(progressText({ done: 40, total: 40, running: [] }, 79)).toBe('40 of 40');
});

test('text is wrapped between words, and inside of those that are too long', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
  expect(wrap('', 10)).toEqual(['']);
  expect(wrap('한글', 1)).toEqual(['한', '글']);
});
