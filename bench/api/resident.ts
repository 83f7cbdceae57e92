import { readFileSync } from 'node:fs';

/** Resident set of a process (proc(5)); NaN where there is no /proc, or no such process. */
export function residentBytes(pid: number): number {
  try {
    const resident = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(resident) * 1_024;
  } catch {
    return NaN;
  }
}
