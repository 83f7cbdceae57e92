import type { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import {
  ARTIFACT_EXAMPLE as ID,
  EXECUTION_EXAMPLE as EXECUTION,
  examples,
  parseTimeOption,
  parseWholeNumber,
  print,
  printArtifact,
  withClient,
  withJson,
} from './common.js';
import type { JsonOption } from './common.js';

interface RetentionOptions extends JsonOption {
  until?: Date;
  confirm?: true;
  execution?: true;
}

/** `keep` and `retention`: how long. */
export function addRetentionCommands(program: Command, terminal: Terminal): void {
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
    .argument('[days]', 'whole days from its creation, 1 to 36500', parseWholeNumber)
    .option('--until <time>', 'instead of days: a day such as 2030-01-01, or a time', parseTimeOption)
    .option('--confirm', 'go on even if that deletes something now')
    .option('--execution', 'for every artifact of the execution that has no retention of its own')
    .addHelpText(
      'after',
      examples(
        `retention ${ID} 90`,
        `retention ${ID} --until 2030-01-01`,
        `retention ${ID} 1 --confirm`,
        `retention ${EXECUTION} 365 --execution`,
      ),
    )
    .action(async (id: string, days: number | undefined, options: RetentionOptions, command: Command) => {
      const { confirm = false, until } = options;
      if (options.execution === true) {
        if (days === undefined || until !== undefined)
          command.error('error: an execution keeps its artifacts for days');
        const retentionDays = await withClient(terminal, (client) =>
          client.setExecutionRetention(id, days, { confirm }),
        );
        const text = `Artifacts of ${id} are kept ${retentionDays} days from their creation.\n`;
        return print(terminal, options, { json: { retentionDays }, text });
      }
      const keep = until === undefined ? days : { expiresAt: until };
      if (keep === undefined || (days !== undefined && until !== undefined))
        command.error('error: give days, or --until, and not both');
      const artifact = await withClient(terminal, (client) => client.setRetention(id, keep, { confirm }));
      printArtifact(terminal, options, artifact);
    });
}
