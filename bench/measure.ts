import { mib } from './figures.js';

const SAMPLE_MS = 20;

/** Runs it, and prints how long it took, for each of so many, and how the resident memory of this process rose. @returns the seconds. */
export async function measure(
  name: string,
  { count, of }: { count: number; of: string },
  run: () => Promise<string>,
): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS);
  const t0 = performance.now();
  let said: string;
  try {
    said = await run();
  } finally {
    clearInterval(sampler);
  }
  const seconds = (performance.now() - t0) / 1_000;
  console.log(
    `${name.padEnd(34)} ${seconds.toFixed(1).padStart(6)} s ${String(Math.round(count / seconds)).padStart(7)} ${of}/s ` +
      `${said}; resident ${mib(before)} before, ${mib(peak)} at its peak`,
  );
  return seconds;
}
