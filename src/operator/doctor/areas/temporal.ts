import type { Config } from '../../../config.js';
import { examineDatabase } from '../../../db/examination.js';
import { examineTemporal, type ScheduleFacts, type TemporalExamination } from '../../../temporal/examination.js';
import { READ_BACK_TASK_QUEUE, RUNNING_LIVES, WEBHOOK_TASK_QUEUE } from '../../../temporal/ids.js';
import { LIFECYCLE_QUEUE, uploadQueue, type Poller, type PolledQueue } from '../../../temporal/pollers.js';
import { RECONCILE_SCHEDULE_ID } from '../../../temporal/reconcile-schedule.js';
import { MINUTE_MS, SECOND_MS } from '../../../domain/units.js';
import { clockVerdict, durationText, listText } from '../rules.js';
import type { AreaChecks, Check } from '../run-checks.js';
import { degraded, failed, ok, skipped, type Verdict } from '../verdicts.js';

/** What every kind of workflow here was tested with. */
const TESTED_SERVER = [1, 28] as const;
/** A question for work waits a minute for some: who asked last before that has gone. */
const GONE_AFTER_MS = 90 * SECOND_MS;
const LEAST_RETENTION_DAYS = 1;
const SHOWN_LIVES = 3;
/** More rows are not counted for one check. */
const MOST_ROWS = 100_000;
const PROBLEMS = 'ArtifactProblem IS NOT NULL AND ExecutionStatus = "Running"';
const NO_LIVES = 'No artifact is uploaded, moved, or deleted at its end; reads and downloads work.';

/** Temporal, its namespace, and who works there. @param hosts whose upload workers are expected. */
export function temporalChecks(config: Config, hosts: string[]): AreaChecks {
  const temporal = examineTemporal(config);
  return {
    area: 'temporal',
    target: `namespace ${config.TEMPORAL_NAMESPACE} at ${config.TEMPORAL_ADDRESS}`,
    checks: [
      { name: 'server', ask: () => serverVerdict(temporal) },
      { name: 'namespace', ask: async () => namespaceVerdict(config, await temporal.namespace()) },
      ...[
        { name: 'search attributes', ask: async () => attributesVerdict(config, await temporal.searchAttributes()) },
        ...queueChecks(temporal, hosts),
        {
          name: 'reconcile schedule',
          ask: async () => scheduleVerdict(config, await temporal.schedule(RECONCILE_SCHEDULE_ID)),
        },
        {
          name: 'lives',
          needs: 'search attributes',
          ask: () => livesVerdict(temporal, (most) => unendedRows(config, most)),
        },
        { name: 'worker versions', ask: () => versionsVerdict(config, temporal) },
        {
          name: 'clock',
          ask: async () => clockVerdict('the Temporal server', await temporal.clock()),
        },
      ].map((check): Check => ({ needs: 'namespace', ...check })),
    ],
    close: () => temporal.close(),
  };
}

async function serverVerdict(temporal: TemporalExamination): Promise<Verdict> {
  const sinceMs = performance.now();
  try {
    const { version } = await temporal.server();
    const fact = `Temporal ${version}, in ${durationText(performance.now() - sinceMs)}`;
    if (!isOlder(version)) return ok(fact);
    return degraded(
      fact,
      'Uploads begin by update-with-start, which servers before it do not have or must be told to allow.',
      `Use Temporal ${TESTED_SERVER.join('.')} or newer.`,
    );
  } catch (error) {
    return connectionVerdict(error);
  }
}

/** Versions that are none (Temporal Cloud) are taken for new. */
export function isOlder(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  const [testedMajor, testedMinor] = TESTED_SERVER;
  return Number(major) < testedMajor || (Number(major) === testedMajor && Number(minor) < testedMinor);
}

/** gRPC status codes (grpc.io, "status codes"). */
const REFUSED_CODES = [7, 16];

function connectionVerdict(error: unknown): Verdict {
  const code = error instanceof Error && 'code' in error ? Number(error.code) : NaN;
  if (REFUSED_CODES.includes(code))
    return failed('the server refuses this API key', NO_LIVES, 'Correct TEMPORAL_API_KEY, or what it may do.');
  return failed(
    'the server does not answer',
    NO_LIVES,
    'Correct TEMPORAL_ADDRESS and TEMPORAL_TLS, or start the server; look at the network between.',
  );
}

type Namespace = Awaited<ReturnType<TemporalExamination['namespace']>>;

