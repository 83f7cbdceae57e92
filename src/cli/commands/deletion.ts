import type { Command } from 'commander';
import type { ArtifactClient } from '../../sdk/index.js';
import { deleteExecution, deletionText } from '../deletion.js';
import { dateAndRelative } from '../format.js';
import type { Terminal } from '../terminal.js';
import {
  ARTIFACT_EXAMPLE as ID,
  EXECUTION_EXAMPLE as EXECUTION,
  examples,
  print,
  printArtifact,
  withClient,
  withJson,
} from './common.js';
import type { JsonOption } from './common.js';

interface DeleteOptions extends JsonOption {
  execution?: string;
  purge?: true;
}

/** `delete` and `undelete`. */
export function addDeletionCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('delete'))
    .description('delete artifacts, or all artifacts of an execution')
    .argument('[id...]', 'artifact ids')
    .option('--execution <uuid>', 'delete everything this execution has')
    .option('--purge', 'for good and at once, also what is deleted and could be undeleted')
    .addHelpText('after', examples(`delete ${ID}`, `delete ${ID} --purge`, `delete --execution ${EXECUTION}`))
    .action(async (ids: string[], options: DeleteOptions, command: Command) => {
      const { execution, purge = false } = options;
      if (ids.length > 0 === (execution !== undefined))
        command.error('error: give artifact ids, or --execution, and not both');
      if (execution === undefined) {
        const outcome = await withClient(terminal, (client) => deleteEach(client, ids, purge));
        return print(terminal, options, { json: outcome, text: outcomeText(outcome, purge) });
      }
      if (purge) command.error('error: --purge takes artifact ids');
      const shown = { terminal, quiet: options.json === true };
      const counts = await withClient(terminal, (client) => deleteExecution(client, execution, shown));
      print(terminal, options, { json: counts, text: deletionText(counts) });
    });

  withJson(program.command('undelete'))
    .description('bring a deleted artifact back, until the time that "delete" and "show" give')
    .argument('<id>', 'artifact id')
    .addHelpText('after', examples(`undelete ${ID}`))
    .action(async (id: string, options: JsonOption) => {
      printArtifact(terminal, options, await withClient(terminal, (client) => client.undeleteArtifact(id)));
    });
}

interface Outcome {
  deleted: number;
  alreadyDeleted: string[];
  /** Until when they can be brought back, by id; those that cannot are left out. */
  purgeAt: Record<string, Date>;
}

async function deleteEach(client: ArtifactClient, ids: string[], purge: boolean): Promise<Outcome> {
  const outcome: Outcome = { deleted: 0, alreadyDeleted: [], purgeAt: {} };
  for (const id of ids) {
    const before = await client.getArtifact(id);
    // Deleting again is fine for a program; a person may have mistaken the id.
    if (before.status === 'DELETED' && !(purge && before.purgeAt !== undefined)) outcome.alreadyDeleted.push(id);
    else {
      await client.deleteArtifact(id, { purge });
      outcome.deleted += 1;
    }
    const { purgeAt } = await client.getArtifact(id);
    if (purgeAt !== undefined) outcome.purgeAt[id] = purgeAt;
  }
  return outcome;
}

function outcomeText({ deleted, alreadyDeleted, purgeAt }: Outcome, purge: boolean): string {
  const lines = [
    `Deleted ${deleted}${purge ? ' for good' : ''}.`,
    ...alreadyDeleted.map((id) => `${id} was already deleted.`),
    ...Object.entries(purgeAt).map(
      ([id, until]) => `Until ${dateAndRelative(until)} it can be brought back: artifacts undelete ${id}`,
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
