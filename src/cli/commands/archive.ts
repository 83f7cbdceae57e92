import { Option } from 'commander';
import type { Command } from 'commander';
import { RESTORE_TIERS } from '../../sdk/index.js';
import type { RestoreTier } from '../../sdk/index.js';
import type { Terminal } from '../terminal.js';
import { ARTIFACT_EXAMPLE as ID, examples, printArtifact, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

/** `archive` and `restore`. */
export function addArchiveCommands(program: Command, terminal: Terminal): void {
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
    .description('bring an artifact back from the archive; may take hours, and says how many at most')
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
