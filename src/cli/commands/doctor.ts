import type { Command } from 'commander';
import type { DoctorReport } from '../../operator/doctor/doctor.js';
import { ArtifactError } from '../../sdk/index.js';
import { operatorApiUrl, operatorEnvironment } from '../connection.js';
import { doctorTable, progressText } from '../doctor-table.js';
import { ChecksFailed } from '../failures.js';
import { statusLine } from '../status-line.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { examples, print, withJson } from './common.js';
import type { JsonOption } from './common.js';

interface DoctorOptions extends JsonOption {
  strict?: true;
  host?: string[];
}

const NOTES = `
It needs the configuration of a worker (S3_…, DATABASE_URL, TEMPORAL_…), or takes
that of the local stack, and goes to each of them by itself; the API is asked too
when it is known (ARTIFACTS_URL). Into the bucket it writes a few small objects
below artifacts-probe/, and removes them; nothing else is changed anywhere. On AWS
one of them spends a moment in GLACIER, which is billed for 90 days of 40 KB.

Exit code: 0 when nothing failed, 1 when something did; with --strict also 1 when
something is degraded. What was skipped counts for neither.`;

export function addDoctorCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('doctor'))
    .description('examine configuration, bucket, database, Temporal and API: what works, what is missing, what to do')
    .option('--strict', 'fail also when something is degraded')
    .option('--host <id>', 'host whose upload worker must be there, repeatable (default: UPLOAD_HOST_ID)', addHost)
    .addHelpText('after', NOTES)
    .addHelpText('after', examples('doctor', 'doctor --strict --json', 'doctor --host gpu-7 --host gpu-8'))
    .action((options: DoctorOptions) => terminal.withCleanup(() => runDoctor(options, terminal)));
}

const addHost = (host: string, before: string[] = []): string[] => [...before, host];

/** Loaded only here: the Temporal and AWS SDKs take half a second, and no other command needs them. */
async function runDoctor(options: DoctorOptions, terminal: Terminal): Promise<void> {
  const { examineAll } = await import('../../operator/doctor/doctor.js');
  const line = statusLine(terminal.err);
  const report = await examineAll({
    env: operatorEnvironment(terminal),
    apiUrl: operatorApiUrl(terminal),
    hosts: options.host ?? [],
    signal: terminal.signal,
    onProgress: (progress) => line.show(progressText(progress, columnsOfTerminal(terminal.err) - 1)),
  });
  line.clear();
  if (terminal.signal.aborted)
    throw new ArtifactError('aborted', `The caller gave up; left behind in the bucket: ${leftBehind(report)}`);
  print(terminal, options, { json: report, text: doctorTable(report, columnsOfTerminal(terminal.out)) });
  const { failed, degraded } = report.counts;
  if (failed > 0) throw new ChecksFailed(`${failed} ${failed === 1 ? 'check' : 'checks'} failed.`);
  if (degraded > 0 && options.strict === true) throw new ChecksFailed(`${degraded} degraded, and --strict was given.`);
}

const leftBehind = ({ areas }: DoctorReport): string => {
  const all = areas.flatMap(({ checks }) => checks);
  return all.find(({ check }) => check === 'left behind')?.fact ?? 'nothing';
};
