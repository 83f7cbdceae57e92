const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 KiB`; whole numbers below 1 KiB. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
const relative = new Intl.RelativeTimeFormat('en');

/** `in 30 days`, `3 minutes ago`. */
export function relativeTime(date: Date, nowMs = Date.now()): string {
  const seconds = (date.getTime() - nowMs) / 1_000;
  // Counted a little generously, so that what was just given 30 days does not read "29 days".
  const [unit, length] = STEPS.find(([name, size]) => Math.abs(seconds) >= size * (name === 'month' ? 2 : 0.99)) ?? [
    'second',
    1,
  ];
  return relative.format(Math.round(seconds / length), unit);
}

/** `2026-01-31 12:00:00 UTC (in 30 days)`. */
export const dateAndRelative = (date: Date): string =>
  `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC (${relativeTime(date)})`;