function namespaceVerdict({ TEMPORAL_NAMESPACE: name }: Config, namespace: Namespace): Verdict {
  if (namespace === null)
    return failed(
      'there is no namespace of this name',
      NO_LIVES,
      `Correct TEMPORAL_NAMESPACE, or: temporal operator namespace create -n ${name} --retention 7d`,
    );
  const days = Math.round(namespace.retentionDays * 10) / 10;
  const fact = `what has ended is kept for ${days} ${days === 1 ? 'day' : 'days'}`;
  if (!namespace.hasUpdates)
    return failed(`${fact}; it takes no updates`, NO_LIVES, 'Turn on frontend.enableUpdateWorkflowExecution.');
  if (days >= LEAST_RETENTION_DAYS) return ok(fact);
  return degraded(
    fact,
    'Whoever looks for the reason of a failure finds the workflow gone. Rows and audit are not concerned.',
    `temporal operator namespace update -n ${name} --retention 7d`,
  );
}

type Attributes = Awaited<ReturnType<TemporalExamination['searchAttributes']>>;

/** Pure: what is missing of the search attributes, or of another type. */
export function attributesVerdict({ TEMPORAL_NAMESPACE: namespace }: Config, { missing, wrong }: Attributes): Verdict {
  if (wrong.length > 0)
    return failed(
      `of another type: ${wrong.map(({ name, is, shouldBe }) => `${name} is ${is}, not ${shouldBe}`).join('; ')}`,
      NO_LIVES,
      'Use a namespace of its own: a type cannot be changed.',
    );
  if (missing.length > 0)
    return failed(
      `not registered: ${listText(missing, 20)}`,
      'No life begins, and those that run stop at their next step.',
      `Run the role "setup", or: temporal operator search-attribute create -n ${namespace} --name … --type … (docs/operators.md)`,
    );
  return ok('all of them are registered, with the right types');
}

function queueChecks(temporal: TemporalExamination, hosts: string[]): Check[] {
  const start = 'Start a worker (role "worker").';
  const own: { queue: PolledQueue; effect: string; remedy: string; isVital: boolean }[] = [
    { queue: LIFECYCLE_QUEUE, effect: NO_LIVES, remedy: start, isVital: true },
    {
      queue: { name: READ_BACK_TASK_QUEUE, type: 'activity' },
      effect: 'Uploads that the store did not check stay unverified.',
      remedy: `${start} One of an older build does not have this queue.`,
      isVital: true,
    },
    {
      queue: { name: WEBHOOK_TASK_QUEUE, type: 'activity' },
      effect: 'Nobody is told of changes, until they are given up.',
      remedy: `${start} One of an older build does not have this queue.`,
      isVital: false,
    },
    ...hosts.map((hostId) => ({
      queue: uploadQueue(hostId),
      effect: 'Folders of this host cannot be published: host_unreachable.',
      remedy: `Run on the host: artifacts worker --upload --host ${hostId}`,
      isVital: false,
    })),
  ];
  const checks = own.map(({ queue, ...rest }): Check => ({
    name: `queue ${queue.name}`,
    ask: async () => pollersVerdict(await temporal.pollers(queue), { ...rest, nowMs: Date.now() }),
  }));
  if (hosts.length > 0) return checks;
  const none = skipped('no host is named: --host, UPLOAD_HOST_ID');
  return [...checks, { name: 'upload hosts', ask: () => none }];
}

/** Pure: who asks a queue for work, and since when nobody has. */
export function pollersVerdict(
  pollers: Poller[],
  { nowMs, isVital, effect, remedy }: { nowMs: number; isVital: boolean; effect: string; remedy: string },
): Verdict {
  const seen = ({ lastSeenMs }: Poller): number => Math.max(0, nowMs - lastSeenMs);
  const text = (poller: Poller): string => `${poller.identity} (${durationText(seen(poller))} ago)`;
  const there = pollers.filter((poller) => seen(poller) < GONE_AFTER_MS);
  if (there.length > 0)
    return ok(`${there.length} ${there.length === 1 ? 'worker' : 'workers'}: ${listText(there.map(text))}`);
  const last = pollers[0];
  const fact =
    last === undefined ? 'no worker asks for work' : `no worker asks for work any more; the last was ${text(last)}`;
  return isVital ? failed(fact, effect, remedy) : degraded(fact, effect, remedy);
}

