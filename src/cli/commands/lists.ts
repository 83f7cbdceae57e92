import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { ARTIFACT_STATUSES, ARTIFACT_TYPES, LIST_SORTS, STORAGE_TIERS } from '../../sdk/index.js';
import type { Artifact, ArtifactStatus, SearchFilters, Tags } from '../../sdk/index.js';
import { artifactTable, usageTable } from '../tables.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import {
  examples,
  EXECUTION_EXAMPLE,
  parseCount,
  parseTag,
  parseTimeOption,
  parseWholeNumber,
  print,
  withClient,
  withJson,
} from './common.js';
import type { JsonOption } from './common.js';

interface ListOptions extends JsonOption, Omit<SearchFilters, 'tags' | 'status' | 'signal' | 'executionId'> {
  status?: ArtifactStatus[];
  tag?: Tags;
  limit: number;
}

const LIST_EXAMPLES = `${examples(
  `list ${EXECUTION_EXAMPLE}`,
  `list ${EXECUTION_EXAMPLE} --type image --tag agent=plotter`,
  `list --name '*.pdf' --created-after 2026-01-01 --sort largest`,
  `list --status UPLOADING --sort oldest`,
  `list ${EXECUTION_EXAMPLE} --json | jq -r '.artifacts[].id'`,
)}
On a narrow terminal long paths are shortened in the middle, and TIER and TYPE
left out; a pipe or a file gets everything.`;

/** `list` and `usage`. */
export function addListCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('list'))
    .description(
      'list artifacts of an execution, or all that may be seen; deleted ones only when asked for by --status',
    )
    .argument('[execution]', 'execution id; without it: of all executions')
    .addOption(new Option('--type <type>', 'only this type').choices(ARTIFACT_TYPES))
    .addOption(new Option('--status <status>', 'only this status, repeatable').argParser(parseStatus))
    .addOption(new Option('--tier <tier>', 'only this tier').choices(STORAGE_TIERS))
    .option('--tag <key=value>', 'only with this tag, repeatable', parseTag)
    .option('--name <name>', 'only with this file name; * stands for anything')
    .option('--path <beginning>', 'only paths that begin so, such as output/charts/')
    .option('--min-bytes <n>', 'only so large or larger', parseWholeNumber)
    .option('--max-bytes <n>', 'only so large or smaller', parseWholeNumber)
    .option('--created-after <time>', 'only created then or later (a day, or a time)', parseTimeOption)
    .option('--created-before <time>', 'only created before', parseTimeOption)
    .option('--expires-before <time>', 'only what expires before', parseTimeOption)
    .addOption(new Option('--sort <order>', 'the order').choices(LIST_SORTS).default('newest'))
    .option('--limit <n>', 'at most so many', parseCount, 10_000)
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (executionId: string | undefined, { json, tag, limit, ...same }: ListOptions) => {
      const filters = { ...same, ...(tag === undefined ? {} : { tags: tag }) };
      const { artifacts, truncated } = await withClient(terminal, (client) =>
        take(
          executionId === undefined ? client.searchArtifacts(filters) : client.iterateArtifacts(executionId, filters),
          limit,
        ),
      );
      const text =
        artifacts.length === 0 ? 'Nothing found.\n' : artifactTable(artifacts, columnsOfTerminal(terminal.out));
      print(terminal, json === undefined ? {} : { json }, { json: { artifacts, truncated }, text });
      if (truncated) terminal.err.write(`There are more than ${limit}. Ask for less, or for more by --limit.\n`);
    });

  withJson(program.command('usage'))
    .description('show how much is stored, by tier, and what is left of the quotas')
    .option('--execution <id>', 'of this execution; else of all that may be seen')
    .addHelpText('after', examples('usage', `usage --execution ${EXECUTION_EXAMPLE} --json`))
    .action(async ({ execution, ...options }: JsonOption & { execution?: string }) => {
      const usage = await withClient(terminal, (client) => client.usage(execution));
      print(terminal, options, { json: usage, text: usageTable(usage) });
    });
}

async function take(
  found: AsyncIterable<Artifact>,
  limit: number,
): Promise<{ artifacts: Artifact[]; truncated: boolean }> {
  const artifacts: Artifact[] = [];
  for await (const artifact of found) {
    if (artifacts.length === limit) return { artifacts, truncated: true };
    artifacts.push(artifact);
  }
  return { artifacts, truncated: false };
}

/** Collects `--status`. */
function parseStatus(text: string, before: ArtifactStatus[] = []): ArtifactStatus[] {
  const status = ARTIFACT_STATUSES.find((known) => known === text);
  if (status === undefined) throw new InvalidArgumentError(`Give one of ${ARTIFACT_STATUSES.join(', ')}.`);
  return [...before, status];
}
