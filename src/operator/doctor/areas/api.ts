import { errorKind } from '../../../domain/errors.js';
import { SECOND_MS } from '../../../domain/units.js';
import { clockVerdict, durationText, listText } from '../rules.js';
import type { AreaChecks } from '../run-checks.js';
import { degraded, failed, ok, skipped, type Verdict } from '../verdicts.js';

const TIMEOUT_MS = 5 * SECOND_MS;
const DATE_ACCURACY_MS = SECOND_MS / 2;

interface Answer {
  status: number;
  /** Undefined when it is no JSON. */
  body: unknown;
  date: string | null;
  tookMs: number;
}

/** The API by its public addresses: no token is needed, and none is sent. @param workerBuilds of those that are there and tell. */
export function apiChecks(baseUrl: string | null, workerBuilds: () => Promise<string[]>): AreaChecks {
  if (baseUrl === null)
    return {
      area: 'api',
      target: 'not known',
      checks: [{ name: 'alive', ask: () => skipped('no API is known here: ARTIFACTS_URL') }],
    };
  const ask = (path: string): Promise<Answer> => get(`${baseUrl.replace(/\/+$/, '')}${path}`);
  return {
    area: 'api',
    target: URL.canParse(baseUrl) ? new URL(baseUrl).origin : 'an address that is none',
    checks: [
      { name: 'alive', ask: async () => aliveVerdict(await ask('/livez').catch(() => null)) },
      { name: 'ready', ask: async () => readyVerdict(await ask('/readyz')) },
      {
        name: 'build',
        ask: async () => buildVerdict(fieldOf((await ask('/livez')).body, 'build'), await workerBuilds()),
      },
      {
        name: 'clock',
        ask: async () => {
          const { date, tookMs } = await ask('/livez');
          const serverMs = Date.parse(date ?? '');
          if (Number.isNaN(serverMs)) return skipped('it does not tell its time');
          const aheadMs = serverMs + DATE_ACCURACY_MS - (Date.now() - tookMs / 2);
          return clockVerdict('the API', { aheadMs, accuracyMs: DATE_ACCURACY_MS + tookMs / 2 });
        },
      },
    ],
  };
}

async function get(url: string): Promise<Answer> {
  const sinceMs = performance.now();
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  const tookMs = performance.now() - sinceMs;
  return { status: response.status, body: parsed(text), date: response.headers.get('date'), tookMs };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const UNREACHABLE = 'Who uses the API by this address gets nothing; lives go on.';

function aliveVerdict(answer: Answer | null): Verdict {
  if (answer === null)
    return failed('it does not answer', UNREACHABLE, 'Correct ARTIFACTS_URL, or start the API (role "api").');
  if (fieldOf(answer.body, 'status') === 'ok') return ok(`it answers in ${durationText(answer.tookMs)}`);
  return failed(`something else answers there, with ${answer.status}`, UNREACHABLE, 'Correct ARTIFACTS_URL.');
}

/** Pure: what `/readyz` says. */
export function readyVerdict({ status, body }: Pick<Answer, 'status' | 'body'>): Verdict {
  const state = fieldOf(body, 'status');
  const checks = Object.entries(objectOf(fieldOf(body, 'checks'))).filter(([, check]) => fieldOf(check, 'ok') !== true);
  const down = checks.map(([name]) => name);
  const { title, remedy: toMigrate } = errorKind('database_not_migrated');
  if (checks.some(([name, check]) => name === 'database' && fieldOf(check, 'detail') === `${title}.`))
    return failed('its database is not migrated to its version', 'It serves nothing.', toMigrate);
  const remedy = `Look at what it reaches from where it runs: ${down.join(', ')}.`;
  if (state === 'ok') return ok('it reaches database, store and workflows');
  if (state === 'degraded')
    return degraded('workflows do not answer it', 'Reads and downloads work, changes are refused.', remedy);
  if (state === 'draining')
    return degraded('it is about to stop', 'New requests go elsewhere.', 'Nothing, if it is being rolled out.');
  if (state === 'unavailable') return failed(`${down.join(' and ')} does not answer it`, 'It serves nothing.', remedy);
  return failed(`/readyz is answered with ${status}`, 'Load balancers leave it out.', 'Look at what stands between.');
}

/** Pure: whether API and workers run the same code. */
export function buildVerdict(build: unknown, ofWorkers: string[]): Verdict {
  if (typeof build !== 'string') return skipped('it does not tell');
  const others = ofWorkers.filter((one) => one !== build);
  if (others.length === 0) return ok(`${build}${ofWorkers.length === 0 ? '' : ', as the workers'}`);
  return degraded(
    `${build}, and there are workers of ${listText(others)}`,
    'What is new in one of them the other may not know. A roll-out that is under way looks like that.',
    'Bring API and workers to the same build.',
  );
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const fieldOf = (value: unknown, name: string): unknown => objectOf(value)[name];
