import { Command, CommanderError } from 'commander';
import { packageVersion } from '../package.js';
import { addArchiveCommands } from './commands/archive.js';
import { addBucketCommand } from './commands/bucket.js';
import { addDeletionCommands } from './commands/deletion.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addDownloadCommands } from './commands/download.js';
import { addHoldCommands } from './commands/holds.js';
import { addMigrateCommand } from './commands/migrate.js';
import { addPublishCommand } from './commands/publish.js';
import { addQueryCommands } from './commands/query.js';
import { addReconcileCommand } from './commands/reconcile.js';
import { addRebuildCommand } from './commands/rebuild.js';
import { addRetentionCommands } from './commands/retention.js';
import { addShareCommands } from './commands/shares.js';
import { addTagCommand } from './commands/tags.js';
import { addUploadCommand } from './commands/upload.js';
import { addWorkerCommand } from './commands/worker.js';
import { addWatchCommand } from './commands/watch.js';
import { EXIT_CODES_HELP, describeFailure, exitCodeOf } from './failures.js';
import type { Terminal } from './terminal.js';

// Commander wraps these paragraphs to the width of the terminal.
const ABOUT = [
  "Stores what agents produce: files go to S3, facts to Postgres, and a workflow keeps each one's life.",
  'The API is named by ARTIFACTS_URL and ARTIFACTS_TOKEN. Without ARTIFACTS_URL the local stack ("npm start") at or above the ' +
    'working folder is used, with ARTIFACTS_TOKEN or its own token. Every command takes --json: its result, and nothing else, on stdout.',
].join('\n\n');

const EXAMPLES = `
Examples:
  artifacts upload report.pdf --execution 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11
  artifacts list 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11 --type document
  artifacts download 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 -o report.pdf
  artifacts keep 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 --reason "release evidence"`;

/**
 * Runs one command line (without node and script) and answers with the exit code. Results go to `terminal.out`, all else to
 * `terminal.err`.
 */
export async function runCli(args: string[], terminal: Terminal): Promise<number> {
  try {
    await buildProgram(terminal).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has said what is wrong with the command line itself.
    if (!(error instanceof CommanderError)) terminal.err.write(`${describeFailure(error, args.includes('--json'))}\n`);
    return exitCodeOf(error);
  }
}

function buildProgram(terminal: Terminal): Command {
  const program = new Command('artifacts')
    .summary('store and find what agents produce')
    .description(ABOUT)
    .version(packageVersion())
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`)
    // Subcommands inherit both, so they come before them.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
    })
    .showHelpAfterError('(add --help for examples)')
    .showSuggestionAfterError();
  addUploadCommand(program, terminal);
  addPublishCommand(program, terminal);
  addWatchCommand(program, terminal);
  addQueryCommands(program, terminal);
  addDownloadCommands(program, terminal);
  addShareCommands(program, terminal);
  addRetentionCommands(program, terminal);
  addHoldCommands(program, terminal);
  addTagCommand(program, terminal);
  addArchiveCommands(program, terminal);
  addDeletionCommands(program, terminal);
  addWorkerCommand(program, terminal);
  addReconcileCommand(program, terminal);
  addMigrateCommand(program, terminal);
  addDoctorCommand(program, terminal);
  addBucketCommand(program, terminal);
  addRebuildCommand(program, terminal);
  return program;
}
