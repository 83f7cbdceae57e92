import { ArtifactError, errorKind } from '../domain/errors.js';
import { SECOND_MS } from '../domain/units.js';
import type { ApiContext } from './context.js';
import type { Readiness } from './schemas/health.js';

/** Probes may come often and from many sides: an answer is given again for this long. */
const CACHE_MS = 3 * SECOND_MS;
/** A dependency that is silent for longer counts as down. Whoever probes often gives up after a second. */
const CHECK_TIMEOUT_MS = 800;

type Check = Readiness['checks']['database'];

const NOT_ASKED: Check = { ok: false, detail: 'Not asked: the process is about to stop.' };
const DRAINING: Readiness = {
  status: 'draining',
  checks: { database: NOT_ASKED, storage: NOT_ASKED, workflows: NOT_ASKED },
};

/**
 * Asks every dependency. The database and the store are needed for anything at all; without workflows reads and downloads go
 * on, so the service stays in rotation as `degraded`.
 */
export function createReadiness(context: ApiContext): () => Promise<Readiness> {
  let cached: { untilMs: number; checks: Promise<Readiness['checks']> } | null = null;
  return async () => {
    if (context.isDraining()) return DRAINING;
    const nowMs = context.nowMs();
    if (cached === null || nowMs >= cached.untilMs) cached = { untilMs: nowMs + CACHE_MS, checks: checkAll(context) };
    const checks = await cached.checks;
    return { status: statusOf(checks), checks };
  };
}

function statusOf({ database, storage, workflows }: Readiness['checks']): Readiness['status'] {
  if (!database.ok || !storage.ok) return 'unavailable';
  return workflows.ok ? 'ok' : 'degraded';
}

async function checkAll({ records, requireBucket, lifecycle }: ApiContext): Promise<Readiness['checks']> {
  const [database, storage, workflows] = await Promise.all([
    check(() => records.ping()),
    check(requireBucket),
    check(() => lifecycle.ping()),
  ]);
  return { database, storage, workflows };
}

async function check(ask: () => Promise<void>): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<Check>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: 'It does not answer.' }), CHECK_TIMEOUT_MS);
  });
  const answer = ask().then(
    (): Check => ({ ok: true }),
    // Anyone may read this: the catalogue's words only, no host names.
    (error: unknown): Check => ({
      ok: false,
      detail: `${errorKind(error instanceof ArtifactError ? error.code : 'internal').title}.`,
    }),
  );
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}
