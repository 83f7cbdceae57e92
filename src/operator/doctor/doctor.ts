import { loadConfig, type Config } from '../../config.js';
import { apiChecks } from './areas/api.js';
import { configurationChecks } from './areas/configuration.js';
import { databaseChecks } from './areas/database.js';
import { storeChecks } from './areas/store.js';
import { temporalChecks, workerBuilds } from './areas/temporal.js';
import { redactor } from './redact.js';
import { runChecks, type AreaChecks } from './run-checks.js';
import { VERDICTS, type Area, type CheckResult, type Verdict } from './verdicts.js';

export interface DoctorOptions {
  /** Configuration of a worker. */
  env: Record<string, string | undefined>;
  /** Null: not known. */
  apiUrl: string | null;
  /** Hosts whose upload workers are looked for, beside UPLOAD_HOST_ID. */
  hosts: string[];
  /** Fires when the user has had enough: no check is begun any more, and what was written is removed. */
  signal: AbortSignal;
  onProgress?: (progress: DoctorProgress) => void;
}

export interface DoctorProgress {
  done: number;
  total: number;
  /** What is being asked just now. */
  running: { area: Area; check: string }[];
}

export interface DoctorReport {
  /** The worst that a check ended with; what was skipped does not count. */
  status: 'ok' | 'degraded' | 'failed';
  counts: Record<Verdict['status'], number>;
  durationMs: number;
  areas: { area: Area; target: string; checks: CheckResult[] }[];
}

/**
 * Asks everything by the configuration of a worker, all areas at once, and nothing longer than its time. Writes a few small objects into the
 * bucket, which are removed before it answers. Never throws for what it finds; no secret is in what it says.
 */
export async function examineAll(options: DoctorOptions): Promise<DoctorReport> {
  const sinceMs = performance.now();
  const areas = areasOf(options);
  const redact = redactor(options.env);
  const running = new Map<Area, string>();
  const total = areas.reduce((sum, { checks }) => sum + checks.length, 0);
  let done = 0;
  const tell = (): void =>
    options.onProgress?.({ done, total, running: [...running].map(([area, check]) => ({ area, check })) });
  const examined = areas.map(async (area) => {
    const checks = await runChecks(area, {
      signal: options.signal,
      onBegin: (name, check) => {
        running.set(name, check);
        tell();
      },
      onEnd: (name) => {
        running.delete(name);
        done += 1;
        tell();
      },
    });
    return { area: area.area, target: area.target, checks: checks.map(redact) };
  });
  const found = await Promise.all(examined);
  const counts = countOf(found.flatMap(({ checks }) => checks));
  const status = counts.failed > 0 ? 'failed' : counts.degraded > 0 ? 'degraded' : 'ok';
  return { status, counts, durationMs: Math.round(performance.now() - sinceMs), areas: found };
}

function areasOf({ env, apiUrl, hosts, signal }: DoctorOptions): AreaChecks[] {
  const config = tryToLoad(env);
  if (config instanceof Error) return [configurationChecks(config), apiChecks(apiUrl, () => Promise.resolve([]))];
  const named = [...new Set([...(config.UPLOAD_HOST_ID === undefined ? [] : [config.UPLOAD_HOST_ID]), ...hosts])];
  return [
    configurationChecks(config),
    storeChecks(config, signal),
    databaseChecks(config),
    temporalChecks(config, named),
    apiChecks(apiUrl, () => workerBuilds(config)),
  ];
}

function tryToLoad(env: DoctorOptions['env']): Config | Error {
  try {
    return loadConfig(env);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const countOf = (checks: Verdict[]): DoctorReport['counts'] =>
  Object.fromEntries(
    VERDICTS.map((status) => [status, checks.filter((check) => check.status === status).length]),
  ) as DoctorReport['counts'];
