import { Option } from 'commander';
import type { Command } from 'commander';
import { RESTORE_TIERS } from '../../sdk/index.js';
import type { RestoreTier } from '../../sdk/index.js';
import { deleteExecution, deletionText } from '../deletion.js';
import type { Terminal } from '../terminal.js';
import { parseWholeNumber, print, printArtifact, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

const ID = '0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10';
const EXECUTION = '7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11';
const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  artifacts ${line}\n`).join('')}`;

/** `keep`, `retention`, `archive`, `restore` and `delete`: what changes an artifact's life. */
export function addLifecycleCommands(program: Command, terminal: Terminal): void {
  addRetentionCommands(program, terminal);
  addArchiveCommands(program, terminal);
  addDeleteCommand(program, terminal);
}

function addRetentionCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('keep'))
    .description('keep an artifact for ever, until a retention is set again')
    .argument('<id>', 'artifact id')
    .requiredOption('--reason <text>', 'why; stays in its history')
    .addHelpText('after', examples(`keep ${ID} --reason "release evidence"`))
    .action(async (id: string, options: JsonOption & { reason: string }) => {
      const artifact = await withClient(terminal, (client) => client.keepForever(id, options.reason));
      printArtifact(terminal, options, artifact);
    });

  withJson(program.command('retention'))
    .description('set how long an artifact, or what an execution leaves, is kept')
    .argument('<id>', 'artifact id; with --execution, execution id')
    .argument('<days>', 'whole days from its creation, 1 to 36500', parseWholeNumber)
    .option('--confirm', 'go on even if that deletes something now')
    .option('--execution', 'for every artifact of the execution that has no retention of its own')
    .addHelpText(
      'after',
      examples(`retention ${ID} 90`, `retention ${ID} 1 --confirm`, `retention ${EXECUTION} 365 --execution`),
    )
    .action(async (id: string, days: number, options: JsonOption & { confirm?: true; execution?: true }) => {
      const { confirm = false } = options;
      if (options.execution === true) {
        const retentionDays = await withClient(terminal, (client) =>
          client.setExecutionRetention(id, days, { confirm }),
        );
        const text = `Artifacts of ${id} are kept ${retentionDays} days from their creation.\n`;
        return print(terminal, options, { json: { retentionDays }, text });
      }
      const artifact = await withClient(terminal, (client) => client.setRetention(id, days, { confirm }));
      printArtifact(terminal, options, artifact);
    });
}

function addArchiveCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('archive'))
    .description('move an artifact to the archive; it must be restored before it can be downloaded')
    .argument('<id>', 'artifact id')
    .addHelpText('after', examples(`archive ${ID}`))
    .action(async (id: string, options: JsonOption) => {
      const artifact = await withClient(terminal, async (client) => {
        await client.archiveArtifact(id);
        return client.getArtifact(id);
      });
      printArtifact(terminal, options, artifact);
    });

  withJson(program.command('restore'))
    .description('bring an artifact back from the archive; may take hours: see "show"')
    .argument('<id>', 'artifact id')
    .addOption(new Option('--tier <tier>', 'how fast').choices(RESTORE_TIERS).default('Standard'))
    .addHelpText('after', examples(`restore ${ID}`, `restore ${ID} --tier Expedited`))
    .action(async (id: string, options: JsonOption & { tier: RestoreTier }) => {
      const artifact = await withClient(terminal, async (client) => {
        await client.restoreArtifact(id, { tier: options.tier });
        return client.getArtifact(id);
      });
      printArtifact(terminal, options, artifact);
    });
}

function addDeleteCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('delete'))
    .description('delete artifacts, or all artifacts of an execution')
    .argument('[id...]', 'artifact ids')
    .option('--execution <uuid>', 'delete everything this execution has')
    .addHelpText('after', examples(`delete ${ID}`, `delete --execution ${EXECUTION}`))
    .action(async (ids: string[], options: JsonOption & { execution?: string }, command: Command) => {
      const { execution } = options;
      if (ids.length > 0 === (execution !== undefined))
        command.error('error: give artifact ids, or --execution, and not both');
      if (execution !== undefined) {
        const shown = { terminal, quiet: options.json === true };
        const counts = await withClient(terminal, (client) => deleteExecution(client, execution, shown));
        return print(terminal, options, { json: counts, text: deletionText(counts) });
      }
      const alreadyDeleted: string[] = [];
      const deleted = await withClient(terminal, async (client) => {
        for (const id of ids) {
          // Deleting again is fine for a program; a person may have mistaken the id.
          if ((await client.getArtifact(id)).status === 'DELETED') alreadyDeleted.push(id);
          else await client.deleteArtifact(id);
        }
        return ids.length - alreadyDeleted.length;
      });
      const text = [`Deleted ${deleted}.`, ...alreadyDeleted.map((id) => `${id} was already deleted.`)];
      print(terminal, options, { json: { deleted, alreadyDeleted }, text: `${text.join('\n')}\n` });
    });
}