/** Pure: whether reconciliations begin by themselves. */
export function scheduleVerdict(
  { RECONCILE_EVERY_MINUTES: everyMinutes }: Pick<Config, 'RECONCILE_EVERY_MINUTES'>,
  schedule: ScheduleFacts | null,
): Verdict {
  const effect = 'Where bucket, database and workflows drift apart, nobody finds out by himself.';
  if (schedule === null && everyMinutes === 0)
    return degraded(
      'there is none, by RECONCILE_EVERY_MINUTES=0',
      effect,
      'Nothing, if "artifacts reconcile" is run now and then; else set it, and run the role "setup".',
    );
  if (schedule === null)
    return degraded('there is none', effect, 'Run the role "setup" of this build, which makes it.');
  if (schedule.paused)
    return degraded(
      `it is paused${schedule.note === '' ? '' : `: ${schedule.note}`}`,
      effect,
      `temporal schedule toggle --unpause --schedule-id ${RECONCILE_SCHEDULE_ID}`,
    );
  const { lastRunMs, nextRunMs } = schedule;
  const last = lastRunMs === null ? 'it never ran' : `ran ${durationText(Math.max(0, Date.now() - lastRunMs))} ago`;
  return ok(
    nextRunMs === null ? last : `${last}, next in ${durationText(Math.max(MINUTE_MS, nextRunMs - Date.now()))}`,
  );
}

/** Builds of the workers that ask for work; none when Temporal does not say, which is told by its own checks. */
export async function workerBuilds(config: Config): Promise<string[]> {
  const temporal = examineTemporal(config);
  try {
    const pollers = await temporal.pollers(LIFECYCLE_QUEUE);
    const there = pollers.filter(({ lastSeenMs }) => Date.now() - lastSeenMs < GONE_AFTER_MS);
    return [...new Set(there.flatMap(({ build }) => build ?? []))];
  } catch {
    return [];
  } finally {
    await temporal.close();
  }
}

/** Null: the database does not say, which is told by its own checks. */
async function unendedRows({ DATABASE_URL }: Config, most: number): Promise<number | null> {
  try {
    const database = await examineDatabase(DATABASE_URL);
    return await database.unended(most).finally(() => database.close());
  } catch {
    return null;
  }
}

async function livesVerdict(
  temporal: TemporalExamination,
  countRows: (most: number) => Promise<number | null>,
): Promise<Verdict> {
  const lives = await temporal.count(RUNNING_LIVES);
  const enough = 2 * lives + 1;
  const rows = enough > MOST_ROWS ? null : await countRows(enough);
  if (rows !== null && rows >= enough)
    return failed(
      lives === 0
        ? 'none runs, and there are artifacts'
        : `only ${lives} run, and there are more than twice as many artifacts`,
      'Nothing happens to those without: they neither expire nor can they be kept or deleted.',
      'If Temporal was lost: artifacts rebuild (docs/operators.md). Else correct TEMPORAL_NAMESPACE or DATABASE_URL.',
    );
  const problems = await temporal.count(PROBLEMS);
  if (problems === 0) return ok(`${lives} run, none has a problem`);
  const ids = await temporal.some(PROBLEMS, SHOWN_LIVES);
  return degraded(
    `${lives} run; ${problems} ${problems === 1 ? 'workflow has' : 'workflows have'} a problem: ${listText(ids, SHOWN_LIVES)}`,
    'What they were told or what is due waits; they try again by themselves, unless their bytes are wrong.',
    `temporal workflow list --query 'ArtifactProblem IS NOT NULL AND ExecutionStatus = "Running"' tells which; docs/operators.md what to do.`,
  );
}

async function versionsVerdict(config: Config, temporal: TemporalExamination): Promise<Verdict> {
  const pollers = await temporal.pollers(LIFECYCLE_QUEUE);
  const name = config.WORKER_DEPLOYMENT_NAME ?? pollers.find(({ deployment }) => deployment !== null)?.deployment?.name;
  if (name === undefined) return ok('Worker Versioning is off: any worker takes any work');
  return deploymentVerdict({ name, pollers, deployment: await temporal.deployment(name) });
}

/** Pure: whether a worker of the version that gets the work is there. */
export function deploymentVerdict({
  name,
  pollers,
  deployment,
}: {
  name: string;
  pollers: Poller[];
  deployment: { currentBuildId: string | null } | null;
}): Verdict {
  const running = [...new Set(pollers.map((poller) => poller.deployment?.buildId ?? 'unversioned'))];
  const current = deployment?.currentBuildId ?? null;
  const fact = `${name}: current is ${current ?? 'none'}, running ${running.length === 0 ? 'none' : listText(running)}`;
  if (running.includes(current ?? 'unversioned')) return ok(fact);
  return failed(
    fact,
    NO_LIVES,
    current === null
      ? `temporal worker deployment set-current-version --deployment-name ${name} --build-id <the one that runs>`
      : `Start a worker of ${current}, or make the one that runs the current version (docs/operators.md).`,
  );
}
