import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a command cost. */
export interface Cost {
  wallSeconds: number;
  /** Of its own process and those it waited for. */
  userSeconds: number;
  peakBytes: number;
  /** Bytes it wrote, to files and sockets; 0 where the system does not tell. */
  writtenBytes: number;
}

/**
 * Runs a command and asks the system what it cost (getrusage(2), RUSAGE_CHILDREN). A small Python in between, because Node does not
 * tell this of its children.
 */
const MEASURE = `
import json, resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, usage.ru_utime, usage.ru_maxrss * (1 if sys.platform == 'darwin' else 1024)]))
sys.exit(code)
`;

interface Command {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

/** @throws with what it wrote to stderr when it fails. */
export async function measure(python: string, { command, args, env = {} }: Command): Promise<Cost> {
  const child = spawn(python, ['-c', MEASURE, command, ...args], { env: { ...process.env, ...env } });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${command} ${args.join(' ').slice(0, 200)} failed: ${texts.err.slice(-2_000)}`);
  const [wallSeconds = NaN, userSeconds = NaN, peakBytes = NaN] = JSON.parse(texts.out) as number[];
  return { wallSeconds, userSeconds, peakBytes, writtenBytes: 0 };
}

/** Linux, USER_HZ (time(7)). */
const TICKS_PER_SECOND = 100;

/** What a process that runs has used so far (proc(5)); null where there is no /proc, or no such process. */
export function usageOf(pid: number): Omit<Cost, 'wallSeconds'> | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const highWater = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const written = /^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1];
    return {
      userSeconds: Number(fields[11]) / TICKS_PER_SECOND,
      peakBytes: Number(highWater) * 1_024,
      writtenBytes: Number(written),
    };
  } catch {
    return null;
  }
}
