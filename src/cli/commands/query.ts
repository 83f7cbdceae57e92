import { Option } from 'commander';
import type { Command } from 'commander';
import { ARTIFACT_STATUSES, ARTIFACT_TYPES } from '../../sdk/index.js';
import type { ArtifactStatus, ArtifactType, Tags } from '../../sdk/index.js';
import { historyTable } from '../history.js';
import { artifactTable } from '../tables.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { addPlanCommand } from './plan.js';
import { parseTag, print, printArtifact, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

interface ListOptions extends JsonOption {
  type?: ArtifactType;
  status?: ArtifactStatus;
  tag?: Tags;
}

const LIST_EXAMPLES = `
Examples:
  artifacts list 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11
  artifacts list 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11 --type image --tag agent=plotter
  artifacts list 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11 --json | jq -r '.artifacts[].id'

On a narrow terminal long paths are shortened in the middle, and TIER and TYPE
left out; a pipe or a file gets everything.`;

const SHOW_EXAMPLES = `
Examples:
  artifacts show 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10
  artifacts show 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 --json | jq -r .checksum`;

const HISTORY_EXAMPLES = `
Examples:
  artifacts history 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10`;

/** `list`, `show`, `plan` and `history`: what is known. */
export function addQueryCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('list'))
    .description("list an execution's artifacts; deleted ones only when asked for by --status")
    .argument('<execution>', 'execution id')
    .addOption(new Option('--type <type>', 'only this type').choices(ARTIFACT_TYPES))
    .addOption(new Option('--status <status>', 'only this status').choices(ARTIFACT_STATUSES))
    .option('--tag <key=value>', 'only with this tag, repeatable', parseTag)
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (execution: string, options: ListOptions) => {
      const { json: _json, tag, ...filters } = options;
      const artifacts = await withClient(terminal, (client) =>
        client.listArtifacts(execution, { ...filters, ...(tag === undefined ? {} : { tags: tag }) }),
      );
      const text =
        artifacts.length === 0 ? 'Nothing found.\n' : artifactTable(artifacts, columnsOfTerminal(terminal.out));
      print(terminal, options, { json: { artifacts }, text });
    });

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
      print(terminal, options, { json: { items }, text: historyTable(items) });
    });
}
