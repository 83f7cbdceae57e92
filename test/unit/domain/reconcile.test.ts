import { describe, expect, it } from 'vitest';
import { OUTCOMES } from '../../../src/domain/drift.js';
import { addInspected, brakeOf, isDriftLeft } from '../../../src/domain/reconcile.js';

const losses = (rows: number, missing: number, unknown: number, objects = 5_000) =>
  brakeOf({ inspected: { rows, objects }, missing, unknown, lifeless: 0 });

describe('the brake of a repair', () => {
  it.each([
    [0, 0, 0],
    [1, 1, 0],
    [10, 10, 0],
    [100, 50, 0],
    [100, 50, 50],
    [2_000, 200, 0],
    [2_000, 100, 100],
    [0, 0, 0],
  ])('is off with %d rows of which %d are missing, and %d unknown objects', (rows, missing, unknown) => {
    expect(losses(rows, missing, unknown)).toBeNull();
  });

  it.each([
    [11, 11, 0],
    [100, 51, 0],
    [101, 101, 0],
    [1_009, 101, 0],
    [1_009, 51, 50],
    [2_000, 201, 0],
    [2_000, 0, 201],
  ])('is on with %d rows of which %d are missing, and %d unknown objects', (rows, missing, unknown) => {
    expect(losses(rows, missing, unknown)).toMatch(/^withheld: .* see "artifacts rebuild"$/);
  });

  it('is on when there are no rows at all, however few objects would go', () => {
    expect(losses(0, 0, 1)).toContain('no rows at all');
  });

  it('is on when there are no objects at all, however few rows would go', () => {
    expect(losses(1, 1, 0, 0)).toContain('no objects at all');
    expect(losses(0, 0, 0, 0)).toBeNull();
  });
});

describe('the brake of a repair that would start lives', () => {
  const lifeless = (rows: number, count: number) =>
    brakeOf({ inspected: { rows, objects: 5_000 }, missing: 0, unknown: 0, lifeless: count });

  it('is off for a few, and for a small share', () => {
    for (const [rows, count] of [
      [10, 10],
      [22, 11],
      [2_000, 200],
    ] as const)
      expect(lifeless(rows, count)).toBeNull();
  });

  it('is on for most of them, and for a large share of many: their workflows may run in another namespace', () => {
    for (const [rows, count] of [
      [11, 11],
      [21, 11],
      [2_000, 201],
    ] as const)
      expect(lifeless(rows, count)).toContain(`${count} of ${rows} rows have no workflow`);
  });

  it('is on when most of the objects are unknown, as beside a database of others', () => {
    expect(losses(60, 0, 40, 60)).toContain('40 unknown objects would be lost for good');
    expect(losses(60, 0, 30, 60)).toBeNull();
  });
});

describe('drift', () => {
  it.each(OUTCOMES)('of which a finding is %s', (outcome) => {
    const isLeft = isDriftLeft([{ outcome, findings: 1 }]);
    expect(isLeft).toBe(['open', 'withheld', 'failed'].includes(outcome));
    expect(isDriftLeft([{ outcome, findings: 0 }])).toBe(false);
  });

  it('is left when one of many is', () => {
    expect(isDriftLeft([])).toBe(false);
    const totals = [
      { outcome: 'repaired', findings: 9 },
      { outcome: 'failed', findings: 1 },
    ] as const;
    expect(isDriftLeft(totals)).toBe(true);
  });
});

it('adds up what slices have looked at', () => {
  const one = { rows: 1, objects: 2, bytes: 3, uploads: 4, lives: 5, manifests: 6 };
  const twice = { rows: 2, objects: 4, bytes: 6, uploads: 8, lives: 10, manifests: 12 };
  expect(addInspected(one, one)).toEqual(twice);
});
