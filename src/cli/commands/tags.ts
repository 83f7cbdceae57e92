import type { Command } from 'commander';
import { ArtifactError } from '../../sdk/index.js';
import type { Tags } from '../../sdk/index.js';
import type { Terminal } from '../terminal.js';
import { ARTIFACT_EXAMPLE as ID, examples, parseTag, printArtifact, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

interface TagOptions extends JsonOption {
  remove?: string[];
  replace?: true;
}

/** `tag`: other tags for what is uploaded already. */
export function addTagCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('tag'))
    .description('add, change and remove tags of an artifact; the others stay')
    .argument('<id>', 'artifact id')
    .argument('[tags...]', 'key=value, any number', parseTag)
    .option('--remove <key>', 'remove this tag, repeatable', (key, before: string[] = []) => [...before, key])
    .option('--replace', 'remove all others too')
    .addHelpText(
      'after',
      examples(`tag ${ID} reviewed=yes agent=plotter`, `tag ${ID} --remove draft`, `tag ${ID} --replace final=yes`),
    )
    .action(async (id: string, added: Tags, options: TagOptions) => {
      const { remove = [], replace = false } = options;
      if (Object.keys(added).length === 0 && remove.length === 0 && !replace)
        throw new ArtifactError('invalid_tags', 'Say which tags: key=value, or --remove key');
      if (replace && remove.length > 0)
        throw new ArtifactError('invalid_tags', 'With --replace everything else is removed anyway');
      const removed = Object.fromEntries(remove.map((key) => [key, null]));
      const tags = { ...removed, ...added };
      const artifact = await withClient(terminal, (client) => client.setTags(id, tags, { merge: !replace }));
      printArtifact(terminal, options, artifact);
    });
}
