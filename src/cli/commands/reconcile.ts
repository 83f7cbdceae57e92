import type { Command } from 'commander';
import { isErrorCode } from '../../domain/errors.js';
import { isDriftLeft } from '../../domain/reconcile.js';
import type { ReconciliationResult } from '../../operator/reconcile/reconcile.js';
import { ArtifactError } from '../../sdk/index.js';
import { operatorEnvironment } from '../connection.js';
import { ChecksFailed } from '../failures.js';
import { reconciliationText, reconcileProgressText } from '../reconcile-table.js';
import { statusLine } from '../status-line.js';
import { columnsOfTerminal, type Terminal } from '../terminal.js';
import { examples, print, withConfig, withJson, type JsonOption } from './common.js';

interface ReconcileOptions extends JsonOption {
  dryRun?: true;
  repair?: true;
  last?: true;
  all?: true;
}

const SHOWN = 20;
/** More is read by nobody, and all of it is in memory. */
const MOST_SHOWN = 100_000;

const NOTES = `
It compares the bucket, the rows and the workflows with one another: a workflow
does, on the workers, so Ctrl-C only stops to watch it. A dry run changes nothing.
--repair heals what it found by the workflow of each artifact, each looked at again
just before. Objects that nobody knows are quarantined for
RECONCILE_QUARANTINE_DAYS, and nothing younger than an hour is ever removed. When
very much would be lost at once, none of that is done: it looks like a wrong bucket
or a lost database (artifacts rebuild). Nor is it while another database works with
the bucket (artifacts bucket databases). See docs/operators.md, "Reconciliation".

It needs the configuration of a worker (DATABASE_URL, TEMPORAL_…), or takes that of
the local stack; no API. Exit code: 0 when nothing is left that differs (what is in
quarantine does not count), 1 when something is or it is not
over, 5 when a server does not answer.`;

const GOES_ON =
  'The reconciliation goes on. Its report: artifacts reconcile --last\nTo stop it: temporal workflow cancel --workflow-id reconciliation\n';

export function addReconcileCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('reconcile'))
    .description('find where bucket, rows and workflows differ, and heal it with --repair')
    .option('--dry-run', 'only find (the default)')
    .option('--repair', 'heal what is found')
    .option('--last', 'show the last report, and start nothing')
    .option('--all', `show all findings, and not ${SHOWN} of them`)
    .addHelpText('after', NOTES)
    .addHelpText('after', examples('reconcile', 'reconcile --repair', 'reconcile --last --all --json'))
    .action(async (options: ReconcileOptions, command: Command) => {
      const asked = [options.dryRun, options.repair, options.last].filter((one) => one === true);
      if (asked.length > 1) command.error('error: give one of --dry-run, --repair and --last');
      await terminal.withCleanup(() => runReconcile(options, terminal));
    });
}

/** Loaded only here: the Temporal SDK takes half a second, and no other command needs it. */
async function runReconcile(options: ReconcileOptions, terminal: Terminal): Promise<void> {
  const { lastReconciliation, reconcileNow } = await import('../../operator/reconcile/reconcile.js');
  const findings = options.all === true ? MOST_SHOWN : SHOWN;
  await withConfig(operatorEnvironment(terminal), async (config) => {
    if (options.last === true) return show(await lastReconciliation(config, findings), options, terminal, true);
    const mode = options.repair === true ? 'repair' : 'dry-run';
    const { err, signal } = terminal;
    const line = statusLine(err, saysStages(err));
    const watch = {
      onStart: ({ hasJoined }: { hasJoined: boolean }) =>
        void err.write(hasJoined ? 'A reconciliation runs already: this is the one.\n' : ''),
      onProgress: (...progress: Parameters<typeof reconcileProgressText>) =>
        line.show(reconcileProgressText(...progress)),
    };
    const result = await reconcileNow(config, { mode, findings, signal, ...watch }).finally(() => {
      line.clear();
      if (signal.aborted) err.write(GOES_ON);
    });
    show(result, options, terminal, false);
  });
}

function show(result: ReconciliationResult, options: ReconcileOptions, terminal: Terminal, isRunning: boolean): void {
  const { report, findings } = result;
  const isConsistent = !isDriftLeft(report.totals) && report.failure === null && report.finishedAtMs !== null;
  const text = reconciliationText(result, { maxColumns: columnsOfTerminal(terminal.out), isRunning });
  print(terminal, options, { json: { ...report, isConsistent, findings }, text });
  if (report.failure !== null) throw failureOf(report.failure);
  if (!isConsistent && isDriftLeft(report.totals)) throw new ChecksFailed('Bucket, rows and workflows do not agree.');
  if (report.finishedAtMs === null)
    throw new ChecksFailed(isRunning ? 'It is not over yet.' : 'It was ended before it was done.');
}

/** Where no line can be drawn over: one now and then, when something else is looked at. */
function saysStages(err: Terminal['err']): (text: string) => void {
  let last = '';
  return (text) => {
    const [stage = ''] = text.split(':');
    if (stage !== last) err.write(`${text}\n`);
    last = stage;
  };
}

/** An outage ends the command as it would end any other. */
function failureOf(failure: string): Error {
  const code = failure.slice(0, failure.indexOf(':'));
  const message = `The reconciliation is not complete: ${failure}`;
  return isErrorCode(code) ? new ArtifactError(code, message) : new ChecksFailed(message);
}
