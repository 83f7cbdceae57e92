import type { Command } from 'commander';
import { ArtifactError } from '../../sdk/index.js';
import type { ArtifactClient, ArtifactHold } from '../../sdk/index.js';
import { dateAndRelative } from '../format.js';
import { holdText, holdTable } from '../tables.js';
import type { Terminal } from '../terminal.js';
import {
  ARTIFACT_EXAMPLE as ID,
  examples,
  parseTimeOption,
  print,
  printArtifact,
  withClient,
  withJson,
} from './common.js';
import type { JsonOption } from './common.js';

const HOLD = '4b1f9c52-7a51-4c0e-8d1b-6f2a9e3c5d10';

/** `hold`, `holds` and `unhold`: what keeps an artifact from expiring and from being deleted. */
export function addHoldCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('hold'))
    .description('let an artifact neither expire nor be deleted, until the hold ends')
    .argument('<id>', 'artifact id')
    .requiredOption('--reason <text>', 'why; stays in its history')
    .option('--until <time>', 'when it ends by itself: a day such as 2030-01-01, or a time', parseTimeOption)
    .addHelpText(
      'after',
      examples(`hold ${ID} --reason "case 17"`, `hold ${ID} --reason "audit of 2029" --until 2030-01-01`),
    )
    .action(async (id: string, options: JsonOption & { reason: string; until?: Date }) => {
      const { reason, until } = options;
      const wish = { reason, ...(until === undefined ? {} : { until }) };
      const hold = await withClient(terminal, (client) => client.addHold(id, wish));
      const end = hold.until === undefined ? '' : ` until ${dateAndRelative(hold.until)}`;
      const text = `Held${end}: ${hold.reason}\nIt ends with: artifacts unhold ${id} ${hold.id}\n`;
      print(terminal, options, { json: hold, text });
    });

  withJson(program.command('holds'))
    .description('list the holds of an artifact')
    .argument('<id>', 'artifact id')
    .addHelpText('after', examples(`holds ${ID}`))
    .action(async (id: string, options: JsonOption) => {
      const holds = await withClient(terminal, (client) => client.listHolds(id));
      print(terminal, options, { json: { holds }, text: holds.length === 0 ? 'No holds.\n' : holdTable(holds) });
    });

  withJson(program.command('unhold'))
    .description('end a hold; after the last one the old deadline counts again')
    .argument('<id>', 'artifact id')
    .argument('[hold]', 'hold id; may be left out when there is only one')
    .addHelpText('after', examples(`unhold ${ID}`, `unhold ${ID} ${HOLD}`))
    .action(async (id: string, holdId: string | undefined, options: JsonOption) => {
      const artifact = await withClient(terminal, async (client) =>
        client.endHold(id, holdId ?? (await onlyHold(client, id)).id),
      );
      printArtifact(terminal, options, artifact);
      const { holds, expiresAt } = artifact;
      const isDue = holds.length === 0 && expiresAt !== undefined && expiresAt.getTime() <= Date.now();
      if (isDue) terminal.err.write('Its deadline is over and nothing holds it any more: it is being deleted.\n');
    });
}

/** @throws `hold_not_found` unless there is exactly one. */
async function onlyHold(client: ArtifactClient, artifactId: string): Promise<ArtifactHold> {
  const holds = await client.listHolds(artifactId);
  const [hold] = holds;
  if (hold !== undefined && holds.length === 1) return hold;
  const which = holds.map((one) => `\n  ${one.id} ${holdText(one)}`).join('');
  throw new ArtifactError(
    'hold_not_found',
    holds.length === 0 ? 'It has no holds' : `It has ${holds.length} holds; say which one:${which}`,
  );
}
