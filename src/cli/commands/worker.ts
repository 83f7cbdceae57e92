import { resolve } from 'node:path';
import type { Command } from 'commander';
import { workerEnvironment } from '../connection.js';
import { humanBytes } from '../format.js';
import type { Terminal } from '../terminal.js';
import { examples, withConfig } from './common.js';

interface WorkerOptions {
  upload?: true;
  host?: string;
  root?: string[];
  tenant?: string;
}

const NOTES = `
It reads regular files below its roots, and nothing else: links that lead out of
them are refused. It needs Temporal and the bucket, configured as for the other
workers (TEMPORAL_ADDRESS, S3_BUCKET, …), or takes those of the local stack; it
needs neither the API nor the database. Workers of one host share its work, and
must have the same roots: beside the local stack, which has an upload worker of
its own, take another --host. Ctrl-C hands over what is being sent: another
worker of the same host goes on from the first missing part.`;

export function addWorkerCommand(program: Command, terminal: Terminal): void {
  program
    .command('worker')
    .description("run the worker that reads this host's files, so that agents' folders can be published from it")
    .option('--upload', 'the only kind of worker that is run from here')
    .option('--host <id>', 'name of the host (default: UPLOAD_HOST_ID, or the name of this machine)')
    .option('--root <dir>', 'folder below which it may read, repeatable (default: UPLOAD_ROOTS)', addRoot)
    .option('--tenant <tenant>', "whose executions may be given files (default: UPLOAD_TENANT, or the local stack's)")
    .addHelpText('after', NOTES)
    .addHelpText(
      'after',
      examples('worker --upload --host laptop --root /work', 'worker --upload --host gpu-7 --root /work --tenant acme'),
    )
    .action(async (options: WorkerOptions, command: Command) => {
      if (options.upload !== true) command.error('error: add --upload: no other worker is run from the command line');
      await terminal.withCleanup(() => runWorker(options, terminal));
    });
}

const addRoot = (root: string, before: string[] = []): string[] => [...before, root];

/** Loaded only here: the Temporal SDK takes half a second, and no other command needs it. */
async function runWorker({ host, root, tenant }: WorkerOptions, terminal: Terminal): Promise<void> {
  const { hostSettings, runHostWorker } = await import('../../host-worker.js');
  await withConfig(workerEnvironment(terminal), async (config) => {
    const settings = hostSettings(config, {
      ...(host === undefined ? {} : { hostId: host }),
      ...(root === undefined ? {} : { roots: root.map((folder) => resolve(terminal.cwd, folder)) }),
      ...(tenant === undefined ? {} : { tenantId: tenant }),
    });
    await runHostWorker(config, settings, peopleLog(terminal));
  });
}

type Facts = Record<string, unknown>;

/** The lines of the worker for a person in front of a terminal. */
function peopleLog({ err }: Terminal): {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
} {
  const say = (mark: string, facts: Facts, message: string): void => {
    const time = new Date().toTimeString().slice(0, 8);
    err.write(`${time} ${mark} ${message}${describe(facts)}\n`);
  };
  return {
    info: (facts, message) => say(' ', facts as Facts, message),
    warn: (facts, message) => say('!', facts as Facts, message),
  };
}

function describe(facts: Facts): string {
  const words = Object.entries(facts).filter(([, value]) => value !== undefined && value !== 0);
  if (words.length === 0) return '';
  const shown = words.map(([name, value]) => `${name.replace(/(Ms|Bytes)$/, '')} ${showValue(name, value)}`);
  return `: ${shown.join(', ')}`;
}

function showValue(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  if (typeof value === 'number' && name.endsWith('Bytes')) return humanBytes(value);
  if (typeof value === 'number' && name.endsWith('Ms')) return `${(value / 1_000).toFixed(1)} s`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
