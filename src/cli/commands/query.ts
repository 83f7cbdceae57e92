import type { Command } from 'commander';
import { historyTable } from '../history.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { addListCommands } from './lists.js';
import { addPlanCommand } from './plan.js';
import { print, printArtifact, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

const SHOW_EXAMPLES = `
Examples:
  artifacts show 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10
  artifacts show 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 --json | jq -r .checksum`;

const HISTORY_EXAMPLES = `
Examples:
  artifacts history 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10`;

/** `list`, `usage`, `show`, `plan` and `history`: what is known. */
export function addQueryCommands(program: Command, terminal: Terminal): void {
  addListCommands(program, terminal);

  withJson(program.command('show'))
    .description('show everything about one artifact')
    .argument('<id>', 'artifact id')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(async (id: string, options: JsonOption) => {
      printArtifact(terminal, options, await withClient(terminal, (client) => client.getArtifact(id)));
    });

  addPlanCommand(program, terminal);

  withJson(program.command('history'))
    .description('show what happened to an artifact, when and by whom')
    .argument('<id>', 'artifact id')
    .addHelpText('after', HISTORY_EXAMPLES)
    .action(async (id: string, options: JsonOption) => {
      const items = await withClient(terminal, (client) => client.history(id));
      print(terminal, options, { json: { items }, text: historyTable(items, columnsOfTerminal(terminal.out)) });
    });
}
