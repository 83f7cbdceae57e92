import { describe, expect, test } from 'vitest';
import { Pace } from '../../../src/transfer/pace.js';

const PART_BYTES = 8_000_000;

/** Lets parts arrive for a while from a network that gives so many bytes a second to so many parts. @returns the last limits. */
function run(pace: Pace, clock: { nowMs: number }, rateOf: (parts: number) => number, parts = 2_000): number[] {
  const limits: number[] = [];
  for (let part = 0; part < parts; part += 1) {
    clock.nowMs += (PART_BYTES / rateOf(pace.limit)) * 1_000;
    pace.arrived(PART_BYTES);
    limits.push(pace.limit);
  }
  return limits.slice(-parts / 2);
}

const paceOf = (max: number, start?: number): { pace: Pace; clock: { nowMs: number } } => {
  const clock = { nowMs: 0 };
  return { pace: new Pace({ max, ...(start === undefined ? {} : { start }), nowMs: () => clock.nowMs }), clock };
};

describe('how many parts are under way', () => {
  test('grows to the limit where each connection adds its share', () => {
    const { pace, clock } = paceOf(16);
    expect(Math.min(...run(pace, clock, (parts) => parts * 5e6))).toBeGreaterThanOrEqual(15);
  });

  test('stays where more does not help', () => {
    const { pace, clock } = paceOf(16);
    const limits = run(pace, clock, (parts) => Math.min(parts, 6) * 20e6);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...limits)).toBeLessThanOrEqual(7);
  });

  test('falls where fewer are faster', () => {
    const { pace, clock } = paceOf(8, 8);
    const limits = run(pace, clock, (parts) => 200e6 / Math.max(2, parts));
    expect(Math.max(...limits)).toBeLessThanOrEqual(3);
  });

  test('is halved when the store asks for less, down to one, and comes back', () => {
    const { pace, clock } = paceOf(8, 8);
    pace.slowDown();
    expect(pace.limit).toBe(4);
    for (let times = 0; times < 5; times += 1) pace.slowDown();
    expect(pace.limit).toBe(1);
    expect(Math.max(...run(pace, clock, (parts) => parts * 5e6))).toBe(8);
  });

  test('never passes the limit that was asked for', () => {
    const { pace, clock } = paceOf(2);
    expect(Math.max(...run(pace, clock, (parts) => parts * 5e6))).toBe(2);
  });
});
